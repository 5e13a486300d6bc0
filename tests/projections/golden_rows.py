"""The rows of some stories, as somebody once checked them by hand, kept in `golden/`."""

from pathlib import Path
from tempfile import TemporaryDirectory

from ledger.application import Ledger
from ledger.projections.engine.leadership import prepare_views
from ledger.simulator.signed_calls import REST
from ledger.storage.migrations import migrate
from tests.conftest import opened
from tests.projections.helpers import all_rows, follow, ledger_of

GOLDEN = Path(__file__).parent / "golden"
STORIES_SHOWN = (
    "payment-split",
    "refunded-in-part",
    "changed-and-cancelled",
    "subscription-instalment-tried-again",
    "alias-created-and-updated",
    "capture-failed",
)
OF_DELIVERIES = ("notification_id", "received_at", "first_seen_at", "last_seen_at")


def shown(ledger: Ledger) -> str:
    """Write every table row by row, without empty columns and those that vary by delivery."""
    lines = []
    for table, table_rows in all_rows(ledger).items():
        lines.append(f"## {table}")
        for row in table_rows:
            cells = [
                f"{name}={value}"
                for name, value in row.items()
                if value is not None and name not in OF_DELIVERIES
            ]
            lines.append("  " + "  ".join(cells))
    return "\n".join(lines) + "\n"


def rows_now(name: str) -> str:
    """Return the rows of a story as this code makes them: whoever changes some looks at them."""
    with TemporaryDirectory() as folder, opened(f"sqlite:///{folder}/golden.sqlite") as database:
        migrate(database)
        prepare_views(database)
        ledger = ledger_of(database, name, formats=[REST])
        follow(ledger)
        return shown(ledger)


def path_of(name: str) -> Path:
    return GOLDEN / f"{name}.txt"
