"""However many workers share a rebuild or an audit, they read as many pages of the log as one."""

from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import Any

from sqlalchemy import text

from ledger.application import Ledger
from ledger.audit.run_checks import Audit
from ledger.simulator.bulk import fill
from tests.builders import SHOP_ID, a_ledger
from tests.conftest import opened
from tests.projections.helpers import follow, log_end, rebuilt
from tests.projections.test_bulk_load import a_generation

WORKERS = 8
EVENTS = 2_000


def test_many_workers_read_as_many_pages_of_the_log_as_one(postgres_url: str) -> None:
    with opened(postgres_url) as database:
        ledger = a_ledger(database)
        fill(ledger, SHOP_ID, "TEST", events=EVENTS, seed=1)
        analyse(ledger)

        alone, divided = (pages_read(ledger, workers) for workers in (1, WORKERS))

    assert alone > 2 * WORKERS  # else the edges of the parts would be most of it
    assert divided <= 1.2 * alone


def test_many_workers_check_read_models_with_as_many_pages_as_one(postgres_url: str) -> None:
    with opened(postgres_url) as database:
        ledger = a_ledger(database)
        fill(ledger, SHOP_ID, "TEST", events=EVENTS, seed=1)
        follow(ledger)
        analyse(ledger)

        alone, divided = (pages_checked(ledger, workers) for workers in (1, WORKERS))

    assert divided <= 1.2 * alone


def pages_checked(ledger: Ledger, workers: int) -> int:
    """Check all read models in parts; return how many pages of events that reads."""
    before = counted(ledger)
    audit = Audit(ledger, only=("views",), workers=workers, task_sizes=(125, 125))
    with ThreadPoolExecutor(workers) as pool:
        assert list(audit.faults(pool)) == []
    return counted(ledger) - before


def pages_read(ledger: Ledger, workers: int) -> int:
    """Rebuild by so many workers, each with a part; return how many pages of events they read."""
    length = -(-log_end(ledger) // workers)
    with a_generation(ledger, "transactions", shards=workers, part_length=length):
        before = counted(ledger)
        done = rebuilt(ledger, "transactions", workers=workers, is_dry=True, is_compared=False)
        assert done.position == log_end(ledger)
        return counted(ledger) - before


def counted(ledger: Ledger) -> int:
    query = (
        "SELECT heap_blks_read + heap_blks_hit FROM pg_statio_user_tables WHERE relname = 'events'"
    )
    ledger.database.dispose()  # what a connection has counted is known soon after it has ended
    last = -1
    while (now := scalar(ledger, query)) != last:
        last = now
        sleep(0.5)
    return int(now)


def analyse(ledger: Ledger) -> None:
    with ledger.database.begin() as connection:
        connection.execute(text("ANALYZE events"))
        # a vacuum between two counts would be counted
        connection.execute(text("ALTER TABLE events SET (autovacuum_enabled = false)"))


def scalar(ledger: Ledger, query: str) -> Any:
    with ledger.database.connect() as connection:
        return connection.scalar(text(query))
