"""Bodies that nobody can be proven to have sent, and the reason with which each is refused."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from ledger.ipn.modes import MODES
from ledger.ipn.refusal_reasons import REASONS, UNDECIDED_ALONE
from ledger.ipn.shops_and_keys import FORM_HMAC, REST_BROWSER, REST_PASSWORD, Shops
from ledger.ipn.signature import form_text, sign_form_hmac
from tests.builders import (
    NOON,
    OTHER_SHOP_ID,
    SHOP_ID,
    a_form,
    a_shop,
    an_answer,
    form_body,
    rest_body,
    secret,
    shops,
)
from tests.ipn.reading import (
    A_SIGNED_FORM,
    BROWSER_KEY,
    FORM_KEY,
    Case,
    a_relabelled_form,
    both_formats,
    cases,
    reason_of,
    without,
)
from tests.ipn.test_unreadable import UNREADABLE

UNVERIFIED: list[Case] = [
    ("unknown-shop", "form", form_body(a_form(vads_site_id="11111111"), FORM_KEY)),
    ("unknown-shop", "rest", rest_body(an_answer(whole={"shopId": "11111111"}))),
    ("signature-missing", "form", without(form_body(a_form()), "signature")),
    ("signature-missing", "rest", without(rest_body(an_answer()), "kr-hash")),
    (
        "signature-missing",
        "form-empty",
        without(form_body(a_form()), "signature") + b"&signature=",
    ),
    ("signature-mismatch", "form", form_body(a_form(), "another")),
    (
        "signature-mismatch",
        "form-tampered",
        form_body(a_form()).replace(b"vads_amount=2990", b"vads_amount=2991"),
    ),
    ("signature-mismatch", "form-dropped", without(form_body(a_form()), "vads_extra_result")),
    ("signature-mismatch", "rest", rest_body(an_answer(), key="another")),
    ("signature-mismatch", "rest-tampered", rest_body(an_answer()).replace(b"2990", b"2991")),
    ("wrong-mode", "form", form_body(a_form(), secret(SHOP_ID, "PRODUCTION", FORM_HMAC))),
    (
        "wrong-mode",
        "rest",
        rest_body(an_answer(), key=secret(SHOP_ID, "PRODUCTION", REST_PASSWORD)),
    ),
    ("browser-return", "form", form_body(a_form(vads_hash=None, vads_url_check_src=None))),
    (
        "browser-return",
        "rest",
        rest_body(an_answer(), key=BROWSER_KEY, **{"kr-hash-key": "sha256_hmac"}),
    ),
    ("browser-return", "rest-relabelled", rest_body(an_answer(), key=BROWSER_KEY)),
    (
        "browser-return",
        "rest-escaped",
        rest_body(an_answer(), key=BROWSER_KEY).replace(b"%2F", b"%5C%2F"),
    ),
    ("relabelled-form", "form", a_relabelled_form()),
    *(
        (
            "relabelled-form",
            f"form-{name}-{text!r}",
            form_body(a_form(**{f"vads_{name}": text})),
        )
        for name, text in (
            ("hash", ""),
            ("hash", "short"),
            ("hash", "a7c5c619684dc04f33abc83f2bd0967d\0"),
            ("hash", "a b+c d e f g h i j k l m n o p q"),
            ("trans_uuid", "ACD46B2FD137E49048E9E5997A0BDDD5"),
            ("trans_uuid", "acd46b2f-d137-e490-48e9-e5997a0bddd5"),
            ("trans_uuid", "acd46b2fd137e49048e9e5997a0bddd5\0"),
            ("url_check_src", ""),
            ("url_check_src", "NEVER\0SEEN"),
            ("url_check_src", "pay"),
            ("trans_date", "2026-03-10T09:15:02"),
            ("trans_date", ""),
            ("trans_id", "1000010"),
            ("trans_id", "10 001"),
            ("url_check_src", None),
        )
    ),
    (
        "unsupported-algorithm",
        "rest",
        rest_body(an_answer(), **{"kr-hash-algorithm": "md5"}),
    ),
    (
        "unsupported-algorithm",
        "rest-none",
        without(rest_body(an_answer()), "kr-hash-algorithm"),
    ),
]


@cases(UNVERIFIED)
def test_what_cannot_be_verified_is_refused_with_its_reason(reason: str, body: bytes) -> None:
    assert reason_of(body) == reason


@both_formats
def test_a_claim_must_be_the_one_of_the_address(body: bytes) -> None:
    assert reason_of(body, shop_id=SHOP_ID, mode="TEST") is None
    assert reason_of(body, shop_id=SHOP_ID, mode="PRODUCTION") == "mode-mismatch"
    assert reason_of(body, shop_id=OTHER_SHOP_ID, mode="TEST") == "shop-mismatch"


def test_every_reason_has_a_case() -> None:
    elsewhere = {
        "unsupported-content-type",
        "mode-mismatch",
        "shop-mismatch",
        "no-key",
        "source-not-allowed",
        "wrong-address",
        "too-large",
        *UNDECIDED_ALONE,
        "card-data-removed",
        "erased",
        "wrong-shop",
    }

    assert {case[0] for case in (*UNREADABLE, *UNVERIFIED)} | elsewhere == set(REASONS)


def test_a_relabelled_form_has_a_valid_signature() -> None:
    """Its case above would prove nothing if its signature were wrong."""
    relabelled = dict(parse_qsl(a_relabelled_form().decode(), keep_blank_values=True))

    text = form_text(relabelled)

    assert text == form_text(A_SIGNED_FORM)
    assert relabelled["signature"] == sign_form_hmac(text, FORM_KEY)


# -- when a key is valid --------------------------------------------------------------------------


def keyring(**window: Any) -> Shops:
    """One shop whose keys have a window; the keys of its browser returns have none."""
    shop = a_shop()
    keys = [key if key.kind == REST_BROWSER else replace(key, **window) for key in shop.keys]
    return shops(replace(shop, keys=tuple(keys)))


@both_formats
@pytest.mark.parametrize(
    "window",
    [
        {"not_before": NOON + timedelta(days=1)},
        {"not_after": NOON - timedelta(days=1)},
        {"not_after": NOON},
    ],
    ids=["not yet", "no more", "to the instant"],
)
def test_a_key_counts_only_while_it_is_valid(body: bytes, window: Mapping[str, Any]) -> None:
    assert reason_of(body, keyring(**window), received_at=NOON) == "no-key"


@both_formats
def test_an_expired_key_beside_a_valid_one_is_a_mismatch(body: bytes) -> None:
    expired = keyring(not_after=NOON - timedelta(days=1)).shop_by_id[SHOP_ID].keys
    fresh = [replace(key, secret="another", not_after=None) for key in expired]
    both = shops(replace(a_shop(), keys=(*expired, *fresh)))

    assert reason_of(body, both, received_at=NOON) == "signature-mismatch"


@both_formats
def test_keys_may_overlap_while_they_are_rotated(body: bytes) -> None:
    old = a_shop().keys
    new = [replace(key, secret="another") for key in old]

    assert reason_of(body, shops(replace(a_shop(), keys=(*new, *old)))) is None


@pytest.mark.parametrize("mode", MODES)
def test_a_key_of_the_other_format_counts_for_nothing(mode: str) -> None:
    only_rest = shops(a_shop(kinds=(REST_PASSWORD,)))

    assert reason_of(form_body(a_form(vads_ctx_mode=mode)), only_rest) == "no-key"
