"""A bad day is the same for the same seed, and goes wrong as the platform would."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from urllib.parse import parse_qs

import pytest

from ledger.simulator.allowed_states import allowed_states
from ledger.simulator.chaos import TRIES_MAX
from ledger.simulator.chaos_attempts import Attempt, DeliveryReason, Fate
from ledger.simulator.sender import Answer
from ledger.simulator.signatures import rest_signature
from ledger.simulator.stories import FORM, REST
from tests.simulator.chaos_in_process import a_chaos, acknowledge, rotated_shops, send_all

LIVES = 120  # so many that each fate and each reason occurs


@pytest.fixture(scope="module")
def day() -> list[Attempt]:
    return attempts_of_a_day()


def attempts_of_a_day(seed: int = 1, lives: int = LIVES) -> list[Attempt]:
    chaos = a_chaos(rotated_shops(), seed=seed, lives=lives)
    attempts = []
    while page := chaos.next(50):
        attempts += page
    return attempts


def body_fields(attempt: Attempt) -> dict[str, str]:
    lists = parse_qs(attempt.signed_call.body.decode(), keep_blank_values=True)
    return {name: texts[0] for name, texts in lists.items()}


def test_the_same_seed_makes_the_same_day() -> None:
    first, again, another = (
        [attempt.digest for attempt in attempts_of_a_day(seed, 10)] for seed in (3, 3, 4)
    )

    assert first == again
    assert set(first).isdisjoint(another)


def test_everything_goes_wrong_that_can(day: Sequence[Attempt]) -> None:
    assert {attempt.fate for attempt in day} == set(Fate)
    assert {attempt.reason for attempt in day} == set(DeliveryReason)
    assert max(attempt.tries for attempt in day) == TRIES_MAX
    assert {attempt.signed_call.format for attempt in day} == {FORM, REST}


def test_a_failed_call_is_retried_on_the_next_quarter_hour(day: Sequence[Attempt]) -> None:
    retries = [attempt for attempt in day if attempt.reason is DeliveryReason.RETRY]

    for attempt in retries:
        call = attempt.signed_call.call
        assert (call.sent_at.minute % 15, call.sent_at.second, call.source) == (0, 0, "RETRY")
    assert retries


def test_a_retry_is_written_anew_and_lacks_what_the_platform_does_not_keep(
    day: Sequence[Attempt],
) -> None:
    forms = [attempt for attempt in day if attempt.signed_call.format == FORM]
    firsts = [body_fields(each) for each in forms if each.reason is DeliveryReason.FIRST]
    retries = [body_fields(each) for each in forms if each.reason is DeliveryReason.RETRY]

    hashes = {fields["vads_hash"] for fields in firsts}
    assert hashes.isdisjoint(fields["vads_hash"] for fields in retries)
    lost = {"vads_page_action", "vads_payment_config", "vads_action_mode"}
    assert not any(lost & fields.keys() for fields in retries)


def test_a_retry_shows_how_payments_stand_by_then(day: Sequence[Attempt]) -> None:
    first_statuses: dict[tuple[int, str], set[str]] = defaultdict(set)
    later_statuses: dict[tuple[int, str], set[str]] = defaultdict(set)
    for attempt in day:
        is_later = attempt.reason in (DeliveryReason.RETRY, DeliveryReason.RESENT)
        for payment in attempt.signed_call.call.payments:
            statuses = later_statuses if is_later else first_statuses
            statuses[attempt.signed_call.life_number, payment.uuid].add(payment.status)

    assert any(
        first_statuses[key] and statuses <= first_statuses[key]
        for key, statuses in later_statuses.items()
    )
    assert all(
        statuses <= first_statuses[key]
        for key, statuses in later_statuses.items()
        if first_statuses[key]
    )


def test_every_call_is_made_until_it_is_answered_or_given_up(day: Sequence[Attempt]) -> None:
    """Of each first call some try was taken in time, or all five were made."""
    tries: dict[tuple[int, str], list[Attempt]] = defaultdict(list)
    for attempt in day:
        if attempt.reason in (DeliveryReason.FIRST, DeliveryReason.RETRY):
            step = attempt.signed_call.call.step.removesuffix(", again")
            tries[attempt.signed_call.life_number, step].append(attempt)

    for attempts in tries.values():
        is_answered = any(attempt.fate is Fate.ANSWERED for attempt in attempts)
        assert is_answered or len(attempts) >= TRIES_MAX


def test_calls_arrive_out_of_order_and_at_once(day: Sequence[Attempt]) -> None:
    times_by_payment = defaultdict(list)
    for attempt in day:
        for payment in attempt.signed_call.shown_payments:
            times_by_payment[payment.uuid].append(attempt.signed_call.call.sent_at)

    assert any(times != sorted(times) for times in times_by_payment.values())
    gaps = [abs(a - b) for times in times_by_payment.values() for a, b in pairwise(times)]
    assert min(gaps) <= timedelta(seconds=1)


def test_the_keys_change_in_the_middle(day: Sequence[Attempt]) -> None:
    secrets = [key.secret for key in rotated_shops().shop_by_id["12345678"].keys]
    rest = [each for each in day if each.signed_call.format == REST and each.is_authentic]
    rest.sort(key=lambda attempt: attempt.signed_call.call.sent_at)
    used = [secret for attempt in rest for secret in secrets if is_signed_with(attempt, secret)]

    assert len(used) == len(rest)
    assert min(Counter(used).values()) > 10
    assert used == sorted(used, key=used.index), "they change once, and not back"


def is_signed_with(attempt: Attempt, secret: str) -> bool:
    fields = body_fields(attempt)
    return fields["kr-hash"] == rest_signature(fields["kr-answer"], secret)


def test_unknown_fields_and_statuses_occur_in_both_formats(day: Sequence[Attempt]) -> None:
    fields = [body_fields(attempt) for attempt in day]
    answers = [json.loads(each["kr-answer"]) for each in fields if "kr-answer" in each]

    assert any("vads_field_of_2027" in each for each in fields)
    assert any("field_of_2027" in answer for answer in answers)
    assert any(each.get("vads_trans_status") == "UNHEARD_OF_2027" for each in fields)


def test_what_the_service_does_not_take_is_sent_again() -> None:
    chaos = a_chaos(rotated_shops(), seed=1, lives=5)

    sent = send_all(chaos, lambda _: Answer(503, "KO unavailable", 0.0))

    retries = [each.attempt for each in sent if each.attempt.reason is DeliveryReason.RETRY]
    tries = Counter(attempt.tries for attempt in retries)
    assert set(tries) == set(range(2, TRIES_MAX + 1))
    assert len(set(tries.values())) == 1, "every call is tried as often as the platform tries"


def test_the_last_call_counts_where_the_calls_tell_which_it_is() -> None:
    sent = send_all(a_chaos(rotated_shops(), seed=2, lives=40), acknowledge)
    attempts = [answered.attempt for answered in sent]
    recorded = [each.signed_call for each in attempts if each.is_authentic and each.arrives]

    states = list(allowed_states(recorded))

    assert [state.id for state in states] == [state.id for state in allowed_states(recorded[::-1])]
    assert len({(state.kind, state.id) for state in states}) == len(states)
    certain = [
        state for state in states if all(len(each) == 1 for each in state.allowed_facts.values())
    ]
    assert len(certain) > 0.9 * len(states)


def test_a_delivery_is_printed_without_its_body() -> None:
    assert "vads_" not in repr(send_all(a_chaos(rotated_shops(), seed=1, lives=2), acknowledge))
