"""Reports that are made again by themselves: when files come, and when events close gaps."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from ledger.application import Ledger
from ledger.audit.reports import check_reports
from ledger.proof.runner import LogRunner
from ledger.reconciliation.completeness import completeness
from ledger.reconciliation.due_reports import DueReports, due_scopes
from ledger.reconciliation.report_store import Scope, newest_report, report_of
from tests.builders import SHOP_ID, receive
from tests.reconciliation.comparing import (
    DAY,
    NOW,
    ROWS,
    a_journal,
    a_payment,
    import_journal,
    money,
)

OF_DAY = Scope(SHOP_ID, "TEST", DAY, DAY)


@pytest.fixture
def serve(ledger: Ledger) -> Callable[[], None]:
    """What the thread of a service does in its next turns, as if ten minutes had passed."""
    followers: list[Callable[[], None]] = []
    runner = LogRunner(ledger, None, followers=followers)

    def turns() -> None:
        followers[:] = [DueReports(ledger, lambda: NOW).follow]
        for _ in range(3):
            runner.run_once()

    return turns


def report_count(ledger: Ledger) -> int:
    with ledger.database.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM reports")) or 0)


def send_what_was_missing(ledger: Ledger) -> None:
    receive(ledger, a_payment("410001", "091504", order_id="CMD-1", trans_status="CAPTURED"))
    receive(ledger, a_payment("410002", "101010", order_id="CMD-2", **money(4500)))
    refused = {"trans_status": "REFUSED", "trans_uuid": "c" * 32}
    receive(ledger, a_payment("410003", "111111", order_id="CMD-3", **money(1200), **refused))
    credit = {"operation_type": "CREDIT", "trans_status": "CAPTURED", "order_id": "CMD-1"}
    receive(ledger, a_payment("900004", "150000", **credit))


def test_once_missing_calls_have_come_the_service_proves_the_day_and_keeps_the_first_report(
    ledger: Ledger, serve: Callable[[], None]
) -> None:
    serve()
    with ledger.database.connect() as connection:
        first = newest_report(connection, OF_DAY)
        (before,) = completeness(connection, OF_DAY)
    assert first is not None
    send_what_was_missing(ledger)

    serve()

    with ledger.database.connect() as connection:
        second = newest_report(connection, OF_DAY)
        (after,) = completeness(connection, OF_DAY)
        assert report_of(connection, first.id) == first
    assert (before.day_state, before.score) == ("gaps", 0.4)
    assert (after.day_state, after.score) == ("proven", 1.0)
    assert second is not None
    assert second.replaces == first.id
    assert check_reports(ledger.database, ledger.sealing).faults == []


def test_where_nothing_has_changed_no_report_is_made(
    ledger: Ledger, serve: Callable[[], None]
) -> None:
    for _ in range(3):
        serve()

    assert report_count(ledger) == 1


def test_calls_about_other_days_make_no_report(ledger: Ledger, serve: Callable[[], None]) -> None:
    serve()
    long_ago = {"effective_creation_date": "20260101101010", "trans_date": "20260101101010"}
    receive(ledger, a_payment("777777", "101010", **long_ago))

    serve()

    assert report_count(ledger) == 1


def test_a_second_file_of_a_day_makes_the_next_report(
    ledger: Ledger, serve: Callable[[], None]
) -> None:
    serve()
    import_journal(ledger, a_journal(*ROWS[:4]).replace(b"02:04:00", b"03:04:00"))

    serve()

    assert report_count(ledger) == 2


def test_a_proven_day_is_left_alone_whatever_comes(
    ledger: Ledger, serve: Callable[[], None]
) -> None:
    send_what_was_missing(ledger)
    serve()
    receive(ledger, a_payment("410001", "091504", order_id="CMD-1", trans_status="REFUNDED"))

    assert due_scopes(ledger, NOW) == []
