"""Each story ends as it says, in every format; all eight rules are played."""

import re

import pytest

from ledger.errors import SettingsError
from ledger.ipn.shops_and_keys import FORM_HMAC, Key, Shop, Shops
from ledger.simulator.allowed_states import RANK_BY_STATUS
from ledger.simulator.expected_objects import ExpectedObject, expected
from ledger.simulator.payment_lives import Call
from ledger.simulator.signed_calls import (
    ALTERNATE,
    MIXED,
    SyntheticPlatform,
    signed_lives,
    synthetic_platform,
)
from ledger.simulator.stories import FORM, REST, STORIES, Story
from tests.simulator.conftest import SHOP_ID

ALL = list(STORIES.values())
NEVER_SEEN_IN_A_CALL = {
    "WAITING_FOR_PAYMENT",
    "PENDING",
    "PRE_AUTHORISED",
    "PARTIALLY_AUTHORISED",
    "CAPTURE_PENDING",
    "ERROR",  # the REST word for a technical error
    "ABANDONED",  # no payment exists
    "NOT_CREATED",
}
SAME_IN_BOTH_FORMATS = ("operation_type", "amount_minor", "currency", "order_id")


@pytest.mark.parametrize("story", ALL, ids=lambda story: story.name)
def test_a_story_ends_as_it_says(story: Story, platform: SyntheticPlatform) -> None:
    for seed in range(3):
        ends = expected(platform.signed_calls(story, seed, 0, FORM))

        assert "; ".join(map(str, ends)) == story.ends
        if REST in story.formats:
            rest_ends = expected(platform.signed_calls(story, seed, 0, REST))
            assert transactions(ends) == transactions(rest_ends)


def transactions(objects: list[ExpectedObject]) -> dict[str | None, list[object]]:
    return {
        each.id: [each.facts.get(name) for name in SAME_IN_BOTH_FORMATS]
        for each in objects
        if each.kind == "transaction"
    }


def test_names_are_kebab_case_and_meanings_one_line() -> None:
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", story.name) for story in ALL)
    assert not any("\n" in story.meaning for story in ALL)
    assert all(story.meaning.endswith(".") for story in ALL)


def test_time_goes_forward_and_refunds_stay_below_the_payment(
    platform: SyntheticPlatform,
) -> None:
    for story in ALL:
        for number in range(10):
            calls = platform.calls(story, 7, number)
            times = [call.sent_at for call in calls]
            assert times == sorted(set(times))
            for call in calls:
                payments = call.payments
                assert all(payment.amount_minor >= 0 for payment in payments)
                credits = [each for each in payments if each.operation_type == "CREDIT"]
                assert all(0 < each.amount_minor <= call.request.amount_minor for each in credits)


def bodies(platform: SyntheticPlatform, seed: int) -> list[bytes]:
    lives = signed_lives(platform, ALL, seed=seed, count=len(ALL))
    return [signed_call.body for life in lives for signed_call in life]


def test_the_same_seed_makes_the_same_bytes_and_another_does_not(
    platform: SyntheticPlatform,
) -> None:
    assert bodies(platform, 1) == bodies(platform, 1)
    assert not set(bodies(platform, 1)) & set(bodies(platform, 2))


def test_lives_of_the_same_story_are_different_payments(platform: SyntheticPlatform) -> None:
    lives = signed_lives(platform, [STORIES["payment-accepted"]], seed=1, count=200)

    uuids = {signed_call.call.payments[0].uuid for life in lives for signed_call in life}
    assert len(uuids) == 200


@pytest.mark.parametrize("stories", [ALL, ALL[:-1], ALL[:1]], ids=["even-or-odd", "other", "one"])
def test_alternating_plays_each_story_in_both_formats(
    stories: list[Story], platform: SyntheticPlatform
) -> None:
    lives = signed_lives(platform, stories, seed=1, count=2 * len(stories), format_choice=ALTERNATE)

    played = {(signed_call.story, signed_call.format) for life in lives for signed_call in life}
    assert played == {(story.name, name) for story in stories for name in story.formats}


def test_a_mixed_life_alternates(platform: SyntheticPlatform) -> None:
    life = platform.signed_calls(STORIES["paid-and-refunded"], 7, 0, MIXED)

    assert [signed_call.format for signed_call in life] == [FORM, REST] * 3


def all_calls(platform: SyntheticPlatform) -> list[Call]:
    return [call for story in ALL for call in platform.calls(story, 7, 0)]


def test_all_sources_and_statuses_of_notifications_are_played(
    platform: SyntheticPlatform,
) -> None:
    calls = all_calls(platform)

    known = {"PAY", "REC", "BATCH_AUTO", "BATCH", "MERCH_BO", "RETRY", "BO", "DCF"}
    assert {call.source for call in calls} == known | {"PAYMENT_ORDER", "NEW_SOURCE"}
    statuses = {payment.status for call in calls for payment in call.payments}
    assert statuses >= set(RANK_BY_STATUS) - NEVER_SEEN_IN_A_CALL
    assert {call.alias_status for call in calls} == {
        *("CREATED", "UPDATED", "NOT_CREATED", "NOT_UPDATED", "ABANDONED"),
        None,
    }
    assert {call.subscription_status for call in calls} == {
        *("CREATED", "NOT_CREATED", "ABANDONED"),
        None,
    }


def test_instalments_are_expected_with_their_numbers_only_from_the_form(
    platform: SyntheticPlatform,
) -> None:
    story = STORIES["subscription"]

    numbers = {
        format_name: [
            instalment.get("number")
            for each in expected(platform.signed_calls(story, 7, 0, format_name))
            for instalment in each.instalments
        ]
        for format_name in (FORM, REST)
    }

    assert numbers == {FORM: [1, 2, 3, 12], REST: [None] * 4}


def test_a_form_only_story_is_refused_in_rest_with_its_reason(platform: SyntheticPlatform) -> None:
    with pytest.raises(SettingsError, match="REST tells only transactions"):
        platform.signed_calls(STORIES["subscription-on-known-alias"], 7, 0, REST)


def test_a_shop_with_keys_of_the_form_alone_plays_all_it_can() -> None:
    key = Key(SHOP_ID, "TEST", FORM_HMAC, "k")
    form_only = synthetic_platform(Shops({SHOP_ID: Shop(SHOP_ID, "", (key,))}), SHOP_ID, "TEST")

    lives = signed_lives(form_only, ALL, seed=1, count=len(ALL))

    assert {signed_call.format for life in lives for signed_call in life} == {FORM}
    with pytest.raises(SettingsError, match="has no TEST key"):
        form_only.signed_calls(ALL[0], 1, 0, REST)


@pytest.mark.parametrize(
    ("shop_id", "mode"), [("99999999", "TEST"), (SHOP_ID, "PRODUCTION")], ids=["shop", "mode"]
)
def test_without_a_key_nothing_is_played(shop_id: str, mode: str, shops: Shops) -> None:
    with pytest.raises(SettingsError):
        synthetic_platform(shops, shop_id, mode)
