"""However many workers share a rebuild or an audit, they read as many pages of the log as one."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from bench.ground import pages_read
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

        alone, divided = (pages_rebuilt(ledger, workers) for workers in (1, WORKERS))

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
    audit = Audit(ledger, only=("views",), workers=workers, task_sizes=(125, 125))

    def check() -> None:
        with ThreadPoolExecutor(workers) as pool:
            assert list(audit.faults(pool)) == []

    return pages_read(ledger, check)


def pages_rebuilt(ledger: Ledger, workers: int) -> int:
    """Rebuild by so many workers, each with a part; return how many pages of events they read."""
    length = -(-log_end(ledger) // workers)

    def rebuild() -> None:
        done = rebuilt(ledger, "transactions", workers=workers, is_dry=True, is_compared=False)
        assert done.position == log_end(ledger)

    with a_generation(ledger, "transactions", shards=workers, part_length=length):
        return pages_read(ledger, rebuild)


def analyse(ledger: Ledger) -> None:
    with ledger.database.begin() as connection:
        connection.execute(text("ANALYZE events"))
        # a vacuum between two counts would be counted
        connection.execute(text("ALTER TABLE events SET (autovacuum_enabled = false)"))
