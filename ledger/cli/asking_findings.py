"""Check how asking the platform stands, about the shops for which that was chosen."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from ledger.asking.standing import asking_standings
from ledger.cli.output import counted
from ledger.cli.shop_findings import OK, WARNING, Finding
from ledger.ipn.shops_and_keys import Shops
from ledger.storage.database import Database

SUBJECT = "asking"


def asking_findings(database: Database, shops: Shops, *, now: datetime) -> Iterator[Finding]:
    """Report how asking stands; nothing where no shop has chosen it."""
    with database.connect() as connection:
        known = list(asking_standings(connection, shops, now))
    for standing in known:
        by_outcome: Counter[str] = Counter()
        for (_, outcome), count in standing.by_outcome.items():
            by_outcome[outcome] += count
        words = [f"{counted(by_outcome.total(), 'question')} in the last day"]
        words += [f"{count} {outcome}" for outcome, count in sorted(by_outcome.items())]
        if standing.stopped_by is not None:
            words.append(f"stopped: the platform answered {standing.stopped_by}, mend the password")
        data = {
            "shop_id": standing.shop_id,
            "mode": standing.mode.lower(),
            "questions": by_outcome.total(),
            "stopped_by": standing.stopped_by,
        }
        message = f"{standing.shop_id} {standing.mode}  {'; '.join(words)}"
        yield Finding(WARNING if standing.stopped_by else OK, SUBJECT, message, data)
