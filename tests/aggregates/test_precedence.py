"""Which notification is older, and what it may move, whatever order they arrive in."""

from datetime import timedelta
from itertools import permutations

import pytest

from ledger.aggregates.precedence import Precedence, contradicts
from ledger.aggregates.transaction import Transaction
from ledger.ipn.statuses import FINAL, RANKS
from tests.aggregates.given import a_payment, given, happened, in_form, in_rest, minute

CAPTURED, ACCEPTED = Transaction.Captured, Transaction.PaymentAccepted
INNOCENT = {"CAPTURED", "CAPTURE_FAILED"}
REFUSALS = {"REFUSED", "ERROR"}


def planned(day: int) -> str:
    return f"2026-03-{day}T00:00:00Z"


# -- late notifications ---------------------------------------------------------------------------


def test_a_late_notification_is_recorded_and_moves_nothing_back() -> None:
    late = a_payment("AUTHORISED", authorisation_number="999")

    given(happened(CAPTURED, a_payment("CAPTURED"))).when(late).then(
        happened(ACCEPTED, late, late=True, moved=[])
    ).leaves(status="CAPTURED", authorisation_number="3fe04e")


def test_a_late_notification_may_fill_in_what_was_never_reported() -> None:
    late = a_payment("AUTHORISED")

    given(happened(CAPTURED, a_payment("CAPTURED", authorisation_number=None))).when(late).then(
        happened(ACCEPTED, late, late=True, moved=["authorisation_number"])
    ).leaves(status="CAPTURED", authorisation_number="3fe04e")


def test_a_late_notification_may_replace_what_no_newer_one_reported() -> None:
    """The capture did not repeat the contract: it holds nothing against a newer report of it."""
    captured = a_payment("CAPTURED", contract=None)
    late = a_payment("AUTHORISED", contract="7654321")

    given(
        happened(ACCEPTED, a_payment(), told_at=minute(1)),
        happened(CAPTURED, captured, told_at=minute(5), moved=["status"]),
    ).when(late, in_rest(3)).then(happened(ACCEPTED, late, late=True, moved=["contract"])).leaves(
        status="CAPTURED", contract="7654321"
    )


def test_the_platforms_clock_counts_before_the_rank_of_the_status() -> None:
    first = a_payment("UNDER_VERIFICATION")
    late = a_payment("AUTHORISED", amount_minor=2000)

    given(happened(ACCEPTED, first, told_at=minute(5))).when(late, in_rest(1)).then(
        happened(ACCEPTED, late, late=True, moved=[])
    ).leaves(status="UNDER_VERIFICATION", amount_minor=2990)


def test_the_rank_decides_within_one_second_of_the_platform() -> None:
    late = a_payment("INITIAL")

    given(happened(ACCEPTED, a_payment(), told_at=minute(1))).when(late, in_rest(1)).then(
        happened(ACCEPTED, late, late=True, moved=[])
    ).leaves(status="AUTHORISED")


@pytest.mark.parametrize("final", sorted(FINAL))
def test_a_final_status_is_not_left(final: str) -> None:
    known = happened(ACCEPTED, a_payment(final), told_at=minute(1))

    for status in set(RANKS) - FINAL:
        scenario = given(known).when(a_payment(status), in_rest(2)).leaves(status=final)

        (event,) = scenario.new_events
        assert (event.late, event.contradiction, event.moved) == (True, False, [])


def test_our_clock_may_step_back() -> None:
    """Notifications stay in the order of their arrival, whatever this machine's clock says."""
    known = happened(ACCEPTED, a_payment(amount_minor=2000))
    an_hour_back = in_form("MERCH_BO").received_at - timedelta(hours=1)
    lowered = a_payment(amount_minor=1000)

    given(known).when(lowered, in_form("MERCH_BO", received_at=an_hour_back)).then(
        happened(Transaction.AmountChanged, lowered, moved=["amount_minor"])
    )


def test_what_waited_in_quarantine_is_as_old_as_its_arrival() -> None:
    known = happened(ACCEPTED, a_payment(amount_minor=2000))
    an_hour_back = in_form("MERCH_BO").received_at - timedelta(hours=1)
    occasion = in_form("MERCH_BO", received_at=an_hour_back, is_readmitted=True)

    given(known).when(a_payment(amount_minor=1000), occasion).leaves(amount_minor=2000)


# -- contradictions -------------------------------------------------------------------------------


@pytest.mark.parametrize("first", sorted(FINAL))
def test_the_first_of_two_final_statuses_stands(first: str) -> None:
    known = happened(ACCEPTED, a_payment(first), told_at=minute(1))

    for second in FINAL - {first}:
        if {first, second} in (INNOCENT, REFUSALS):
            continue
        scenario = given(known).when(a_payment(second, amount_minor=1), in_rest(2))

        scenario.leaves(status=first, amount_minor=2990)
        assert [event.contradiction for event in scenario.new_events] == [True]


@pytest.mark.parametrize("times", [(1, 2), (None, None)], ids=["by its clock", "in forms"])
def test_a_failed_capture_may_succeed_later(times: tuple[float | None, float | None]) -> None:
    failed, captured = a_payment("CAPTURE_FAILED"), a_payment("CAPTURED")

    given().when(failed, in_rest(times[0])).when(captured, in_rest(times[1], "BATCH")).then(
        happened(CAPTURED, captured, moved=["status"])
    ).leaves(status="CAPTURED")


def test_a_capture_that_failed_before_it_succeeded_is_late() -> None:
    failed = a_payment("CAPTURE_FAILED")

    given(happened(CAPTURED, a_payment("CAPTURED"), told_at=minute(2))).when(
        failed, in_rest(1, "BATCH")
    ).then(happened(Transaction.CaptureFailed, failed, late=True, moved=[])).leaves(
        status="CAPTURED"
    )


def test_a_capture_is_not_undone_by_a_failure_that_the_platform_reports_later() -> None:
    failed = a_payment("CAPTURE_FAILED")

    given(happened(CAPTURED, a_payment("CAPTURED"), told_at=minute(1))).when(
        failed, in_rest(2, "BATCH")
    ).leaves(status="CAPTURED")


def test_a_contradiction_moves_nothing_that_was_reported_before_the_final_status() -> None:
    """The cancellation did not repeat the contract; what contradicts it must not change it."""
    cancelled = a_payment("CANCELLED", contract=None)
    refused = a_payment("REFUSED", contract="7654321")

    given(
        happened(ACCEPTED, a_payment()),
        happened(Transaction.Cancelled, cancelled, moved=["status"]),
    ).when(refused, in_form("BATCH")).then(
        happened(Transaction.RefusedByAcquirer, refused, late=True, contradiction=True, moved=[])
    ).leaves(status="CANCELLED", contract="1234567")


def test_a_contradiction_fills_in_what_was_never_reported() -> None:
    refused = a_payment("REFUSED", wallet="PAYLIB")

    given(happened(Transaction.Cancelled, a_payment("CANCELLED"))).when(refused).leaves(
        status="CANCELLED", wallet="PAYLIB"
    )


def test_a_contradiction_holds_nothing_against_later_notifications() -> None:
    refused = happened(
        Transaction.RefusedByAcquirer, a_payment("REFUSED"), contradiction=True, moved=[]
    )
    corrected = a_payment("CANCELLED", contract="7654321")

    given(happened(Transaction.Cancelled, a_payment("CANCELLED")), refused).when(corrected).then(
        happened(Transaction.DetailsReported, corrected, moved=["contract"])
    )


def test_a_contradiction_reported_again_is_a_repeat() -> None:
    contradiction = happened(
        Transaction.RefusedByAcquirer, a_payment("REFUSED"), contradiction=True, moved=[]
    )
    scenario = given(happened(Transaction.Cancelled, a_payment("CANCELLED")), contradiction)

    scenario.when(a_payment("REFUSED")).then()
    scenario.when(a_payment("CANCELLED")).then()


def test_an_unknown_status_after_a_final_one_contradicts_it() -> None:
    melted = a_payment("MELTED")

    given(happened(CAPTURED, a_payment("CAPTURED"))).when(melted).then(
        happened(Transaction.StatusReported, melted, late=True, contradiction=True, moved=[])
    ).leaves(status="CAPTURED")


@pytest.mark.parametrize(
    ("known", "reported"),
    [(None, "REFUSED"), ("CAPTURED", None), ("AUTHORISED", "REFUSED"), ("EXPIRED", "EXPIRED")],
)
def test_nothing_is_contradicted_without_two_different_ends(
    known: str | None, reported: str | None
) -> None:
    assert not contradicts(known, reported)


# -- there and back again -------------------------------------------------------------------------


def test_a_value_may_come_back() -> None:
    again = a_payment(capture_at=planned(11))

    given(
        happened(ACCEPTED, a_payment(capture_at=planned(11)), told_at=minute(1)),
        happened(
            Transaction.CaptureRescheduled,
            a_payment(capture_at=planned(12)),
            told_at=minute(2),
            moved=["capture_at"],
        ),
    ).when(again, in_rest(3)).then(
        happened(Transaction.CaptureRescheduled, again, moved=["capture_at"])
    ).leaves(capture_at=planned(11))


@pytest.mark.parametrize("order", list(permutations(((11, 1), (12, 2), (13, 3)))), ids=str)
def test_the_newest_value_stays_in_any_order_of_arrival(order: tuple[tuple[int, int], ...]) -> None:
    scenario = given()

    for day, at in order:
        scenario.when(a_payment(capture_at=planned(day)), in_rest(at))

    scenario.leaves(capture_at=planned(13))


def test_a_repeat_confirms_its_value_against_what_is_older_than_the_repeat() -> None:
    older = a_payment(capture_at=planned(12))

    given(happened(ACCEPTED, a_payment(capture_at=planned(11)), told_at=minute(1))).when(
        older, in_rest(2), confirmed_at=minute(3)
    ).then(happened(ACCEPTED, older, late=True, moved=[])).leaves(capture_at=planned(11))


def test_a_repeat_does_not_confirm_against_what_is_newer_than_the_repeat() -> None:
    newer = a_payment(capture_at=planned(12))

    given(happened(ACCEPTED, a_payment(capture_at=planned(11)), told_at=minute(1))).when(
        newer, in_rest(3), confirmed_at=minute(2)
    ).then(happened(Transaction.CaptureRescheduled, newer, moved=["capture_at"]))


# -- repeats and missing fields -------------------------------------------------------------------


def test_a_retry_adds_nothing() -> None:
    retry = a_payment(contract=None)

    given(happened(ACCEPTED, a_payment())).when(retry, in_form("RETRY")).then()


def test_a_repeat_confirms_the_newest_event_that_reported_most_of_it() -> None:
    scenario = given(
        happened(ACCEPTED, a_payment()),
        happened(CAPTURED, a_payment("CAPTURED"), moved=["status"]),
    )

    confirmed = scenario.aggregate.place_confirmed_by

    assert confirmed(a_payment("AUTHORISED").facts)[1] == 1
    assert confirmed(a_payment("CAPTURED").facts)[1] == 2
    assert confirmed(a_payment(status=None).facts)[1] == 2


def test_a_missing_field_is_not_cleared() -> None:
    captured = a_payment("CAPTURED", contract=None, amount_minor=None)

    given(happened(ACCEPTED, a_payment())).when(captured, in_form("BATCH")).leaves(
        contract="1234567", amount_minor=2990, status="CAPTURED"
    )


def test_a_notification_without_a_status_does_not_clear_it() -> None:
    details = a_payment(status=None, wallet="PAYLIB")

    given(happened(ACCEPTED, a_payment())).when(details).then(
        happened(Transaction.DetailsReported, details, moved=["wallet"])
    ).leaves(status="AUTHORISED", wallet="PAYLIB")


def test_of_two_notifications_without_status_and_time_the_later_arrival_is_newer() -> None:
    first = Precedence(None, None, minute(1))
    second = Precedence(None, None, minute(2))

    assert first.precedes(second)
    assert not second.precedes(first)
    assert not first.precedes(first)
