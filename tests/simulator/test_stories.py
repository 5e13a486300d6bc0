"""Each story ends as it says, in every format; all eight rules are played."""

import re

import pytest

from ledger.errors import SettingsError
from ledger.shops import FORM_HMAC, Key, Shop, Shops
from ledger.simulator.expected import expected
from ledger.simulator.stories import FORM, REST, STORIES, Story
from ledger.simulator.telling import ALTERNATE, MIXED, Teller, lives, teller
from ledger.statuses import RANKS
from tests.simulator.conftest import SHOP_ID

every_story = pytest.mark.parametrize("story", STORIES.values(), ids=lambda story: story.name)
every_rest_story = pytest.mark.parametrize(
    "story", [one for one in STORIES.values() if REST in one.formats], ids=lambda story: story.name
)
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


@every_story
@pytest.mark.parametrize("seed", range(5))
def test_a_story_ends_as_it_says(story: Story, seed: int, told_by: Teller) -> None:
    ends = expected(told_by.tell(story, seed, 0, FORM))

    assert "; ".join(map(str, ends)) == story.ends


@every_rest_story
def test_rest_leaves_the_same_transactions(story: Story, told_by: Teller) -> None:
    form = expected(told_by.tell(story, 7, 0, FORM))
    rest = expected(told_by.tell(story, 7, 0, REST))

    same = ("operation_type", "amount_minor", "currency", "order_id")
    assert _of(form, "transaction", same) == _of(rest, "transaction", same)


def _of(found: list, kind: str, names: tuple[str, ...]) -> dict:  # type: ignore[type-arg]
    return {
        one.id: {name: one.facts.get(name) for name in names} for one in found if one.kind == kind
    }


@every_story
def test_time_only_goes_forward(story: Story, told_by: Teller) -> None:
    times = [call.sent_at for call in told_by.life(story, 7, 0)]

    assert times == sorted(set(times))


@every_story
def test_names_are_kebab_case_and_meanings_one_line(story: Story) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", story.name)
    assert "\n" not in story.meaning
    assert story.meaning.endswith(".")


@every_story
def test_no_amount_is_negative_and_refunds_stay_below_the_payment(
    story: Story, told_by: Teller
) -> None:
    for number in range(30):
        for call in told_by.life(story, 7, number):
            assert all(payment.amount_minor >= 0 for payment in call.payments)
            order = call.order.amount_minor
            credits = [one for one in call.payments if one.operation_type == "CREDIT"]
            assert all(0 < one.amount_minor <= order for one in credits)


def test_the_same_seed_tells_the_same_bytes_and_another_does_not(told_by: Teller) -> None:
    def bodies(seed: int) -> list[bytes]:
        told = lives(told_by, ALL, seed=seed, count=len(ALL))
        return [telling.body for life in told for telling in life]

    assert bodies(1) == bodies(1)
    assert not set(bodies(1)) & set(bodies(2))


def test_lives_of_one_story_are_different_payments(told_by: Teller) -> None:
    told = lives(told_by, [STORIES["payment-accepted"]], seed=1, count=200)

    uuids = {telling.call.payments[0].uuid for life in told for telling in life}
    assert len(uuids) == 200


@pytest.mark.parametrize("stories", [ALL, ALL[:-1], ALL[:1]], ids=["even-or-odd", "other", "one"])
def test_alternating_tells_each_story_in_both_formats(
    stories: list[Story], told_by: Teller
) -> None:
    told = lives(told_by, stories, seed=1, count=2 * len(stories), wanted=ALTERNATE)

    seen = {(telling.story, telling.format) for life in told for telling in life}
    assert seen == {(story.name, one) for story in stories for one in story.formats}


def test_a_mixed_life_alternates(told_by: Teller) -> None:
    told = told_by.tell(STORIES["paid-and-refunded"], 7, 0, MIXED)

    assert [telling.format for telling in told] == [FORM, REST] * 3


def test_all_sources_are_played(told_by: Teller) -> None:
    sources = {call.source for story in ALL for call in told_by.life(story, 7, 0)}

    known = {"PAY", "REC", "BATCH_AUTO", "BATCH", "MERCH_BO", "RETRY", "BO", "DCF"}
    assert sources == known | {"PAYMENT_ORDER", "NEW_SOURCE"}


def test_all_statuses_that_notifications_tell_are_played(told_by: Teller) -> None:
    statuses = {
        payment.status
        for story in ALL
        for call in told_by.life(story, 7, 0)
        for payment in call.payments
    }

    assert statuses >= set(RANKS) - NEVER_SEEN_IN_A_CALL


def test_alias_and_subscription_words_are_played(told_by: Teller) -> None:
    calls = [call for story in ALL for call in told_by.life(story, 7, 0)]

    assert {call.alias_status for call in calls} == {
        *("CREATED", "UPDATED", "NOT_CREATED", "NOT_UPDATED", "ABANDONED"),
        None,
    }
    assert {call.subscription_status for call in calls} == {
        *("CREATED", "NOT_CREATED", "ABANDONED"),
        None,
    }


def test_instalments_are_expected_with_their_numbers_only_from_the_form(told_by: Teller) -> None:
    story = STORIES["subscription"]

    (form,) = (one for one in expected(told_by.tell(story, 7, 0, FORM)) if one.instalments)
    (rest,) = (one for one in expected(told_by.tell(story, 7, 0, REST)) if one.instalments)

    assert [one.get("number") for one in form.instalments] == [1, 2, 3, 12]
    assert [one.get("number") for one in rest.instalments] == [None] * 4


def test_a_form_only_story_is_refused_in_rest_with_its_reason(told_by: Teller) -> None:
    story = STORIES["subscription-on-known-alias"]

    with pytest.raises(SettingsError, match="REST tells only transactions"):
        told_by.tell(story, 7, 0, REST)


def test_a_shop_with_one_kind_of_key_tells_all_it_can() -> None:
    key = Key(SHOP_ID, "TEST", FORM_HMAC, "k")
    form_only = teller(Shops({SHOP_ID: Shop(SHOP_ID, "", (key,))}), SHOP_ID, "TEST")

    told = lives(form_only, ALL, seed=1, count=len(ALL))

    assert {telling.format for life in told for telling in life} == {FORM}
    with pytest.raises(SettingsError, match="has no TEST key"):
        form_only.tell(ALL[0], 1, 0, REST)


@pytest.mark.parametrize(
    ("shop_id", "mode"), [("99999999", "TEST"), (SHOP_ID, "PRODUCTION")], ids=["shop", "mode"]
)
def test_without_a_key_nothing_is_told(shop_id: str, mode: str, shops: Shops) -> None:
    with pytest.raises(SettingsError):
        teller(shops, shop_id, mode)
