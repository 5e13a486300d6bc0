"""Reads what origins brought, in the order of their commits, and writes the entry of each.

An origin is a delivery, a later decision about one, an answer, a note, or what an operator did.
The sequencer writes entries from here, and an audit writes them again to compare.
"""

import hmac
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, select

from ledger.errors import UnsealableError
from ledger.proof.entry import (
    ANSWER,
    DELIVERY,
    ERASURE,
    FILE,
    NOTE,
    EventClaim,
    entry_bytes,
    event_claim,
)
from ledger.proof.log import LogEntry
from ledger.proof.origin_fields import FIELDS, SOURCES
from ledger.sealing.origin_secret import BODY, PERSONAL, part_name
from ledger.sealing.sealing import OpenedFrame, Sealing
from ledger.storage.database import chunks, padded
from ledger.storage.erased import erasure_marks
from ledger.storage.outcomes import Outcome, Sealed
from ledger.storage.sealed_rows import LockedFrame, body_frames, body_secrets, personal_frames
from ledger.storage.tables import events

SEALED_MISSING, SECRET_MISSING, UNSEALABLE = "sealed-missing", "secret-missing", "unsealable"


class OriginRows(NamedTuple):
    """Origins of one kind, as they are stored, with what is sealed of them.

    Shape: contents that cannot be opened are left out, `faults` says of which ids and why; those
    that an erasure has destroyed are in `erased`. Of a file the content is its SHA-256 alone, noted
    in its secret, so that nobody has to open what may be large. Of a note it is what was written,
    which is sealed as long as what is personal.
    """

    kind: str
    origin_rows: Sequence[Row[Any]]
    bodies: Mapping[str, OpenedFrame]
    opened_parts: Mapping[str, OpenedFrame]
    event_by_position: Mapping[int, Row[Any]]
    faults: Mapping[str, str]
    erased: Collection[str] = ()


def rows_after(
    connection: Connection, kind: str, place: int, until: int, limit: int
) -> Sequence[Row[Any]]:
    """Return the next origins of a kind behind a place, in the order of their commits."""
    table = SOURCES[kind]
    query = select(table).where(table.c.place > place, table.c.place <= until)
    return connection.execute(query.order_by(table.c.place).limit(limit)).all()


def rows_of(connection: Connection, kind: str, ids: Collection[str]) -> Sequence[Row[Any]]:
    """Return the origins of a kind that have these ids, in no order."""
    table = SOURCES[kind]
    query = select(table).where(table.c.id.in_(bindparam("ids", expanding=True)))
    return connection.execute(query, {"ids": padded(sorted(ids))}).all() if ids else []


def opened_rows(
    connection: Connection, sealing: Sealing | None, kind: str, origin_rows: Sequence[Row[Any]]
) -> OriginRows:
    """Return origins with their events and all that is sealed, opened as far as possible.

    Shape: without sealing nothing is opened. Errors: SettingsError without the master keys.
    """
    ids = [row.id for row in origin_rows]
    own = sorted({position for row in origin_rows for position in own_positions(row)})
    if sealing is None:
        return OriginRows(kind, origin_rows, {}, {}, _events_at(connection, own), {})
    frames = body_frames(connection, ids) if kind in (DELIVERY, ANSWER) else []
    stored = {locked.origin_id for locked in frames}
    parts = personal_frames(connection, ids)
    if kind == NOTE:
        stored = {locked.origin_id for locked in parts}
    must = kind in (DELIVERY, NOTE)
    faults = {id_: SEALED_MISSING for id_ in ids if must and id_ not in stored}
    reading, erased = (connection, sealing), set[str]()
    opened_bodies = _opened(reading, frames, BODY, faults, erased)
    if kind == FILE:
        opened_bodies = _opened_digests(reading, ids, faults, erased)
    opened_parts = _opened(reading, parts, PERSONAL, faults, erased)
    if kind == NOTE:
        opened_bodies = opened_parts
    events_by_position = _events_at(connection, own)
    return OriginRows(
        kind, origin_rows, opened_bodies, opened_parts, events_by_position, faults, erased
    )


def log_entry(origins: OriginRows, row: Row[Any], earlier: Mapping[str, Any]) -> LogEntry:
    """Write the entry of one origin.

    Shape: `earlier` are the fields of an earlier writing, whose commitments stand in for those of
    contents that were erased since; empty when it is written first.
    """
    fields: dict[str, Any] = {
        name: getattr(row, column) for name, column in FIELDS[origins.kind].items()
    }
    repeats = [] if own_positions(row) else list(getattr(row, "positions", ()))
    fields["repeats"] = repeats or None
    if origins.kind == ERASURE:
        fields |= {"count": len(row.origins), "origins": salted_hash(row.salt, sorted(row.origins))}
        fields["streams"] = salted_hash(row.salt, sorted(row.streams))
    body = origins.bodies.get(row.id)
    if origins.kind in (DELIVERY, FILE, ANSWER, NOTE):
        fields["body"] = earlier.get("body")
        if body is not None:
            fields["body"] = body.commitments.commitment(BODY, body.content)
    committed = {each["position"]: each.get("apart") for each in earlier.get("events", [])}
    claims = [
        _claim(
            origins.event_by_position[position],
            origins.opened_parts.get(row.id),
            committed.get(position),
        )
        for position in own_positions(row)
        if position in origins.event_by_position
    ]
    return LogEntry(origins.kind, row.id, entry_bytes(origins.kind, fields, claims))


def salted_hash(salt: str, ids: Sequence[str]) -> str:
    """Name ids so that only who has the salt can tell which. Shape: 64 lower-case hex digits."""
    return hmac.digest(bytes.fromhex(salt), "\n".join(ids).encode(), "sha256").hex()


def own_positions(row: Row[Any]) -> list[int]:
    """Return the positions of the events that an origin made; a repeat names those of others."""
    outcome = getattr(row, "outcome", Outcome.RECORDED)
    return list(getattr(row, "positions", ())) if outcome == Outcome.RECORDED else []


def _claim(
    stored_row: Row[Any], opened_frame: OpenedFrame | None, committed: str | None
) -> EventClaim:
    apart = committed if stored_row.part is not None else None
    if (
        stored_row.part is not None
        and opened_frame is not None
        and stored_row.part < len(opened_frame.parts)
    ):
        name = part_name(stored_row.part)
        apart = opened_frame.commitments.commitment(name, opened_frame.parts[stored_row.part])
    return event_claim(
        position=stored_row.position,
        stream=stored_row.originator_id.hex,
        version=stored_row.originator_version,
        topic=stored_row.topic,
        state=bytes(stored_row.state),
        details=None if stored_row.details is None else bytes(stored_row.details),
        apart=apart,
    )


def _opened(
    reading: tuple[Connection, Sealing],
    frames: Sequence[LockedFrame],
    what: str,
    faults: dict[str, str],
    erased: set[str],
) -> dict[str, OpenedFrame]:
    connection, sealing = reading
    opened_frames: dict[str, OpenedFrame] = {}
    missing = set()
    for locked in frames:
        opened = sealing.open_frame(locked, what)
        if not isinstance(opened, Sealed):
            opened_frames[locked.origin_id] = opened
        elif opened is not Sealed.ERASED:  # an audit says so; the log goes on
            faults[locked.origin_id] = UNSEALABLE
        elif locked.frame is not None:
            missing.add(locked.origin_id)
    _explain(connection, missing, what, faults, erased)
    return opened_frames


def _opened_digests(
    reading: tuple[Connection, Sealing],
    ids: Sequence[str],
    faults: dict[str, str],
    erased: set[str],
) -> dict[str, OpenedFrame]:
    connection, sealing = reading
    opened: dict[str, OpenedFrame] = {}
    missing = {*ids}
    for locked in body_secrets(connection, ids):
        if locked.secret is None:
            continue
        missing.discard(locked.origin_id)
        try:
            commitments, digest = sealing.unlocked(locked, BODY)
        except UnsealableError:
            faults[locked.origin_id] = UNSEALABLE
        else:
            opened[locked.origin_id] = OpenedFrame(digest, commitments, digest.hex())
    _explain(connection, missing, BODY, faults, erased)
    return opened


def _explain(
    connection: Connection,
    missing: set[str],
    what: str,
    faults: dict[str, str],
    erased: set[str],
) -> None:
    """Tell secrets that an erasure has destroyed from those that nothing explains."""
    explained = erasure_marks(connection, missing, what).keys()
    faults |= dict.fromkeys(missing - explained, SECRET_MISSING)
    erased.update(explained)


def _events_at(connection: Connection, positions: Sequence[int]) -> dict[int, Row[Any]]:
    query = select(events).where(events.c.position.in_(bindparam("positions", expanding=True)))
    by_position = {}
    for chunk in chunks(positions):
        for row in connection.execute(query, {"positions": padded(chunk)}):
            by_position[row.position] = row
    return by_position
