"""A view that stands still while the log moves is told apart from one that is merely behind."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from ledger.application import Ledger
from ledger.cli.check import view_findings
from ledger.cli.shop_findings import FAULT, OK, WARNING
from ledger.projections.engine.leadership import ProjectionRunner
from ledger.projections.engine.status import STILL_SECONDS_MAX, Lag, lags
from ledger.storage.database import Database
from ledger.storage.tables import generation_positions
from tests.projections.helpers import follow, ledger_of, live

LONG_AGO = timedelta(seconds=10 * STILL_SECONDS_MAX)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """One whose calls came a while ago, and that nobody has followed yet."""
    return ledger_of(database, "payment-accepted")


def orders(ledger: Ledger) -> Lag:
    with ledger.database.connect() as connection:
        return next(lag for lag in lags(connection) if lag.name == "orders")


def findings(ledger: Ledger) -> dict[str, str]:
    return {
        finding.message.partition(":")[0]: finding.state
        for finding in view_findings(ledger.database)
    }


def let_time_pass(ledger: Ledger, ago: timedelta = LONG_AGO) -> None:
    with ledger.database.begin() as connection:
        moved_at = datetime.now(UTC) - ago
        connection.execute(update(generation_positions).values(moved_at=moved_at))


def break_orders(ledger: Ledger) -> None:
    with ledger.database.begin() as connection:
        table = f"order_lines_g{live(ledger, 'orders').id}"
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO broken")


def test_one_that_is_followed_and_does_not_move_is_a_fault(ledger: Ledger) -> None:
    break_orders(ledger)
    let_time_pass(ledger)

    ProjectionRunner(ledger, pause_seconds=0).follow_once()

    lag = orders(ledger)
    assert lag.stands_still
    assert lag.still_seconds == pytest.approx(LONG_AGO.total_seconds(), abs=30)
    assert findings(ledger) == {"orders": FAULT}


def test_one_that_has_moved_lately_is_merely_behind(ledger: Ledger) -> None:
    break_orders(ledger)
    let_time_pass(ledger, timedelta())

    ProjectionRunner(ledger, pause_seconds=0).follow_once()

    assert not orders(ledger).stands_still
    assert findings(ledger) == {"orders": WARNING}


def test_ones_that_nobody_follows_are_merely_behind(ledger: Ledger) -> None:
    let_time_pass(ledger)

    assert orders(ledger).still_seconds == 0
    assert set(findings(ledger).values()) == {WARNING}


def test_one_with_nothing_to_follow_does_not_stand_still(ledger: Ledger) -> None:
    ProjectionRunner(ledger, pause_seconds=0).follow_once()
    follow(ledger)
    let_time_pass(ledger)

    assert orders(ledger).still_seconds == 0
    assert set(findings(ledger).values()) == {OK}
