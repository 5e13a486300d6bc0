"""Signatures follow the published formulas, fields the published vocabulary, in both formats."""

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from ledger.ipn.shops_and_keys import FORM_SHA1, Key
from ledger.simulator import form_v2, rest_v4
from ledger.simulator.payment_lives import Call
from ledger.simulator.signed_calls import SignedCall, SyntheticPlatform
from ledger.simulator.stories import FORM, REST, STORIES, Story
from tests.simulator.conftest import FORM_SECRET, REST_SECRET, SHOP_ID

FIELDS: dict[str, str | None] = json.loads(
    (Path(__file__).parent / "form_fields.json").read_text(encoding="utf-8")
)
FAMILIES = tuple(name[:-1] for name in FIELDS if name.endswith("*"))
UNKNOWN_ON_PURPOSE = {"vads_new_field_2027"}
NOT_REPEATED = ("page_action", "payment_config", "action_mode", "identifier_status")

every_story = pytest.mark.parametrize("story", STORIES.values(), ids=lambda story: story.name)


def body_fields(body: bytes) -> dict[str, str]:
    pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def signed_text(fields: dict[str, str]) -> str:
    names = sorted((name for name in fields if name.startswith("vads_")), key=str.encode)
    return "+".join([*(fields[name] for name in names), FORM_SECRET])


def signed_calls(platform: SyntheticPlatform, format_name: str) -> list[SignedCall]:
    return [
        signed_call
        for story in STORIES.values()
        if format_name in story.formats
        for signed_call in platform.signed_calls(story, 7, 0, format_name)
    ]


def test_form_bodies_are_signed_and_hold_only_known_fields(platform: SyntheticPlatform) -> None:
    for signed_call in signed_calls(platform, FORM):
        fields = body_fields(signed_call.body)

        mac = hmac.new(FORM_SECRET.encode(), signed_text(fields).encode(), hashlib.sha256).digest()
        assert fields["signature"] == base64.b64encode(mac).decode()
        for name, text in fields.items():
            is_known = name in FIELDS or name.startswith(FAMILIES) or name in UNKNOWN_ON_PURPOSE
            assert is_known, (signed_call.story, name)
            assert re.search(FIELDS.get(name) or "", text), (signed_call.story, name, text)


def test_rest_bodies_are_signed_over_the_answer_and_not_over_the_source(
    platform: SyntheticPlatform,
) -> None:
    for signed_call in signed_calls(platform, REST):
        fields = body_fields(signed_call.body)

        mac = hmac.new(REST_SECRET.encode(), fields["kr-answer"].encode(), hashlib.sha256)
        assert fields["kr-hash"] == mac.hexdigest()
        assert fields["kr-hash-key"] == "password"
        assert fields["kr-hash-algorithm"] == "sha256_hmac"
        assert fields["kr-src"] == signed_call.call.source
        answer = json.loads(fields["kr-answer"])
        assert (answer["shopId"], answer["orderDetails"]["mode"]) == (SHOP_ID, "TEST")


@every_story
def test_both_formats_show_the_same_payment(story: Story, platform: SyntheticPlatform) -> None:
    for call in platform.calls(story, 7, 0):
        form, answer = form_v2.fields(call), rest_v4.answer(call)
        if not form.get("vads_trans_uuid"):
            continue

        rest = answer["transactions"][0]
        assert rest["uuid"] == form["vads_trans_uuid"]
        assert rest["amount"] == int(form["vads_effective_amount"])
        assert rest["operationType"] == form["vads_operation_type"]
        assert answer["orderDetails"]["orderId"] == form.get("vads_order_id")
        assert rest["paymentMethodToken"] == form.get("vads_identifier")
        details = rest["transactionDetails"]["cardDetails"]
        assert details["legacyTransId"] == form["vads_trans_id"]
        is_technical = story.name == "payment-technical-error"
        status = "ERROR" if is_technical else form["vads_trans_status"]
        assert rest["detailedStatus"] == status


def the_call(platform: SyntheticPlatform, story_name: str) -> Call:
    (call,) = platform.calls(STORIES[story_name], 7, 0)
    return call


def test_the_parts_of_a_split_payment_are_alike_in_both_formats(
    platform: SyntheticPlatform,
) -> None:
    call = the_call(platform, "payment-split")

    sequence = json.loads(form_v2.fields(call)["vads_payment_seq"])["transactions"]
    rest = rest_v4.answer(call)["transactions"]

    assert [
        (part["trans_uuid"], part["trans_status"], int(part["amount"])) for part in sequence
    ] == [(part["uuid"], part["detailedStatus"], part["amount"]) for part in rest]
    assert "vads_trans_uuid" not in form_v2.fields(call)


def test_redeliveries_lose_what_the_platform_does_not_keep(platform: SyntheticPlatform) -> None:
    for story in STORIES.values():
        calls = platform.calls(story, 7, 0)
        repeated = [form_v2.fields(call) for call in calls if call.source in ("RETRY", "BO")]

        lost = {f"vads_{name}" for name in (*NOT_REPEATED, "recurrence_status")}
        assert not any(lost & fields.keys() for fields in repeated)
        assert len({form_v2.fields(call)["vads_hash"] for call in calls}) == len(calls)


def test_a_card_payment_has_as_many_fields_as_observed(platform: SyntheticPlatform) -> None:
    assert 60 <= len(form_v2.fields(the_call(platform, "payment-accepted"))) <= 75


def test_the_conversion_stands_the_other_way_round_in_rest(platform: SyntheticPlatform) -> None:
    call = the_call(platform, "payment-currency-conversion")

    form, rest = form_v2.fields(call), rest_v4.answer(call)["transactions"][0]

    assert (form["vads_currency"], form["vads_effective_currency"]) == ("840", "978")
    assert (rest["currency"], rest["transactionDetails"]["effectiveCurrency"]) == ("EUR", "USD")
    assert rest["transactionDetails"]["effectiveAmount"] == int(form["vads_amount"])


def test_an_old_key_signs_with_sha1(platform: SyntheticPlatform) -> None:
    key = Key(SHOP_ID, "TEST", FORM_SHA1, FORM_SECRET)

    fields = body_fields(form_v2.body(the_call(platform, "payment-accepted"), key))

    assert fields["signature"] == hashlib.sha1(signed_text(fields).encode()).hexdigest()


def test_personal_data_lead_nowhere(platform: SyntheticPlatform) -> None:
    calls = [call for story in STORIES.values() for call in platform.calls(story, 7, 0)]

    assert all(call.buyer.email.endswith("@example.com") for call in calls)
    assert all(call.buyer.ip_address.startswith("192.0.2.") for call in calls)
    assert all(call.buyer.phone.startswith("019900") for call in calls)
