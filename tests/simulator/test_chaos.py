"""What a bad day is made of: the same for the same seed, and as the platform would do it."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from urllib.parse import parse_qs

import pytest

from ledger.signature import sign_rest
from ledger.simulator.chaos import TRIES_MAX, Attempt, Fate, Why
from ledger.simulator.sender import Answer
from ledger.simulator.stories import FORM, REST
from ledger.simulator.truth import truths
from tests.simulator.chaotic import a_bad_day, rotated_shops, suffered

TAKEN = Answer(200, "OK recorded 1", 0.0)
LIVES = 120  # so many that each fate and each reason occurs


@pytest.fixture(scope="module")
def day() -> list[Attempt]:
    return the_day()


def the_day(seed: int = 1, lives: int = LIVES) -> list[Attempt]:
    chaos = a_bad_day(rotated_shops(), seed=seed, lives=lives)
    found = []
    while attempts := chaos.next(50):
        found += attempts
    return found


def fields(attempt: Attempt) -> dict[str, str]:
    told = parse_qs(attempt.telling.body.decode(), keep_blank_values=True)
    return {name: values[0] for name, values in told.items()}


def test_the_same_seed_makes_the_same_day() -> None:
    once, again, another = the_day(3, 10), the_day(3, 10), the_day(4, 10)

    assert [one.digest for one in once] == [one.digest for one in again]
    assert {one.digest for one in once}.isdisjoint(one.digest for one in another)


def test_everything_goes_wrong_that_can(day: Sequence[Attempt]) -> None:
    assert {one.fate for one in day} == set(Fate)
    assert {one.why for one in day} == set(Why)
    assert max(one.tries for one in day) == TRIES_MAX
    assert {one.telling.format for one in day} == {FORM, REST}


def test_a_failed_call_is_retried_on_the_next_quarter_hour(day: Sequence[Attempt]) -> None:
    retries = [one for one in day if one.why is Why.RETRY]

    for one in retries:
        at = one.telling.call.sent_at
        assert (at.minute % 15, at.second, one.telling.call.source) == (0, 0, "RETRY")
    assert retries


def test_a_retry_is_told_anew_and_lacks_what_the_platform_does_not_keep(
    day: Sequence[Attempt],
) -> None:
    forms = [one for one in day if one.telling.format == FORM]
    firsts = {fields(one)["vads_hash"] for one in forms if one.why is Why.FIRST}
    retries = [fields(one) for one in forms if one.why is Why.RETRY]

    assert firsts.isdisjoint(one["vads_hash"] for one in retries)
    lost = {"vads_page_action", "vads_payment_config", "vads_action_mode"}
    assert not any(lost & one.keys() for one in retries)


def test_a_retry_tells_how_things_stand_by_then(day: Sequence[Attempt]) -> None:
    first: dict[tuple[int, str], set[str]] = defaultdict(set)
    later: dict[tuple[int, str], set[str]] = defaultdict(set)
    for one in day:
        found = later if one.why in (Why.RETRY, Why.RESENT) else first
        for payment in one.telling.call.payments:
            found[one.telling.life, payment.uuid].add(payment.status)

    assert any(first[key] and statuses - first[key] == set() for key, statuses in later.items())
    assert all(statuses <= first[key] for key, statuses in later.items() if first[key])


def test_every_call_is_made_until_it_is_answered_or_given_up(day: Sequence[Attempt]) -> None:
    """Of each first call some try was taken in time, or all five were made."""
    tries: dict[tuple[int, str], list[Attempt]] = defaultdict(list)
    for one in day:
        if one.why in (Why.FIRST, Why.RETRY):
            step = one.telling.call.step.removesuffix(", again")
            tries[one.telling.life, step].append(one)

    for made in tries.values():
        is_answered = any(one.fate is Fate.ANSWERED for one in made)
        assert is_answered or len(made) >= TRIES_MAX


def test_calls_arrive_out_of_order_and_at_once(day: Sequence[Attempt]) -> None:
    by_payment: dict[str, list[Attempt]] = defaultdict(list)
    for one in day:
        for payment in one.telling.shown:
            by_payment[payment.uuid].append(one)
    sent = [[one.telling.call.sent_at for one in some] for some in by_payment.values()]

    assert any(times != sorted(times) for times in sent)
    assert any(
        abs(one - other) <= timedelta(seconds=1) for times in sent for one, other in pairwise(times)
    )


def test_the_keys_change_in_the_middle(day: Sequence[Attempt]) -> None:
    keyring = rotated_shops().shop_by_id["12345678"].keys
    rest = [one for one in day if one.telling.format == REST and one.is_true]
    rest.sort(key=lambda one: one.telling.call.sent_at)
    made_by = [one.secret for attempt in rest for one in keyring if _made(attempt, one.secret)]

    assert len(made_by) == len(rest)
    assert sorted(Counter(made_by).values())[0] > 10
    assert made_by == sorted(made_by, key=made_by.index)  # one change, and none back


def _made(attempt: Attempt, secret: str) -> bool:
    told = fields(attempt)
    return told["kr-hash"] == sign_rest(told["kr-answer"], secret)


def test_what_nobody_knows_yet_is_told_in_both_formats(day: Sequence[Attempt]) -> None:
    forms = [fields(one) for one in day if one.telling.format == FORM]
    answers = [json.loads(fields(one)["kr-answer"]) for one in day if one.telling.format == REST]

    assert any("vads_field_of_2027" in one for one in forms)
    assert any("field_of_2027" in one for one in answers)
    assert any(one.get("vads_trans_status") == "UNHEARD_OF_2027" for one in forms)


def test_what_the_service_does_not_take_is_told_again() -> None:
    refused: Counter[str] = Counter()

    def send(attempt: Attempt) -> Answer:
        refused[attempt.digest] += 1
        return Answer(503, "KO unavailable", 0.0)

    sent = suffered(a_bad_day(rotated_shops(), seed=1, lives=5), send)

    made = Counter(one.attempt.tries for one in sent if one.attempt.why is Why.RETRY)
    assert set(made) == set(range(2, TRIES_MAX + 1))
    assert len(set(made.values())) == 1, "every call is tried as often as the platform tries"


def test_the_truth_is_the_last_word_where_the_messages_tell_which_it_is() -> None:
    sent = suffered(a_bad_day(rotated_shops(), seed=2, lives=40), lambda _: TAKEN)
    kept = [one.attempt.telling for one in sent if one.attempt.is_true and one.attempt.arrives]

    found = list(truths(kept))

    assert [one.id for one in found] == [one.id for one in truths(kept[::-1])]
    assert len({(one.kind, one.id) for one in found}) == len(found)
    certain = [one for one in found if all(len(values) == 1 for values in one.facts.values())]
    assert len(certain) > 0.9 * len(found)
