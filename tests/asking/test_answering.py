"""What the platform answered to us makes events that say so, until a signed call confirms it."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.audit.run_checks import Audit
from ledger.ipn.platform_answers import Service
from ledger.proof.sequencer import Sequencer
from ledger.queries.state import current_state
from ledger.storage.answers import AnswerOutcome
from ledger.storage.database import Database
from ledger.storage.event_store import RecordedEvent
from tests.asking.answering import about, answered, as_element, as_order, envelope
from tests.audit.tampering import damage
from tests.builders import (
    MORNING,
    UUID,
    a_form_call,
    a_ledger,
    a_rest_call,
    an_answer,
    minutes,
    receive,
)
from tests.projections.brute_force import expected
from tests.projections.helpers import all_rows, follow


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger(database)


def element(status: str = "AUTHORISED", **changes: Any) -> dict[str, Any]:
    return as_element(an_answer(uuid=UUID, detailedStatus=status, **changes))


def events(ledger: Ledger) -> list[RecordedEvent]:
    return list(ledger.events.events_after(0, 100))


def transaction_events(ledger: Ledger) -> list[RecordedEvent]:
    return [each for each in events(ledger) if isinstance(each.event, Transaction.Event)]


def state(ledger: Ledger) -> dict[str, Any]:
    return current_state(transaction_events(ledger))


def test_an_answer_makes_an_event_that_says_so(ledger: Ledger) -> None:
    answer = answered(ledger, about(), envelope(element(), at=minutes(5)))

    recorded = transaction_events(ledger)[0]
    assert answer.outcome is AnswerOutcome.RECORDED
    assert recorded.position in answer.positions
    assert recorded.event.basis == "asked"
    assert recorded.event.unconfirmed == sorted(recorded.event.facts)
    assert recorded.event.told_at == minutes(5)
    assert (state(ledger)["basis"], state(ledger)["status"]) == ("asked", "AUTHORISED")


def test_the_same_answer_adds_nothing(ledger: Ledger) -> None:
    answered(ledger, about(), envelope(element(), at=minutes(5)))
    newest = ledger.events.newest_position()

    again = answered(ledger, about(), envelope(element(), at=minutes(9)))

    assert again.outcome is AnswerOutcome.REPEATED
    assert ledger.events.newest_position() == newest


@pytest.mark.parametrize("body", [a_rest_call("AUTHORISED", minutes(1)), a_form_call()])
def test_a_signed_call_confirms_what_was_asked_once(ledger: Ledger, body: bytes) -> None:
    answered(ledger, about(), envelope(element(), at=minutes(5)))
    before = state(ledger)

    receive(ledger, body, received_at=MORNING + timedelta(hours=1))
    receive(ledger, a_rest_call("AUTHORISED", minutes(2)))

    later = [each.event for each in transaction_events(ledger)[1:]]
    assert [each.basis for each in later] == ["told"] * len(later)
    assert "status" not in (later[0].unconfirmed or [])
    assert not any(each.contradiction for each in later)
    assert state(ledger)["status"] == before["status"]


def test_a_confirmation_changes_nothing_but_what_proves_it(ledger: Ledger) -> None:
    answered(ledger, about(), envelope(element(), at=minutes(5)))
    before = state(ledger)

    receive(ledger, a_rest_call("AUTHORISED", minutes(1)))

    confirmation = transaction_events(ledger)[-1].event
    assert isinstance(confirmation, Transaction.ConfirmedByCall)
    assert confirmation.moved == []
    after = state(ledger)
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"basis", "unconfirmed", "version", "last_changed_at", "late_news"}
    assert (after["basis"], after["unconfirmed"]) == ("told", [])


@pytest.mark.parametrize(
    ("answer_status", "call_status"), [("ERROR", "REFUSED"), ("REFUSED", "REFUSED")]
)
def test_a_refusal_confirms_a_refusal_however_it_is_spelt(
    ledger: Ledger, answer_status: str, call_status: str
) -> None:
    answered(ledger, about(), envelope(element(answer_status), at=minutes(5)))

    receive(ledger, a_form_call(call_status))

    assert state(ledger)["contradictions"] == 0
    assert "status" not in state(ledger)["unconfirmed"]


def test_an_answer_brings_what_a_lost_call_would_have_told(ledger: Ledger) -> None:
    receive(ledger, a_rest_call("AUTHORISED", minutes(1)))

    answered(ledger, about(), envelope(element("CAPTURED"), at=minutes(60)))

    assert state(ledger)["status"] == "CAPTURED"
    assert state(ledger)["unconfirmed"] == ["status"]
    assert transaction_events(ledger)[-1].event.basis == "asked"


def test_what_was_told_stays_told_when_it_is_answered(ledger: Ledger) -> None:
    receive(ledger, a_rest_call("AUTHORISED", minutes(1)))

    answer = answered(ledger, about(), envelope(element(), at=minutes(5)))

    assert answer.outcome is AnswerOutcome.REPEATED
    assert state(ledger)["basis"] == "told"


def test_an_order_makes_the_events_of_all_its_transactions(ledger: Ledger) -> None:
    calls = [an_answer(uuid=letter * 32) for letter in "ab"]
    order = calls[0]["orderDetails"]["orderId"]

    answer = answered(
        ledger, about(order, Service.ORDER), envelope(as_order(*calls), at=minutes(5))
    )

    assert len({each.event.reference for each in transaction_events(ledger)}) == 2
    assert set(answer.positions) == {each.position for each in events(ledger)}


@pytest.mark.parametrize(
    ("body", "outcome", "reason"),
    [
        (envelope({"errorCode": "PSP_010"}, status="ERROR"), AnswerOutcome.ABSENT, "PSP_010"),
        (envelope({"errorCode": "PSP_099"}, status="ERROR"), AnswerOutcome.REFUSED, "PSP_099"),
        (b"<html>", AnswerOutcome.NOT_RECORDED, "answer-not-json"),
        (
            envelope(as_element(an_answer(uuid="f" * 32))),
            AnswerOutcome.NOT_RECORDED,
            "other-object",
        ),
        (
            envelope(as_element(an_answer()) | {"shopId": "11111111"}),
            AnswerOutcome.NOT_RECORDED,
            "other-shop",
        ),
    ],
    ids=["absent", "too-often", "no-json", "other-object", "other-shop"],
)
def test_anything_else_is_kept_and_appends_nothing(
    ledger: Ledger, body: bytes, outcome: AnswerOutcome, reason: str
) -> None:
    answer = answered(ledger, about(), body)

    assert (answer.outcome, answer.reason) == (outcome, reason)
    assert events(ledger) == []


def test_what_was_asked_is_audited_and_in_the_read_models(ledger: Ledger) -> None:
    answered(ledger, about(), envelope(element(), at=minutes(5)))
    answered(ledger, about(), envelope({"errorCode": "PSP_010"}, status="ERROR"))
    receive(ledger, a_rest_call("AUTHORISED", minutes(1)))
    Sequencer(ledger.database, ledger.sealing).catch_up()

    follow(ledger)

    assert all_rows(ledger) == expected(ledger)
    assert list(Audit(ledger).faults()) == []
    assert len(all_rows(ledger)["coverage_lines"]) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE answers SET told_at = NULL", "row-differs"),
        ("UPDATE answers SET positions = '[1]', outcome = 'recorded'", "event-of-another"),
        ("UPDATE answers SET mode = 'PRODUCTION'", "row-differs"),
        ("DELETE FROM questions", "row-differs"),
        ("DELETE FROM answers", "notification-missing"),
    ],
)
def test_an_answer_that_was_changed_is_a_fault(ledger: Ledger, change: str, reason: str) -> None:
    receive(ledger, a_form_call(trans_uuid="b" * 32))
    answered(ledger, about(), envelope(element(), at=minutes(5)))

    damage(ledger.database, change)

    assert reason in {fault.reason for fault in Audit(ledger).faults()}
