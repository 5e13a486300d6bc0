"""Whatever stumbles over a verified notification: it is kept, and decided once that is mended."""

from typing import Any

import pytest
from sqlalchemy import Table, select
from sqlalchemy.exc import DBAPIError

from ledger import __version__
from ledger.application import Ledger
from ledger.audit.run_checks import Audit
from ledger.errors import NotFoundError, UnavailableError
from ledger.ipn import form_v2
from ledger.ipn.delivery import Delivery
from ledger.ipn.modes import Mode
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import list_notifications, waiting
from ledger.queries.readable import find_delivery
from ledger.queries.undecided import undecided_about, undecided_by_reason
from ledger.recording import unit_of_work
from ledger.storage.database import Database
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome
from ledger.storage.quarantine import quarantine_size
from ledger.storage.tables import decisions, events, notifications
from tests.builders import (
    SHOP_ID,
    UUID,
    a_delivery,
    a_form,
    a_ledger,
    a_rest_call,
    a_shop,
    an_answer,
    form_body,
    rest_body,
    shops,
)

TEST = Mode("test")


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger(database)


def broken(*_arguments: Any) -> Any:
    raise KeyError("a value that a buyer typed")


def count(database: Database, counted: Table, *conditions: Any) -> int:
    with database.connect() as connection:
        return len(connection.execute(select(counted).where(*conditions)).all())


def row_of(ledger: Ledger, id_: str) -> InboxRecord:
    row = find_delivery(ledger, id_)
    assert row is not None
    return row


# -- what is not understood -----------------------------------------------------------------------

UNREADABLE = {
    "amount-unreadable": form_body(a_form(vads_effective_amount="12,50")),
    "status-unreadable": rest_body(an_answer(detailedStatus=7)),
    "answer-too-deep": rest_body(
        '{"shopId":"12345678","orderDetails":{"mode":"TEST"},"x":' + "[" * 99 + "]" * 99 + "}"
    ),
    "duplicate-json-key": rest_body(
        '{"shopId":"12345678","orderDetails":{"mode":"TEST"},"x":1,"x":2}'
    ),
    "answer-not-json": rest_body('{"shopId":"12345678","orderDetails":{"mode":"TEST"},'),
}


@pytest.mark.parametrize("reason", UNREADABLE)
def test_what_is_verified_but_unreadable_is_kept_for_good(ledger: Ledger, reason: str) -> None:
    delivery = a_delivery(UNREADABLE[reason])

    receipt = ledger.receive(delivery)

    assert (receipt.outcome, receipt.reason, receipt.id) == ("undecided", reason, delivery.id)
    row = row_of(ledger, delivery.id)
    assert (row.body, row.positions, row.code_version) == (delivery.body, (), __version__)
    with ledger.database.connect() as connection:
        assert quarantine_size(connection) == (0, 0)
        assert undecided_by_reason(connection) == {reason: 1}


def test_no_json_is_verified_by_the_key_of_its_address(ledger: Ledger) -> None:
    at_address = {"shop_id": SHOP_ID, "mode": TEST}

    assert ledger.receive(a_delivery(rest_body("{"), **at_address)).outcome == "undecided"
    assert (
        ledger.receive(a_delivery(rest_body("{", key="x"), **at_address)).outcome == "quarantined"
    )
    assert ledger.receive(a_delivery(rest_body("{"))).reason == "answer-not-json"


def test_nothing_of_an_error_is_kept_but_its_class(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form_v2, "translate", broken)

    receipt = ledger.receive(a_delivery(form_body(a_form())))

    row = row_of(ledger, receipt.id)
    assert (row.reason, row.error_class) == ("internal-error", "KeyError")
    assert "typed" not in repr(row)


# -- the decision, later --------------------------------------------------------------------------


@pytest.fixture
def undecided(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    """A notification that our code stumbled over; it is mended now."""
    delivery = a_delivery(form_body(a_form(vads_trans_uuid=UUID)))
    with monkeypatch.context() as patch:
        patch.setattr(form_v2, "translate", broken)
        assert ledger.receive(delivery).outcome == Outcome.UNDECIDED
    return delivery


def test_it_is_decided_as_of_its_arrival_and_its_row_stays(
    ledger: Ledger, undecided: Delivery
) -> None:
    with ledger.database.connect() as connection:
        before = connection.execute(select(notifications)).one()

    receipt = ledger.readmit(undecided.id)

    assert (receipt.id, receipt.outcome, len(receipt.positions)) == (undecided.id, "recorded", 1)
    with ledger.database.connect() as connection:
        assert connection.execute(select(notifications)).one() == before
    row = row_of(ledger, undecided.id)
    assert (row.outcome, row.positions) == ("recorded", receipt.positions)
    (recorded, *_) = ledger.events.events_after(0, 10)
    assert recorded.event.received_at == undecided.received_at
    assert recorded.event.timestamp == row.decided_at
    assert [*Audit(ledger).faults()] == []


def test_it_is_decided_once(ledger: Ledger, undecided: Delivery) -> None:
    ledger.readmit(undecided.id)

    with pytest.raises(NotFoundError):
        ledger.readmit(undecided.id)

    assert count(ledger.database, decisions) == 1


def test_a_retry_is_answered_with_the_same_id_while_it_is_undecided(
    ledger: Ledger, undecided: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form_v2, "translate", broken)

    receipt = ledger.receive(a_delivery(undecided.body))

    assert (receipt.outcome, receipt.id) == ("undecided", undecided.id)
    assert count(ledger.database, notifications) == 1


def test_a_retry_that_passes_goes_before_and_the_first_becomes_its_repeat(
    ledger: Ledger, undecided: Delivery
) -> None:
    passed = ledger.receive(a_delivery(undecided.body))

    later = ledger.readmit(undecided.id)

    assert (passed.outcome, later.outcome) == ("recorded", "repeated")
    assert later.positions == passed.positions
    assert [*Audit(ledger).faults()] == []


def test_a_retry_after_the_decision_is_a_repeat(ledger: Ledger, undecided: Delivery) -> None:
    decided = ledger.readmit(undecided.id)

    again = ledger.receive(a_delivery(undecided.body))

    assert (again.outcome, again.positions) == ("repeated", decided.positions)


def test_a_try_that_stumbles_again_is_noted_once(
    ledger: Ledger, undecided: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def still_broken(*_arguments: Any) -> Any:
        raise RecursionError

    with monkeypatch.context() as patch:
        patch.setattr(form_v2, "translate", still_broken)
        assert ledger.dry_run(undecided.id) == "internal-error"
        for _ in range(3):
            assert ledger.readmit(undecided.id).outcome == Outcome.UNDECIDED

    assert count(ledger.database, decisions) == 1
    assert row_of(ledger, undecided.id).error_class == "RecursionError"
    assert ledger.dry_run(undecided.id) is None
    assert count(ledger.database, events) == 0
    assert ledger.readmit(undecided.id).outcome == Outcome.RECORDED


def test_all_of_a_reason_wait_in_the_order_of_arrival(ledger: Ledger, undecided: Delivery) -> None:
    other = a_delivery(UNREADABLE["amount-unreadable"])
    ledger.receive(other)

    assert waiting(ledger) == [undecided.id, other.id]
    assert waiting(ledger, "internal-error") == [undecided.id]
    tried = dict(ledger.readmit_all(waiting(ledger)))

    assert [receipt and receipt.outcome for receipt in tried.values()] == ["recorded", "undecided"]
    assert waiting(ledger) == [other.id]


def test_the_newest_outcome_is_listed(ledger: Ledger, undecided: Delivery) -> None:
    def listed(outcome: str) -> list[str]:
        filter_ = NotificationFilter(outcome=frozenset({outcome}))
        return [record.id for record in list_notifications(ledger, filter_)]

    assert (listed("undecided"), listed("recorded")) == ([undecided.id], [])
    ledger.readmit(undecided.id)
    assert (listed("undecided"), listed("recorded")) == ([], [undecided.id])


def test_it_is_found_by_what_it_names(ledger: Ledger, undecided: Delivery) -> None:
    def about(name: str, mode: str = TEST) -> list[str]:
        with ledger.database.connect() as connection:
            return [record.id for record in undecided_about(connection, SHOP_ID, mode, [name])]

    order_id = a_form()["vads_order_id"]
    assert about(UUID) == about(order_id) == [undecided.id]
    assert about(UUID, "PRODUCTION") == about("another") == []
    ledger.readmit(undecided.id)
    assert about(UUID) == []


def test_what_waited_in_quarantine_and_is_verified_at_last_does_not_go_back(
    database: Database,
) -> None:
    ledger = a_ledger(database, shops(a_shop(kinds=())))
    first, same = (a_delivery(UNREADABLE["amount-unreadable"]) for _ in range(2))
    for delivery in (first, same):
        assert ledger.receive(delivery).outcome == Outcome.QUARANTINED
    ledger.shops = shops()

    receipts = [ledger.readmit(delivery.id) for delivery in (first, same)]

    for receipt in receipts:  # one body is kept once
        assert (receipt.id, receipt.outcome) == (first.id, Outcome.UNDECIDED)
    with database.connect() as connection:
        assert quarantine_size(connection) == (0, 0)


# -- the database's own faults --------------------------------------------------------------------


class Refusing:
    """A driver's error with an SQLSTATE."""

    def __init__(self, sqlstate: str) -> None:
        self.orig = type("Refused", (Exception,), {"sqlstate": sqlstate})()

    def __call__(self, *_arguments: Any) -> Any:
        raise DBAPIError("statement", None, self.orig)


@pytest.mark.parametrize("sqlstate", ["08006", "53100", "53200", "57014", "57P01"])
def test_what_the_database_cannot_do_now_is_refused(
    ledger: Ledger, sqlstate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_of_work, "Decider", Refusing(sqlstate))

    with pytest.raises(UnavailableError):
        ledger.receive(a_delivery(form_body(a_form())))

    assert count(ledger.database, notifications) == 0


@pytest.mark.parametrize("sqlstate", ["54000", "22P05", "23514", "42P01", "XX000", "P0001"])
def test_what_the_database_refuses_because_of_its_content_is_kept(
    ledger: Ledger, sqlstate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_of_work, "Decider", Refusing(sqlstate))

    receipt = ledger.receive(a_delivery(a_rest_call()))

    assert (receipt.outcome, receipt.reason) == ("undecided", "not-storable")
    assert row_of(ledger, receipt.id).error_class == "Refused"
