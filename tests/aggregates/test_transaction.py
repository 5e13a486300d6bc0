"""Which event a snapshot of a transaction becomes, which rule sent it, and when it occurred."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.transaction import Transaction
from tests.aggregates.given import (
    Given,
    a_payment,
    given,
    happened,
    in_form,
    in_rest,
    minute,
)

T = Transaction
BACK_OFFICE, BATCH, BATCH_AUTO = "MERCH_BO", "BATCH", "BATCH_AUTO"
CREDIT, VERIFICATION = {"operation_type": "CREDIT"}, {"operation_type": "VERIFICATION"}
BY_TELEPHONE = {"payment_source": "MOTO"}
MADE_BY_PLATFORM, MADE_BY_MERCHANT = {"trans_id": "900001"}, {"trans_id": "123456"}

FIRST: list[tuple[str, str | None, dict[str, Any], type[LedgerAggregate.Event]]] = [
    # source, status, other facts, event
    ("PAY", "AUTHORISED", {}, T.PaymentAccepted),
    ("PAY", "WAITING_AUTHORISATION", {}, T.PaymentAccepted),
    ("PAY", "CAPTURED", {"operation_type": None}, T.PaymentAccepted),
    ("PAY", "REFUSED", {}, T.PaymentRefused),
    ("PAY", "ERROR", {}, T.PaymentRefused),
    ("PAY", "ABANDONED", {}, T.PaymentAbandoned),
    ("PAY", "CANCELLED", {}, T.Cancelled),
    ("PAY", "EXPIRED", {}, T.Expired),
    ("PAY", "CAPTURE_FAILED", {}, T.CaptureFailed),
    ("PAY", "SUSPENDED", {}, T.CaptureSuspended),
    ("PAY", "MELTED", {}, T.StatusReported),
    ("PAY", None, {}, T.StatusReported),
    ("PAY", "AUTHORISED", {"operation_type": "GIFT"}, T.StatusReported),
    ("PAY", "ACCEPTED", VERIFICATION, T.VerificationAccepted),
    ("PAY", "REFUSED", VERIFICATION, T.VerificationRefused),
    ("PAY", "CANCELLED", VERIFICATION, T.Cancelled),
    (BACK_OFFICE, "AUTHORISED", CREDIT, T.RefundIssued),
    (BACK_OFFICE, "REFUSED", CREDIT, T.RefundRefused),
    (BACK_OFFICE, "CANCELLED", CREDIT, T.Cancelled),
    (BACK_OFFICE, "AUTHORISED", BY_TELEPHONE | MADE_BY_PLATFORM, T.ManualPaymentAccepted),
    (BACK_OFFICE, "REFUSED", BY_TELEPHONE | MADE_BY_PLATFORM, T.ManualPaymentRefused),
    (BACK_OFFICE, "AUTHORISED", BY_TELEPHONE | MADE_BY_MERCHANT, T.StatusReported),
    (BACK_OFFICE, "CAPTURED", BY_TELEPHONE, T.Captured),
    (BACK_OFFICE, "AUTHORISED", MADE_BY_PLATFORM, T.PaymentDuplicated),
    (BACK_OFFICE, "AUTHORISED", MADE_BY_MERCHANT, T.StatusReported),
    (BACK_OFFICE, "CAPTURED", MADE_BY_MERCHANT, T.Captured),
    (BATCH_AUTO, "AUTHORISED", {}, T.AuthorisationGranted),
    (BATCH_AUTO, "AUTHORISED_TO_VALIDATE", {}, T.AuthorisationGranted),
    (BATCH_AUTO, "REFUSED", {}, T.AuthorisationRefused),
    (BATCH_AUTO, "CAPTURED", {}, T.PaymentAccepted),
    (BATCH, "CAPTURED", {}, T.Captured),
    (BATCH, "AUTHORISED", {}, T.AcceptedByAcquirer),
    (BATCH, "REFUSED", {}, T.RefusedByAcquirer),
    ("NEVER_SEEN", "AUTHORISED", {}, T.PaymentAccepted),
    ("RETRY", "AUTHORISED", {}, T.PaymentAccepted),
]


@pytest.mark.parametrize(("source", "status", "facts", "event_class"), FIRST)
def test_a_first_snapshot_becomes_the_event_that_made_the_transaction(
    source: str, status: str | None, facts: dict[str, Any], event_class: type[LedgerAggregate.Event]
) -> None:
    snapshot = a_payment(status, **facts)

    given().when(snapshot, in_form(source)).then(happened(event_class, snapshot))


WAITING, DEFERRED = "WAITING_AUTHORISATION", "deferred-authorisation"
CHANGES: list[tuple[str, str, str, str, type[LedgerAggregate.Event]]] = [
    # status before, source, status, rule, event
    ("AUTHORISED", BATCH, "CAPTURED", "acquirer-status", T.Captured),
    ("AUTHORISED", BATCH, "CAPTURE_FAILED", "acquirer-status", T.CaptureFailed),
    ("AUTHORISED", BATCH, "SUSPENDED", "acquirer-status", T.CaptureSuspended),
    ("AUTHORISED", BATCH, "EXPIRED", "acquirer-status", T.Expired),
    ("AUTHORISED", BATCH, "REFUSED", "acquirer-status", T.RefusedByAcquirer),
    ("AUTHORISED", BACK_OFFICE, "CANCELLED", "back-office", T.Cancelled),
    ("AUTHORISED", "PAY", "ABANDONED", "end-of-payment", T.PaymentAbandoned),
    ("AUTHORISED", BATCH, "CAPTURE_PENDING", "acquirer-status", T.StatusReported),
    ("AUTHORISED", BATCH, "MELTED", "acquirer-status", T.StatusReported),
    ("MELTED", "RETRY", "AUTHORISED", "acquirer-status", T.AcceptedByAcquirer),
    ("UNDER_VERIFICATION", BATCH, "AUTHORISED", "acquirer-status", T.AcceptedByAcquirer),
    ("AUTHORISED_TO_VALIDATE", BACK_OFFICE, "AUTHORISED", "back-office", T.Validated),
    (WAITING, BATCH_AUTO, "REFUSED", DEFERRED, T.AuthorisationRefused),
    (WAITING, BATCH_AUTO, "AUTHORISED", DEFERRED, T.AuthorisationGranted),
    # a redelivery has lost its source: the rule is read from the content
    ("AUTHORISED", "RETRY", "CAPTURED", "acquirer-status", T.Captured),
    ("AUTHORISED", "RETRY", "CANCELLED", "back-office", T.Cancelled),
    ("AUTHORISED_TO_VALIDATE", "BO", "AUTHORISED", "back-office", T.Validated),
    ("AUTHORISED", "RETRY", "ABANDONED", "cancellation", T.PaymentAbandoned),
    (WAITING, "RETRY", "AUTHORISED", DEFERRED, T.AuthorisationGranted),
    (WAITING, "RETRY", "REFUSED", DEFERRED, T.AuthorisationRefused),
    (f"{WAITING}_TO_VALIDATE", "RETRY", "AUTHORISED", "back-office", T.Validated),
    (f"{WAITING}_TO_VALIDATE", "RETRY", WAITING, "back-office", T.Validated),
]


@pytest.mark.parametrize(("before", "source", "status", "rule", "event_class"), CHANGES)
def test_a_change_of_status_becomes_the_event_that_changed_it(
    before: str, source: str, status: str, rule: str, event_class: type[LedgerAggregate.Event]
) -> None:
    snapshot = a_payment(status)

    given(happened(T.PaymentAccepted, a_payment(before))).when(snapshot, in_form(source)).then(
        happened(event_class, snapshot, moved=["status"], rule=rule)
    ).leaves(status=status)


def test_a_refund_may_be_refused_later() -> None:
    refused = a_payment("REFUSED", **CREDIT)

    given(happened(T.RefundIssued, a_payment("AUTHORISED", **CREDIT))).when(refused).then(
        happened(T.RefundRefused, refused, moved=["status"])
    )


def test_the_operation_is_remembered_where_a_notification_leaves_it_out() -> None:
    refused = a_payment("REFUSED", operation_type=None)

    given(happened(T.RefundIssued, a_payment("AUTHORISED", **CREDIT))).when(refused).then(
        happened(T.RefundRefused, refused, moved=["status"])
    )


# -- rules ----------------------------------------------------------------------------------------

RULES: list[tuple[str | None, dict[str, Any], str, str]] = [
    # source, facts, rule, certainty
    ("PAY", {}, "end-of-payment", "told"),
    ("PAY", VERIFICATION, "alias", "told"),
    ("PAY", VERIFICATION | {"subscription_id": "S"}, "subscription", "told"),
    ("REC", {"instalment_number": 1}, "instalment", "told"),
    ("RETRY", {}, "end-of-payment", "inferred"),
    ("RETRY", CREDIT, "back-office", "inferred"),
    ("RETRY", {"instalment_number": 1}, "instalment", "inferred"),
    ("RETRY", VERIFICATION, "alias", "inferred"),
    ("NEVER_SEEN", {}, "end-of-payment", "inferred"),
]


@pytest.mark.parametrize(("source", "facts", "rule", "certainty"), RULES)
def test_the_rule_is_the_one_of_the_source_or_read_from_the_content(
    source: str, facts: dict[str, Any], rule: str, certainty: str
) -> None:
    scenario = given().when(a_payment(**facts), in_form(source))

    (event,) = scenario.new_events
    assert (event.rule, event.rule_certainty) == (rule, certainty)


def test_an_unsigned_source_is_a_hint() -> None:
    (event,) = given().when(a_payment(), in_rest(1)).new_events

    assert (event.rule, event.rule_certainty) == ("end-of-payment", "hinted")


# -- when -----------------------------------------------------------------------------------------

CREATED_AT, CAPTURED_AT = "2026-03-10T09:02:00Z", "2026-03-10T09:04:00Z"
TIMES = {"created_at": CREATED_AT, "captured_at": CAPTURED_AT}


def occurred_at(scenario: Given) -> Any:
    return scenario.new_events[-1].occurred_at


def test_a_payment_occurred_when_the_platform_recorded_it() -> None:
    assert occurred_at(given().when(a_payment(**TIMES), in_rest(7))) == minute(2)


def test_a_capture_occurred_when_the_money_moved() -> None:
    captured = a_payment("CAPTURED", **TIMES)

    scenario = given(happened(T.PaymentAccepted, a_payment())).when(captured, in_rest(7, BATCH))

    assert occurred_at(scenario) == minute(4)


def test_a_change_occurred_when_the_platform_reported_it() -> None:
    cancelled = a_payment("CANCELLED", **TIMES)
    known = happened(T.PaymentAccepted, a_payment())

    assert occurred_at(given(known).when(cancelled, in_rest(7, BACK_OFFICE))) == minute(7)
    assert occurred_at(given(known).when(cancelled, in_form(BACK_OFFICE))) is None


def test_the_time_of_a_redelivery_is_not_the_time_of_the_change() -> None:
    cancelled = a_payment("CANCELLED", **TIMES)

    scenario = given(happened(T.PaymentAccepted, a_payment())).when(cancelled, in_rest(7, "RETRY"))

    assert occurred_at(scenario) is None


# -- what travels beside the facts ----------------------------------------------------------------


def test_what_is_odd_or_no_fact_is_kept_in_the_event() -> None:
    snapshot = replace(
        a_payment(), details=[["vads_x", "1"]], personal=[["vads_cust_name", "A"]], odd=("vads_x",)
    )

    given().when(snapshot).then(
        happened(
            T.PaymentAccepted,
            snapshot,
            details=[["vads_x", "1"]],
            personal=[["vads_cust_name", "A"]],
            odd=["vads_x"],
        )
    )
    given().when(a_payment()).then(
        happened(T.PaymentAccepted, a_payment(), details=None, personal=None, odd=None)
    )


def test_a_transaction_of_which_nothing_but_its_name_is_reported_is_known_from_then_on() -> None:
    nothing = replace(a_payment(), facts={})

    given().when(nothing).then(happened(T.StatusReported, {})).when(nothing).then()


def test_no_event_holds_a_fact_that_is_not_declared() -> None:
    """It would stay in there for ever: its notification is undecided instead."""
    paid = a_payment()

    with pytest.raises(AssertionError, match="card_country"):
        given().when(replace(paid, facts={**paid.facts, "card_country": "FR"}))


def test_without_an_id_of_the_platform_the_reference_identifies_it() -> None:
    snapshot = a_payment(uuid=None)

    given().when(snapshot).then(
        happened(T.PaymentAccepted, snapshot, uuid=None, reference=snapshot.reference)
    )
