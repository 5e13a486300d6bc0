"""Checks the log against the rows that its entries are about, and against what was signed of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select

from ledger.audit.erasures import check_erasures
from ledger.audit.fault import DECLARED_LOST, ERASED, NOT_LOGGED, NOT_SIGNED, CheckResult
from ledger.audit.stored_rows import UNREADABLE
from ledger.instants import read_instant
from ledger.proof.entry import read_entry
from ledger.proof.handover import SuccessiveKeys, handovers
from ledger.proof.log import Log, StoredLogEntry
from ledger.proof.note import Checkpoint, NoteError, VerifierKey, parse_checkpoint
from ledger.proof.origin_fields import SOURCES
from ledger.proof.origins import OriginRows, log_entry, opened_rows, rows_of
from ledger.proof.sequencer import progress
from ledger.proof.tree import TILE, complete_root, leaf_hash
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.log_tables import checkpoints, log_entries

PAGE = 250
TOLERANCE = timedelta(hours=1)
"""Clocks of several servers differ, and a transaction may wait; more is an entry put in later."""


def check_entries(
    database: Database, sealing: Sealing, *, log: int, first: int, end: int
) -> CheckResult:
    """Check a range of entries: each against its hash, and against what it is about."""
    result = CheckResult()
    latest_at: datetime | None = None
    with database.connect() as connection:
        for begin in range(first, end, PAGE):
            entries = Log(connection, log).entries(begin, min(begin + PAGE, end))
            for entry in entries:
                if leaf_hash(entry.entry) != entry.hash:
                    _fault(result, entry, "root-differs", "its hash is not that of the entry")
            latest_at = _check_order(entries, latest_at, result)
            for kind, group in groupby(sorted(entries, key=_kind), key=_kind):
                if kind in SOURCES:
                    _check_rows(connection, sealing, kind, list(group), result)
            result.checked += len(entries)
    return result


def check_tree(
    database: Database,
    sealing: Sealing,
    *,
    log: int,
    verifier: VerifierKey | None,
    kept: Sequence[Checkpoint],
) -> CheckResult:
    """Check that nothing that was followed lacks an entry, and that what was signed still holds.

    Shape: `kept` are checkpoints from elsewhere, the signer's own memory among them.
    """
    result = CheckResult()
    with database.connect() as connection:
        stored = Log(connection, log)
        size = stored.size()
        _check_progress(connection, log, result)
        check_erasures(connection, result)
        _check_tiles(stored, size, result)
        known = _signed(connection, log, verifier, result)
        if not known and not kept:
            result.remarks[NOT_SIGNED] += 1
        own = {checkpoint.origin for checkpoint in known}
        for checkpoint in [*known, *kept]:
            if checkpoint.origin in own or not own:
                _check_root(stored, size, checkpoint, result)
            elif (lost := _declared_lost(stored, checkpoint)) is None:
                _of_checkpoint(result, checkpoint, "checkpoint-fork", "it is of another log")
            else:
                result.remarks[DECLARED_LOST] += lost
    return result


def _check_progress(connection: Connection, log: int, result: CheckResult) -> None:
    places = progress(connection, log)
    for kind, table in SOURCES.items():
        place = places.get(kind, 0)
        logged = select(log_entries.c.origin_id).where(
            log_entries.c.log == log, log_entries.c.origin_id == table.c.id
        )
        missing = select(table.c.id).where(table.c.place <= place, ~logged.exists())
        for id_ in connection.scalars(missing.order_by(table.c.place)):
            result.add(None, f"{kind} {id_}", "entry-missing", "it was followed, and has no entry")
        behind = connection.scalars(select(table.c.id).where(table.c.place > place)).all()
        if behind:
            result.remarks[NOT_LOGGED] += len(behind)


def _check_tiles(stored: Log, size: int, result: CheckResult) -> None:
    """Check the roots of full tiles against the hashes below them."""
    level = 1
    while size := size // TILE:
        for number, root in enumerate(stored.nodes(level, 0, size)):
            below = stored.nodes(level - 1, number * TILE, (number + 1) * TILE)
            if len(below) != TILE or complete_root(below) != root:
                detail = f"tile {number} of level {level - 1}"
                result.add(None, "log", "root-differs", detail)
        level += 1


def _signed(
    connection: Connection, log: int, verifier: VerifierKey | None, result: CheckResult
) -> list[Checkpoint]:
    """Return the checkpoints that are stored; report those that nobody signed."""
    known = []
    handed_over = [] if verifier is None else handovers(Log(connection, log))
    signed_by = None if verifier is None else SuccessiveKeys(handed_over, verifier)
    query = select(checkpoints.c.size, checkpoints.c.note).where(checkpoints.c.log == log)
    for size, note in connection.execute(query.order_by(checkpoints.c.size)):
        try:
            checkpoint = parse_checkpoint(note)
        except NoteError:
            result.add(None, f"checkpoint {size}", "checkpoint-signature", "it cannot be read")
            continue
        is_other = verifier is None or verifier.name != checkpoint.origin
        is_own = is_other or signed_by is None or signed_by.has_signed(size, note)
        if checkpoint.size != size or not is_own:
            detail = "not signed as it stands by the key of its time, as handovers name it"
            _of_checkpoint(result, checkpoint, "checkpoint-signature", detail)
        known.append(checkpoint)
    return known


def _declared_lost(stored: Log, checkpoint: Checkpoint) -> int | None:
    """Return how many entries a log that was begun after this checkpoint declares as lost.

    Shape: None when the log says nothing of the checkpoint's.
    """
    start = stored.entries(0, 1)
    try:
        fields = read_entry(start[0].entry)
        previous = parse_checkpoint(str(fields["previous"]))
    except (*UNREADABLE, IndexError, NoteError):
        return None
    is_known = previous.origin == checkpoint.origin and previous.size >= checkpoint.size
    return int(fields["missing"]) if is_known else None


def _check_root(stored: Log, size: int, checkpoint: Checkpoint, result: CheckResult) -> None:
    if checkpoint.size > size:
        _of_checkpoint(result, checkpoint, "checkpoint-ahead", f"the log has {size}")
        return
    if not stored.has_root(checkpoint.size, checkpoint.root):
        detail = f"the first {checkpoint.size} entries have another root"
        _of_checkpoint(result, checkpoint, "checkpoint-fork", detail)


def _of_checkpoint(result: CheckResult, checkpoint: Checkpoint, reason: str, detail: str) -> None:
    result.add(None, f"checkpoint {checkpoint.size}", reason, detail)


def _check_rows(
    connection: Connection,
    sealing: Sealing,
    kind: str,
    stored_entries: Sequence[StoredLogEntry],
    result: CheckResult,
) -> None:
    rows = rows_of(connection, kind, [str(logged.origin_id) for logged in stored_entries])
    origins = opened_rows(connection, sealing, kind, rows)
    result.remarks[ERASED] += len(origins.erased)
    row_by_id = {row.id: row for row in rows}
    for logged in stored_entries:
        row = row_by_id.get(logged.origin_id)
        if row is None:
            _fault(result, logged, "entry-extra", f"{kind} {logged.origin_id} is gone")
            continue
        for reason, detail in _differences(origins, row, logged):
            _fault(result, logged, reason, detail)


def _differences(
    origins: OriginRows, origin: Any, logged: StoredLogEntry
) -> Iterator[tuple[str, str]]:
    if (fault := origins.faults.get(origin.id)) is not None:
        yield fault, "what is sealed cannot be compared"
    try:
        written = read_entry(logged.entry)
        again = read_entry(log_entry(origins, origin, written).entry)
    except UNREADABLE as error:
        yield "entry-differs", f"it cannot be compared: {type(error).__name__}"
        return
    for name in sorted(written.keys() | again.keys()):
        then, today = written.get(name), again.get(name)
        if then != today and name == "events":
            yield from _event_differences(then or [], today or [])
        elif then != today:
            yield "commitment" if name == "body" else "entry-differs", name


def _event_differences(
    claims_then: Iterable[Mapping[str, Any]], claims_today: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    claims = [
        {event["position"]: event for event in events} for events in (claims_then, claims_today)
    ]
    for position in sorted(claims[0].keys() | claims[1].keys()):
        written, again = (claim.get(position) for claim in claims)
        if written is None or again is None:
            yield "entry-differs", f"event {position} is {'gone' if again is None else 'new'}"
            continue
        for name in sorted(written.keys() | again.keys()):
            if written.get(name) != again.get(name):
                yield "commitment" if name == "apart" else "entry-differs", f"{name} of {position}"


def _check_order(
    stored_entries: Sequence[StoredLogEntry], latest_at: datetime | None, result: CheckResult
) -> datetime | None:
    for logged in stored_entries:
        try:
            recorded_at = read_instant(read_entry(logged.entry)["recorded_at"])
        except UNREADABLE:
            continue
        if latest_at is not None and recorded_at < latest_at - TOLERANCE:
            _fault(result, logged, "entry-order", "it was recorded long before those before it")
        latest_at = recorded_at if latest_at is None else max(latest_at, recorded_at)
    return latest_at


def _fault(result: CheckResult, logged: StoredLogEntry, reason: str, detail: str) -> None:
    result.add(None, f"entry {logged.index}", reason, detail)


def _kind(logged: StoredLogEntry) -> str:
    return logged.kind
