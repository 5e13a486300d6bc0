"""Makes a log of many entries, without the deliveries that these would be about."""

import hashlib
import random
from collections.abc import Callable

from sqlalchemy import select

from bench.figures import Goal, Sheet, ratios
from bench.ground import Extent, median, timed
from bench.proof_steps import sequence_and_sign, settle
from ledger.application import Ledger
from ledger.instants import utc_now
from ledger.proof.entry import DELIVERY, START, entry_bytes, event_claim
from ledger.proof.log import Log, LogEntry
from ledger.proof.sequencer import FIRST_LOG, begin_log
from ledger.proof.signed_log import signed_log
from ledger.storage.log_tables import log_entries

BATCH = 10_000
CALLS = 50
LOOKUP = "a lookup by primary key"
INCLUSION = "inclusion proof of an entry"
SERVED = "entry with its proof, by its id"


def measured(database: str, ledger: Ledger, url: str, extent: Extent) -> Sheet:
    words = f"{extent.entries} entries without deliveries, {extent.rounds} rounds"
    sheet = Sheet("large log", database, words)
    append_entries(ledger, extent.entries)
    sequence_and_sign(ledger)
    settle(url)
    rounds = [seconds_by_question(ledger, extent.entries, seed) for seed in range(extent.rounds)]
    lookups = [seconds[LOOKUP] for seconds in rounds]
    sheet.add(LOOKUP, value=median(lookups) * 1000, unit="ms")
    for name, goal in ((INCLUSION, Goal(high=3)), (SERVED, None)):
        own = [seconds[name] for seconds in rounds]
        ratio = ratios(own, lookups)
        sheet.add(name, value=median(own) * 1000, unit="ms", ratio=ratio, of=LOOKUP, goal=goal)
    return sheet


def append_entries(ledger: Ledger, count: int) -> None:
    """Append so many entries, of the size of real ones."""
    with ledger.database.begin() as connection:
        start = entry_bytes(START, {"at": utc_now()})
        begin_log(connection, FIRST_LOG, LogEntry(START, None, start))
    for begin in range(1, count, BATCH):
        entries = [_entry(number) for number in range(begin, min(begin + BATCH, count))]
        with ledger.database.begin() as connection:
            Log(connection, FIRST_LOG).append(entries)


def seconds_by_question(ledger: Ledger, size: int, seed: int) -> dict[str, float]:
    """Ask for entries anywhere in the log. Units: seconds of one question."""
    indexes = random.Random(seed).sample(range(1, size), min(CALLS, size - 1))
    c = log_entries.c

    def lookup(index: int) -> object:
        with ledger.database.connect() as connection:
            query = select(log_entries).where(c.log == FIRST_LOG, c.entry_index == index)
            return connection.execute(query).one()

    def inclusion(index: int) -> object:
        with ledger.database.connect() as connection:
            return Log(connection, FIRST_LOG).inclusion(index, size)

    def served(index: int) -> object:
        with ledger.database.connect() as connection:
            return signed_log(connection).proven(_id(index)).proof

    questions: dict[str, Callable[[int], object]]
    questions = {LOOKUP: lookup, INCLUSION: inclusion, SERVED: served}
    for ask in questions.values():
        ask(indexes[0])
    return {
        name: timed(lambda ask=ask: [ask(index) for index in indexes]) / len(indexes)  # type: ignore[misc]
        for name, ask in questions.items()
    }


def _entry(number: int) -> LogEntry:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    claim = event_claim(
        position=number,
        stream=digest[:32],
        version=1,
        topic="transaction.opened",
        state=digest.encode(),
        details=digest.encode(),
        apart=digest,
    )
    fields = {"id": _id(number), "body": digest, "recorded_at": utc_now(), "outcome": "recorded"}
    return LogEntry(DELIVERY, _id(number), entry_bytes(DELIVERY, fields, [claim]))


def _id(number: int) -> str:
    return f"{number:026}"
