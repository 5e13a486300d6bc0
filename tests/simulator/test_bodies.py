"""Signatures by the published formulas, fields of the published vocabulary."""

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from ledger.shops import FORM_SHA1, Key
from ledger.simulator import form_v2, rest_v4
from ledger.simulator.stories import FORM, REST, STORIES, Story
from ledger.simulator.telling import MIXED, Teller, Telling
from tests.simulator.conftest import FORM_SECRET, REST_SECRET, SHOP_ID

FIELDS: dict[str, str | None] = json.loads(
    (Path(__file__).parent / "form_fields.json").read_text(encoding="utf-8")
)
FAMILIES = tuple(name[:-1] for name in FIELDS if name.endswith("*"))
UNKNOWN_ON_PURPOSE = {"vads_new_field_2027"}

every_story = pytest.mark.parametrize("story", STORIES.values(), ids=lambda story: story.name)
every_rest_story = pytest.mark.parametrize(
    "story", [one for one in STORIES.values() if REST in one.formats], ids=lambda story: story.name
)


def fields_of(telling: Telling) -> dict[str, str]:
    pairs = parse_qsl(telling.body.decode("ascii"), keep_blank_values=True, errors="strict")
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def told(told_by: Teller, story: Story, wanted: str) -> list[Telling]:
    return told_by.tell(story, 7, 0, wanted)


@every_story
def test_form_bodies_are_signed_over_all_values_in_byte_order(
    story: Story, told_by: Teller
) -> None:
    for telling in told(told_by, story, FORM):
        fields = fields_of(telling)

        names = sorted((name for name in fields if name.startswith("vads_")), key=str.encode)
        text = "+".join([*(fields[name] for name in names), FORM_SECRET])
        mac = hmac.new(FORM_SECRET.encode(), text.encode(), hashlib.sha256).digest()
        assert fields["signature"] == base64.b64encode(mac).decode()


@every_story
def test_form_bodies_hold_only_known_fields_with_values_of_their_shape(
    story: Story, told_by: Teller
) -> None:
    for telling in told(told_by, story, FORM):
        for name, value in fields_of(telling).items():
            known = name in FIELDS or name.startswith(FAMILIES) or name in UNKNOWN_ON_PURPOSE
            assert known, name
            assert re.search(FIELDS.get(name) or "", value), (name, value)


@every_rest_story
def test_rest_bodies_are_signed_over_the_answer_and_not_over_the_source(
    story: Story, told_by: Teller
) -> None:
    for telling in told(told_by, story, REST):
        fields = fields_of(telling)

        mac = hmac.new(REST_SECRET.encode(), fields["kr-answer"].encode(), hashlib.sha256)
        assert fields["kr-hash"] == mac.hexdigest()
        assert fields["kr-hash-key"] == "password"
        assert fields["kr-hash-algorithm"] == "sha256_hmac"
        assert fields["kr-src"] == telling.call.source
        answer = json.loads(fields["kr-answer"])
        assert (answer["shopId"], answer["orderDetails"]["mode"]) == (SHOP_ID, "TEST")


@every_story
def test_both_formats_tell_the_same_payment_alike(story: Story, told_by: Teller) -> None:
    for call in told_by.life(story, 7, 0):
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
        if story.name == "payment-technical-error":
            assert (rest["detailedStatus"], form["vads_trans_status"]) == ("ERROR", "REFUSED")
        else:
            assert rest["detailedStatus"] == form["vads_trans_status"]


def test_the_parts_of_a_split_payment_are_told_alike(told_by: Teller) -> None:
    (call,) = told_by.life(STORIES["payment-split"], 7, 0)

    seq = json.loads(form_v2.fields(call)["vads_payment_seq"])["transactions"]
    rest = rest_v4.answer(call)["transactions"]

    form_parts = [(part["trans_uuid"], part["trans_status"], int(part["amount"])) for part in seq]
    rest_parts = [(part["uuid"], part["detailedStatus"], part["amount"]) for part in rest]
    assert form_parts == rest_parts
    assert "vads_trans_uuid" not in form_v2.fields(call)


@every_story
def test_redeliveries_lose_what_the_platform_does_not_keep(story: Story, told_by: Teller) -> None:
    hashes = set()
    calls = told_by.life(story, 7, 0)
    for call in calls:
        fields = form_v2.fields(call)
        hashes.add(fields["vads_hash"])
        if call.source in ("RETRY", "BO"):
            for name in (
                "page_action",
                "payment_config",
                "action_mode",
                "identifier_status",
                "recurrence_status",
            ):
                assert f"vads_{name}" not in fields
    assert len(hashes) == len(calls)


def test_a_card_payment_has_as_many_fields_as_observed(told_by: Teller) -> None:
    (call,) = told_by.life(STORIES["payment-accepted"], 7, 0)

    assert 60 <= len(form_v2.fields(call)) <= 75


def test_the_conversion_stands_the_other_way_round_in_rest(told_by: Teller) -> None:
    (call,) = told_by.life(STORIES["payment-currency-conversion"], 7, 0)

    form, rest = form_v2.fields(call), rest_v4.answer(call)["transactions"][0]

    assert (form["vads_currency"], form["vads_effective_currency"]) == ("840", "978")
    assert (rest["currency"], rest["transactionDetails"]["effectiveCurrency"]) == ("EUR", "USD")
    assert rest["transactionDetails"]["effectiveAmount"] == int(form["vads_amount"])


def test_an_old_key_signs_with_sha1(told_by: Teller) -> None:
    (call,) = told_by.life(STORIES["payment-accepted"], 7, 0)

    body = form_v2.body(call, Key(SHOP_ID, "TEST", FORM_SHA1, FORM_SECRET))

    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    names = sorted((name for name in fields if name.startswith("vads_")), key=str.encode)
    text = "+".join([*(fields[name] for name in names), FORM_SECRET])
    assert fields["signature"] == hashlib.sha1(text.encode()).hexdigest()


def test_personal_data_lead_nowhere(told_by: Teller) -> None:
    for story in STORIES.values():
        for telling in told(told_by, story, MIXED):
            buyer = telling.call.buyer
            assert buyer.email.endswith("@example.com")
            assert buyer.ip_address.startswith("192.0.2.")
            assert buyer.phone.startswith("019900")
