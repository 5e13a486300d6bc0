"""Every published and computed vector, through the functions that receive notifications."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from ledger.errors import NotificationError
from ledger.ipn import form_v2, rest_v4
from ledger.ipn.content_tags import content_tag
from ledger.ipn.delivery import DecodedBody, Delivery, Limits, Notification, read_fields
from ledger.ipn.parse import read
from ledger.ipn.shops_and_keys import (
    FORM_HMAC,
    FORM_SHA1,
    REST_BROWSER,
    REST_PASSWORD,
    Key,
    Shop,
    Shops,
)
from ledger.ipn.signature import (
    digest,
    form_text,
    is_same,
    sign_form_hmac,
    sign_form_sha1,
    sign_rest,
)
from tests.builders import DATA, a_delivery, a_form

Vector = dict[str, Any]
VECTORS: list[Vector] = json.loads((DATA / "test-vectors.json").read_text())["vectors"]
KINDS = {"password": REST_PASSWORD, "hmac_sha256_key": REST_BROWSER}
LIMITS = Limits()


def vectors(*formats: str, shop: bool | None = None) -> Any:
    """Return vectors of these formats; `shop` selects those whose answer names a shop, or none."""
    selected = [
        vector
        for vector in VECTORS
        if vector["format"] in formats and (shop is None or bool(answer_of(vector)) == shop)
    ]
    return pytest.mark.parametrize("vector", selected, ids=lambda vector: vector["id"])


def answer_of(vector: Vector) -> dict[str, Any]:
    """The answer that names a shop; empty when this vector has none."""
    try:
        answer = json.loads(fields_of(vector).get("kr-answer", ""))
    except ValueError:
        return {}
    return answer if "shopId" in answer else {}


def fields_of(vector: Vector) -> dict[str, str]:
    return vector.get("fields") or dict(parse_qsl(vector["body"], encoding="latin-1"))


def keyring(vector: Vector) -> Shops:
    answer = answer_of(vector)
    verifying = vector.get("verify_with", vector["key"])
    shop_id, mode = answer.get("shopId", "12345678"), "TEST"
    key = Key(shop_id, mode, KINDS[verifying["kind"]], verifying["value"])
    return Shops({shop_id: Shop(shop_id, "", (key,))})


def delivery_of(vector: Vector) -> Delivery:
    body = vector["body"] if "body" in vector else urlencode(vector["fields"])
    return a_delivery(body.encode())


def outcome(vector: Vector) -> str:
    """What becomes of it in the vectors' words, but for the reason of a refusal."""
    try:
        notification, _ = read(delivery_of(vector), keyring(vector), LIMITS)
    except NotificationError as refusal:
        return refusal.reason
    assert isinstance(notification, Notification)
    return "accept-as-ipn"


REASONS = {
    "accept-as-ipn": {"accept-as-ipn"},
    "reject-at-ipn-endpoint": {"browser-return"},
    "reject-signature": {"signature-mismatch", "invalid-utf-8"},
    "reject-algorithm": {"unsupported-algorithm"},
    "reject-malformed": {"duplicate-field", "empty-body"},
    "receiver-choice": {"signature-mismatch"},  # ours: the platform writes lower case
}


@vectors("rest-v4", shop=True)
def test_an_answer_ends_as_its_vector_says(vector: Vector) -> None:
    assert outcome(vector) in REASONS[vector["expected"]]


@vectors("rest-v4-body")
def test_a_whole_body_ends_as_its_vector_says(vector: Vector) -> None:
    assert outcome(vector) in REASONS[vector["expected"]]


@vectors("rest-v4-body")
def test_the_text_to_verify_is_the_body_decoded_once(vector: Vector) -> None:
    expected = vector.get("decoded_kr_answer_sha256")
    if vector["expected"] != "accept-as-ipn":
        assert expected is None
        return

    fields = read_fields(delivery_of(vector), LIMITS)

    assert digest(fields["kr-answer"].encode()) == expected


@vectors("rest-v4", shop=False)
def test_an_answer_without_a_shop_is_never_taken(vector: Vector) -> None:
    assert outcome(vector) in {"answer-not-json", "identity-unreadable"}


@vectors("rest-v4", shop=False)
def test_an_answer_is_signed_as_given(vector: Vector) -> None:
    text, hash_ = vector["fields"]["kr-answer"], vector["fields"]["kr-hash"]

    computed = sign_rest(text, vector["key"]["value"])

    assert is_same(hash_, computed) == (vector["expected"] != "reject-signature")


def test_an_answer_that_is_signed_but_no_json_is_kept_as_such() -> None:
    (vector,) = (each for each in VECTORS if each["expected"] == "authentic-but-unreadable")

    assert outcome(vector) == "answer-not-json"


def test_only_the_escape_of_the_slash_is_repaired() -> None:
    """Taking out every backslash would make fields vanish under a valid signature."""
    (vector,) = (each for each in VECTORS if each["id"] == "rest-own-15-backslash-malleability")
    text, hash_ = vector["fields"]["kr-answer"], vector["fields"]["kr-hash"]

    repaired = text.replace("\\/", "/")

    assert is_same(hash_, sign_rest(text.replace("\\", ""), vector["key"]["value"]))
    assert not is_same(hash_, sign_rest(repaired, vector["key"]["value"]))


def test_what_was_signed_is_what_is_read() -> None:
    """Signed with plain slashes, received with escaped ones: both say the same to a reader."""
    vector_by_id = {vector["id"]: vector for vector in VECTORS}
    signed_raw = vector_by_id["rest-own-8-escaped-signed-raw"]
    signed_plain = vector_by_id["rest-own-9-escaped-signed-plain"]

    tags = {
        read(delivery_of(vector), keyring(vector), LIMITS)[0].signed_tag
        for vector in (signed_raw, signed_plain)
    }

    assert tags == {
        content_tag(signed_raw["fields"]["kr-answer"].encode()),
        content_tag(signed_plain["fields"]["kr-answer"].replace("\\/", "/").encode()),
    }


@vectors("form-v2")
def test_a_form_is_signed_over_its_values(vector: Vector) -> None:
    secret = vector["key"]["value"]
    sign = sign_form_sha1 if "SHA-1" in vector["algorithm"] else sign_form_hmac

    text = form_text(vector["fields"])

    assert f"{text}+{secret}" == vector["string_to_sign"]
    is_valid = is_same(vector["expected_signature"], sign(text, secret))
    assert is_valid == (vector["expected"] == "valid")


@vectors("form-v2")
def test_a_form_is_verified_as_its_vector_says(vector: Vector) -> None:
    """The payment forms among the vectors are well signed, and still no calls."""
    kind = FORM_SHA1 if "SHA-1" in vector["algorithm"] else FORM_HMAC
    key = Key("12345678", "TEST", kind, vector["key"]["value"])
    fields = vector["fields"] | {"signature": vector["expected_signature"]}
    shops = Shops({"12345678": Shop("12345678", "", (key,))})

    try:
        notification, _ = form_v2.verify(DecodedBody(a_delivery(b""), fields, LIMITS), shops)
        verdict = "valid"
        assert notification.key_fingerprint == key.fingerprint
    except NotificationError as refusal:
        verdict = refusal.reason

    valid = "valid" if "vads_hash" in fields else "browser-return"
    assert verdict == (valid if vector["expected"] == "valid" else "signature-mismatch")


@pytest.mark.parametrize("kind", [FORM_HMAC, FORM_SHA1])
def test_a_key_verifies_only_its_own_scheme(kind: str) -> None:
    form = a_form()
    text = form_text(form)
    other = sign_form_hmac if kind == FORM_SHA1 else sign_form_sha1
    key = Key("12345678", "TEST", kind, "SyntheticFormKey01")
    fields = form | {"signature": other(text, key.secret)}

    with pytest.raises(NotificationError, match="no key of this shop"):
        form_v2.verify(
            DecodedBody(a_delivery(b""), fields, LIMITS),
            Shops({"12345678": Shop("12345678", "", (key,))}),
        )


def test_the_names_are_sorted_by_their_bytes() -> None:
    """Upper case before the underscore before lower case, digits first; unsigned names left out."""
    fields = {
        "vads_cust_address": "12 rue A",
        "vads_cust_address2": "Bât. B",
        "vads_cust_address_number": "12",
        "vads_threeds_cavv": "Q=",
        "vads_threeds_cavvAlgorithm": "2",
        "vads_ext_info_Zeta": "Z",
        "vads_ext_info_alpha": "a",
        "vads_ext_info_1": "one",
        "vads_ext_info__x": "us",
        "vads_order_info": "a",
        "vads_order_info2": "b",
        "vads_order_info3": "",
        "foo": "not signed",
    }

    text = form_text(fields)

    assert text == "12 rue A+Bât. B+12+one+Z+us+a+a+b++Q=+2"
    assert (
        sign_form_hmac(text, "SyntheticFormKey01") == "KMSZpaVr803EipVvyM+Tr71hrLCEM0j3gM6hE9VuFqw="
    )
    assert sign_form_sha1(text, "SyntheticFormKey01") == "c08e6c06f05a6b18486135cfad4cc43bc02ebff3"


def test_blanks_and_empty_values_are_signed_as_they_are() -> None:
    fields = {
        "vads_amount": "100",
        "vads_cust_last_name": " a+b ",
        "vads_extra_result": "",
        "vads_order_info": "",
        "vads_site_id": "12345678",
    }

    text = form_text(fields)

    assert (
        sign_form_hmac(text, "SyntheticFormKey01") == "UQZ2+qF63yWEGGMOyNJgg2qqslzjoK4+8sLh0XIZZSE="
    )


@vectors("hmac-sanity")
def test_the_primitive_is_the_published_one(vector: Vector) -> None:
    assert sign_rest(vector["input"], vector["key"]["value"]) == vector["expected_signature"]
    made = hmac.new(vector["key"]["value"].encode(), vector["input"].encode(), hashlib.sha256)
    assert made.hexdigest() == vector["expected_signature"]


@pytest.mark.parametrize("signature", ["", "é", "\ud800", "a" * 10_000])
def test_any_received_signature_can_be_compared(signature: str) -> None:
    assert not is_same(signature, sign_rest("{}", "key"))


def test_every_vector_is_used() -> None:
    formats = {vector["format"] for vector in VECTORS}

    assert formats == {"rest-v4", "rest-v4-body", "form-v2", "hmac-sanity"}
    assert rest_v4.NAME in formats
    assert form_v2.NAME in formats
