"""Check whether the platform sends anything otherwise than before."""

from collections.abc import Iterator
from datetime import datetime

from ledger.cli.shop_findings import OK, WARNING, Finding
from ledger.drift.news import DAYS_LOOKED_AT, drift_standings
from ledger.storage.database import Database

SUBJECT = "drift"


def drift_findings(database: Database, *, now: datetime) -> Iterator[Finding]:
    """Report what the last days had otherwise, for each shop and mode; one line when nothing is."""
    with database.connect() as connection:
        standings = drift_standings(connection, now)
    if not standings:
        message = f"nothing otherwise than before in the last {DAYS_LOOKED_AT} days"
        yield Finding(OK, SUBJECT, message)
    for standing in standings:
        counts = ", ".join(f"{n} {drift}" for drift, n in standing.count_by_drift.items())
        words = f"{counts} in the last {DAYS_LOOKED_AT} days: see `ledger drift`"
        data = {
            "shop_id": standing.shop_id,
            "mode": standing.mode.lower(),
            "drift": standing.count_by_drift,
        }
        yield Finding(WARNING, SUBJECT, f"{standing.shop_id} {standing.mode}  {words}", data)
