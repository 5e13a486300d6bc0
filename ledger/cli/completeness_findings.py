"""Check for which days it is proven that everything was told, and which files are missing."""

from collections.abc import Iterator
from datetime import datetime

from ledger.cli.output import counted
from ledger.cli.shop_findings import OK, WARNING, Finding
from ledger.reconciliation.standing import Standing, standings
from ledger.storage.database import Database

SUBJECT = "complete"


def completeness_findings(database: Database, *, now: datetime) -> Iterator[Finding]:
    """Report how each shop and mode stands; nothing is proven where no file ever came."""
    with database.connect() as connection:
        known = standings(connection, now)
    if not known:
        message = "nothing proves that everything was told: see `ledger import`"
        yield Finding(OK, SUBJECT, message)
    for standing in known:
        yield _finding(standing)


def _finding(standing: Standing) -> Finding:
    words = []
    if standing.days_with_gaps:
        days = counted(len(standing.days_with_gaps), "day has", "days have")
        words.append(f"{days} gaps, {counted(standing.gaps, 'payment')}: see `ledger reconcile`")
    words += [
        f"the {missing.journal_kind} of {missing.first_day} is missing"
        for missing in standing.missing
    ]
    proven = standing.last_proven_day
    words.append(f"last proven day: {proven or 'none of the last 30'}")
    state = WARNING if len(words) > 1 or proven is None else OK
    data = {
        "shop_id": standing.shop_id,
        "mode": standing.mode.lower(),
        "last_proven_day": None if proven is None else proven.isoformat(),
        "days_with_gaps": [day.isoformat() for day in standing.days_with_gaps],
        "gaps": standing.gaps,
    }
    message = f"{standing.shop_id} {standing.mode}  {'; '.join(words)}"
    return Finding(state, SUBJECT, message, data)
