"""What is believed of one transaction, whatever order and shape the calls come in."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.items import item
from ledger.statuses import FINAL, RANKS
from ledger.storage.event_store import RecordedEvent
from tests.builders import (
    NOON,
    SHOP_ID,
    UUID,
    a_form_call,
    a_ledger,
    a_rest_call,
    an_answer,
    minutes,
    receive,
    rest_body,
)
from tests.conftest import opened

OTHER_UUID = "b2" * 16


@pytest.fixture
def ledger(sqlite_url: str) -> Iterator[Ledger]:
    with opened(sqlite_url) as database:
        yield a_ledger(database)


def events(ledger: Ledger, uuid: str = UUID) -> list[RecordedEvent]:
    return ledger.events.history(Transaction.id_of(SHOP_ID, "TEST", uuid))


def state(ledger: Ledger, uuid: str = UUID) -> dict[str, Any]:
    return item(events(ledger, uuid))


def tell(ledger: Ledger, *bodies: bytes) -> list[str]:
    """Shape: each outcome, and for news the last part of the event's name."""
    found = []
    for body in bodies:
        receipt = receive(ledger, body)
        assert receipt.outcome != "quarantined", receipt.reason
        topic = events(ledger)[-1].event.TOPIC.partition(".")[2]
        found.append(topic if receipt.outcome == "recorded" else receipt.outcome)
    return found


# -- late news --------------------------------------------------------------------------------


def test_late_news_is_recorded_and_moves_nothing_back(ledger: Ledger) -> None:
    tell(ledger, a_form_call("CAPTURED"), a_form_call("AUTHORISED", auth_number="999"))

    first, late = (one.event for one in events(ledger))
    assert (first.late, late.late, late.contradiction) == (False, True, False)
    assert state(ledger)["status"] == "CAPTURED"
    assert state(ledger)["authorisation_number"] == "3fe04e"


def test_late_news_may_fill_in_what_was_never_told(ledger: Ledger) -> None:
    tell(ledger, a_form_call("CAPTURED", auth_number=None), a_form_call("AUTHORISED"))

    assert state(ledger)["status"] == "CAPTURED"
    assert state(ledger)["authorisation_number"] == "3fe04e"


def test_late_news_by_the_platforms_clock_counts_before_the_rank(ledger: Ledger) -> None:
    late = a_rest_call("AUTHORISED", minutes(1), amount=2000)

    outcomes = tell(ledger, a_rest_call("UNDER_VERIFICATION", minutes(5)), late)

    assert outcomes[0] == "payment-accepted"
    assert state(ledger)["status"] == "UNDER_VERIFICATION"
    assert state(ledger)["amount_minor"] == 2990
    assert events(ledger)[-1].event.late


def test_the_rank_decides_within_one_second_of_the_platform(ledger: Ledger) -> None:
    tell(ledger, a_rest_call("AUTHORISED", minutes(1)), a_rest_call("INITIAL", minutes(1)))

    assert state(ledger)["status"] == "AUTHORISED"


@pytest.mark.parametrize("final", sorted(FINAL))
@pytest.mark.parametrize("told", sorted(set(RANKS) - FINAL))
def test_a_final_status_is_not_left(ledger: Ledger, final: str, told: str) -> None:
    tell(ledger, a_rest_call(final, minutes(1)), a_rest_call(told, minutes(2)))

    assert state(ledger)["status"] == final
    assert events(ledger)[-1].event.late
    assert state(ledger)["contradictions"] == 0


def test_our_clock_may_step_back(ledger: Ledger) -> None:
    """News in the order of their arrival stay in it, whatever the clock of this machine says."""
    receive(ledger, a_form_call(effective_amount="2000"), received_at=NOON)

    receive(
        ledger,
        a_form_call(effective_amount="1000", source="MERCH_BO"),
        received_at=NOON - timedelta(hours=1),
    )

    assert state(ledger)["amount_minor"] == 1000
    assert not events(ledger)[-1].event.late


# -- contradictions ---------------------------------------------------------------------------

PAIRS = list(permutations(sorted(FINAL), 2))
INNOCENT = ({"CAPTURED", "CAPTURE_FAILED"},)


@pytest.mark.parametrize(("first", "second"), [pair for pair in PAIRS if set(pair) not in INNOCENT])
def test_the_first_of_two_final_statuses_stands(ledger: Ledger, first: str, second: str) -> None:
    tell(ledger, a_rest_call(first, minutes(1)), a_rest_call(second, minutes(2), amount=1))

    told = state(ledger)
    assert (told["status"], told["amount_minor"], told["contradictions"]) == (first, 2990, 1)
    assert events(ledger)[-1].event.contradiction


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "out of order"])
def test_a_failed_capture_may_succeed_later(ledger: Ledger, order: tuple[int, int]) -> None:
    calls = (a_rest_call("CAPTURE_FAILED", minutes(1)), a_rest_call("CAPTURED", minutes(2)))

    tell(ledger, *(calls[one] for one in order))

    assert (state(ledger)["status"], state(ledger)["contradictions"]) == ("CAPTURED", 0)


def test_a_failed_capture_may_succeed_later_in_forms(ledger: Ledger) -> None:
    tell(ledger, a_form_call("CAPTURE_FAILED", "BATCH"), a_form_call("CAPTURED", "BATCH"))

    assert (state(ledger)["status"], state(ledger)["contradictions"]) == ("CAPTURED", 0)


def test_a_contradiction_moves_nothing_that_was_told_before_the_final_status(
    ledger: Ledger,
) -> None:
    """The cancellation did not repeat the contract; what contradicts it must not change it."""
    tell(
        ledger,
        a_form_call("AUTHORISED"),
        a_form_call("CANCELLED", "MERCH_BO", contract_used=None),
        a_form_call("REFUSED", "BATCH", contract_used="7654321"),
    )

    assert (state(ledger)["status"], state(ledger)["contract"]) == ("CANCELLED", "1234567")


def test_a_contradiction_told_again_is_a_repeat(ledger: Ledger) -> None:
    outcomes = tell(
        ledger,
        a_form_call("CANCELLED"),
        a_form_call("REFUSED"),
        a_form_call("REFUSED"),
        a_form_call("CANCELLED"),
    )

    assert outcomes[2:] == ["repeated", "repeated"]
    assert state(ledger)["contradictions"] == 1


def test_an_unknown_status_after_a_final_one_contradicts_it(ledger: Ledger) -> None:
    tell(ledger, a_form_call("CAPTURED"), a_form_call("MELTED"))

    assert (state(ledger)["status"], state(ledger)["contradictions"]) == ("CAPTURED", 1)


# -- repeats and missing fields ---------------------------------------------------------------


def test_a_retry_adds_nothing(ledger: Ledger) -> None:
    retry = a_form_call(
        source="RETRY", page_action=None, payment_config=None, action_mode=None, contract_used=None
    )

    outcomes = tell(ledger, a_form_call(), retry)

    assert outcomes == ["payment-accepted", "repeated"]
    assert state(ledger)["version"] == 1


def test_a_repeat_points_at_the_event_that_it_repeats(ledger: Ledger) -> None:
    first = receive(ledger, a_form_call("AUTHORISED"))
    second = receive(ledger, a_form_call("CAPTURED"))

    assert receive(ledger, a_form_call("AUTHORISED")).positions == first.positions
    assert receive(ledger, a_form_call("CAPTURED")).positions == second.positions


def test_a_missing_or_empty_field_is_not_cleared(ledger: Ledger) -> None:
    tell(
        ledger,
        a_form_call("AUTHORISED"),
        a_form_call("CAPTURED", auth_number="", contract_used=None, effective_amount=None),
    )

    told = state(ledger)
    assert (told["authorisation_number"], told["contract"]) == ("3fe04e", "1234567")
    assert told["amount_minor"] == 2990


def test_a_call_without_a_status_does_not_clear_it(ledger: Ledger) -> None:
    outcomes = tell(ledger, a_form_call(), a_form_call(trans_status=None, wallet="PAYLIB"))

    assert outcomes == ["payment-accepted", "details-reported"]
    assert (state(ledger)["status"], state(ledger)["wallet"]) == ("AUTHORISED", "PAYLIB")


def test_both_formats_tell_of_the_same_transaction(ledger: Ledger) -> None:
    tell(ledger, a_form_call("AUTHORISED"), a_rest_call("CAPTURED", minutes(1)))

    assert (state(ledger)["status"], state(ledger)["version"]) == ("CAPTURED", 2)


def test_the_other_mode_is_another_transaction(ledger: Ledger) -> None:
    receive(ledger, a_form_call("AUTHORISED"))
    receive(ledger, a_form_call("CAPTURED", ctx_mode="PRODUCTION"))

    production = item(ledger.events.history(Transaction.id_of(SHOP_ID, "PRODUCTION", UUID)))
    assert (state(ledger)["status"], production["status"]) == ("AUTHORISED", "CAPTURED")


# -- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("CANCELED", "CANCELLED"),
        ("WAITING_AUTHORIZATION", "WAITING_AUTHORISATION"),
        ("WAITING_AUTHORIZATION_TO_VALIDATE", "WAITING_AUTHORISATION_TO_VALIDATE"),
        ("AUTHORIZED", "AUTHORISED"),
        ("AUTHORIZED_TO_VALIDATE", "AUTHORISED_TO_VALIDATE"),
        ("MELTED", "MELTED"),
        ("authorised", "authorised"),
        ("CUSTOM_AUTHORIZED_WORD", "CUSTOM_AUTHORIZED_WORD"),
    ],
)
def test_a_status_is_shown_in_the_spelling_of_the_form(
    ledger: Ledger, told: str, shown: str
) -> None:
    tell(ledger, a_rest_call(told, minutes(1)))

    assert state(ledger)["status"] == shown


def test_two_spellings_of_one_status_are_one_fact(ledger: Ledger) -> None:
    outcomes = tell(
        ledger, a_rest_call("CANCELED", minutes(1)), a_rest_call("CANCELLED", minutes(2))
    )

    assert outcomes == ["cancelled", "repeated"]


def test_an_unknown_status_is_reported_and_can_be_left(ledger: Ledger) -> None:
    outcomes = tell(
        ledger,
        a_form_call("AUTHORISED"),
        a_form_call("MELTED", "BATCH"),
        a_form_call("AUTHORISED", "RETRY"),
        a_form_call("CAPTURED", "BATCH"),
    )

    assert outcomes == ["payment-accepted", "status-reported", "accepted-by-acquirer", "captured"]
    assert state(ledger)["status"] == "CAPTURED"


# -- there and back again ---------------------------------------------------------------------


def planned(day: int, at: float, **changes: Any) -> bytes:
    """An answer that plans the capture for a day of March."""
    details = an_answer()["transactions"][0]["transactionDetails"]
    details["cardDetails"]["expectedCaptureDate"] = f"2026-03-{day}T00:00:00+00:00"
    return a_rest_call("AUTHORISED", minutes(at), transactionDetails=details, **changes)


def capture_day(ledger: Ledger) -> str:
    return str(state(ledger)["capture_at"])[8:10]


def test_a_value_may_come_back(ledger: Ledger) -> None:
    outcomes = tell(ledger, planned(11, 1), planned(12, 2), planned(11, 3))

    assert outcomes == ["payment-accepted", "capture-rescheduled", "capture-rescheduled"]
    assert capture_day(ledger) == "11"


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_a_value_that_came_back_stays_in_any_order_of_arrival(
    ledger: Ledger, order: tuple[int, ...]
) -> None:
    calls = (planned(11, 1), planned(12, 2), planned(11, 3))

    tell(ledger, *(calls[one] for one in order))

    assert capture_day(ledger) == "11"


def test_a_repeat_confirms_its_value_against_news_older_than_itself(ledger: Ledger) -> None:
    outcomes = tell(ledger, planned(11, 1), planned(11, 3), planned(12, 2))

    assert outcomes[1] == "repeated"
    assert events(ledger)[-1].event.late
    assert capture_day(ledger) == "11"


def test_a_repeat_does_not_confirm_against_news_younger_than_itself(ledger: Ledger) -> None:
    outcomes = tell(ledger, planned(11, 1), planned(11, 2), planned(12, 3), planned(11, 2.5))

    assert outcomes == ["payment-accepted", "repeated", "capture-rescheduled", "repeated"]
    assert capture_day(ledger) == "12"


def test_a_repeat_beside_other_news_confirms_its_value_too(ledger: Ledger) -> None:
    """One answer tells of several transactions; one of them may be new while another repeats."""
    both = an_answer(whole={"serverDate": minutes(3).isoformat()})
    both["transactions"] = [
        an_answer(uuid=OTHER_UUID)["transactions"][0],
        *an_answer(uuid=UUID, transactionDetails=_details(11))["transactions"],
    ]

    tell(ledger, planned(11, 1))
    receive(ledger, rest_body(both))
    tell(ledger, planned(12, 2))

    assert state(ledger, OTHER_UUID)["status"] == "AUTHORISED"
    assert capture_day(ledger) == "11"


def _details(day: int) -> Any:
    details = an_answer()["transactions"][0]["transactionDetails"]
    details["cardDetails"]["expectedCaptureDate"] = f"2026-03-{day}T00:00:00+00:00"
    return details


# -- operators --------------------------------------------------------------------------------


def test_an_operator_may_lower_an_amount_twice_and_a_retry_tells_the_last(ledger: Ledger) -> None:
    outcomes = tell(
        ledger,
        a_form_call(effective_amount="3000"),
        a_form_call(effective_amount="2000", source="MERCH_BO"),
        a_form_call(effective_amount="1000", source="MERCH_BO"),
        a_form_call(effective_amount="1000", source="RETRY"),
    )

    assert outcomes == ["payment-accepted", "amount-changed", "amount-changed", "repeated"]
    assert state(ledger)["amount_minor"] == 1000
    assert {one.event.rule for one in events(ledger)[1:]} == {"back-office"}


def test_the_amount_asked_for_stands_beside_the_amount_moved(ledger: Ledger) -> None:
    tell(ledger, a_form_call(effective_amount="3267", effective_currency="840"))

    told = state(ledger)
    assert (told["amount_minor"], told["currency"]) == (3267, "USD")
    assert (told["requested_amount_minor"], told["requested_currency"]) == (2990, "EUR")


def test_an_operator_validates_and_cancels(ledger: Ledger) -> None:
    outcomes = tell(
        ledger,
        a_form_call("AUTHORISED_TO_VALIDATE"),
        a_form_call("AUTHORISED", "MERCH_BO"),
        a_form_call("CANCELLED", "MERCH_BO"),
    )

    assert outcomes == ["payment-accepted", "validated", "cancelled"]


def test_a_deferred_payment_is_authorised_or_refused_later(ledger: Ledger) -> None:
    outcomes = tell(
        ledger,
        a_form_call("WAITING_AUTHORISATION"),
        a_form_call("REFUSED", "BATCH_AUTO"),
    )

    assert outcomes == ["payment-accepted", "authorisation-refused"]


def test_one_answer_may_tell_of_one_transaction_twice(ledger: Ledger) -> None:
    twice = an_answer(uuid=UUID, whole={"serverDate": minutes(1).isoformat()})
    again = an_answer(uuid=UUID, detailedStatus="CAPTURED")
    twice["transactions"] += again["transactions"]

    receipt = receive(ledger, rest_body(twice))

    assert (receipt.outcome, len(receipt.positions)) == ("recorded", 2)
    assert state(ledger)["status"] == "CAPTURED"
