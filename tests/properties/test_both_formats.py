"""A life told in both formats is one life: nothing contradicts, nothing is told without end."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import chain, pairwise

import pytest

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.ipn.statuses import is_same_outcome
from ledger.simulator.signed_calls import SignedCall, sign_call, synthetic_platform
from ledger.simulator.stories import FORM, REST, STORIES, Story
from tests.builders import NOON, SHOP_ID, shops
from tests.recording.remembering import Remembering

PLATFORM = synthetic_platform(shops(), SHOP_ID, "TEST", at=NOON)
SEEDS = (1, 2)

every_story = pytest.mark.parametrize(
    "story",
    [story for story in STORIES.values() if not story.form_only],
    ids=lambda each: each.name,
)
both_orders = pytest.mark.parametrize("formats", [(FORM, REST), (REST, FORM)], ids="-then-".join)


def calls_by_format(story: Story, seed: int) -> Mapping[str, Sequence[SignedCall]]:
    return {name: PLATFORM.signed_calls(story, seed, 0, name) for name in (FORM, REST)}


def play(signed_calls: Sequence[SignedCall]) -> Remembering:
    ledger = Remembering()
    for each in signed_calls:
        ledger.receive(each.body, received_at=each.call.sent_at)
    return ledger


def told_twice(story: Story, formats: tuple[str, str], seed: int) -> list[list[SignedCall]]:
    """Return a life in both formats: call by call, and one format after the other."""
    first, second = (calls_by_format(story, seed)[name] for name in formats)
    return [list(chain.from_iterable(zip(first, second, strict=True))), [*first, *second]]


@every_story
@both_orders
def test_no_order_of_both_formats_contradicts_itself(
    story: Story, formats: tuple[str, str]
) -> None:
    for seed in SEEDS:
        for calls in told_twice(story, formats, seed):
            events = play(calls).events

            assert [event.TOPIC for event in events if event.contradiction] == []


@every_story
@both_orders
def test_no_status_is_reached_twice_because_of_the_other_format(
    story: Story, formats: tuple[str, str]
) -> None:
    for seed in SEEDS:
        for calls in told_twice(story, formats, seed):
            ledger = play(calls)

            for events in ledger.repository.events.values():
                statuses = list(map(str, reached(events)))
                pairs = pairwise(statuses)
                assert [pair for pair in pairs if is_same_outcome(*pair)] == []


def reached(events: Sequence[LedgerAggregate.Event]) -> list[object]:
    """Return the statuses of a transaction in turn."""
    return [
        event.facts["status"]
        for event in events
        if event.TOPIC.startswith("transaction.")
        and "status" in (event.facts if event.moved is None else event.moved)
    ]


@every_story
@both_orders
def test_both_formats_in_turn_repeat_what_they_said(story: Story, formats: tuple[str, str]) -> None:
    for seed in SEEDS:
        by_format = calls_by_format(story, seed)
        ledger = play(told_twice(story, formats, seed)[0])

        for number in range(4):
            last = by_format[formats[number % 2]][-1]
            again = last.call.repeated(
                "RETRY",
                sent_at=last.call.sent_at + timedelta(minutes=15 * (number + 1)),
                nonce=f"{number:032x}",
            )
            body = sign_call(again, last.format, PLATFORM.keys[last.format])

            assert ledger.receive(body, received_at=again.sent_at) == []
