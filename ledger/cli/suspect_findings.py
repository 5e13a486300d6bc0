"""Check whether anything was probably not told, by what was told alone."""

from collections.abc import Iterator
from datetime import datetime

from ledger.cli.output import counted
from ledger.cli.shop_findings import OK, WARNING, Finding
from ledger.projections.suspect_rules import Suspicion
from ledger.queries.suspects import count_by_certainty, count_suspects
from ledger.storage.database import Database

SUBJECT = "suspects"


def suspect_findings(database: Database, *, now: datetime) -> Iterator[Finding]:
    """Report how much was certainly, and how much likely, not told; hints are for who looks."""
    with database.connect() as connection:
        counts = count_suspects(connection, now)
    if counts is None:
        return  # it says already that the read model is not built
    by_certainty = count_by_certainty(counts)
    certain, likely = by_certainty[Suspicion.CERTAIN], by_certainty[Suspicion.LIKELY]
    data = {str(certainty): count for certainty, count in by_certainty.items()}
    if certain:
        words = f"{counted(certain, 'notification')} certainly never came, {likely} likely"
        yield Finding(WARNING, SUBJECT, f"{words}: see `ledger suspects`", data)
    else:
        likely_words = f", {likely} likely: see `ledger suspects`" if likely else ""
        message = f"no notification is certainly missing{likely_words}; only a file proves more"
        yield Finding(OK, SUBJECT, message, data)
