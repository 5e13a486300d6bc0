"""Holds: transactions of which nothing may be destroyed, whatever is asked or has expired."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, insert, select
from ulid import ULID

from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.ipn.modes import Mode
from ledger.privacy.selection import notes_of, with_belongings
from ledger.queries.find_by_name import TRANSACTION, find_stream
from ledger.storage.erasure_tables import holds

HOLD, RELEASE = "hold", "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One transaction that is held. Shape: without `until` it is held until it is released."""

    id: str
    shop_id: str
    mode: str
    reference: str
    originator_id: UUID
    until: datetime | None
    reason: str
    by_whom: str
    recorded_at: datetime


def add_hold(
    ledger: Ledger,
    *,
    shop_id: str,
    mode: str,
    reference: str,
    until: datetime | None,
    reason: str,
    by_whom: str,
    now: datetime,
) -> Hold:
    """Hold a transaction. Shape: `mode` in lower case. Errors: NotFoundError."""
    stream_id = find_stream(ledger, TRANSACTION, shop_id, Mode(mode), reference)
    (stream_id,) = {each.event.originator_id for each in ledger.events.history(stream_id)[-1:]}
    id_ = str(ULID.from_datetime(now))
    hold = Hold(
        id=id_,
        shop_id=shop_id,
        mode=mode,
        reference=reference,
        originator_id=stream_id,
        until=until,
        reason=reason,
        by_whom=by_whom,
        recorded_at=now,
    )
    _add(ledger, hold, kind=HOLD, row_id=id_)
    return hold


def release_hold(ledger: Ledger, hold_id: str, *, by_whom: str, now: datetime) -> Hold:
    """Release a transaction. Errors: NotFoundError when it is not held."""
    with ledger.database.connect() as connection:
        hold = next((each for each in holds_at(connection, now) if each.id == hold_id), None)
    if hold is None:
        raise NotFoundError(f"there is no hold {hold_id} now")
    released = Hold(
        id=hold.id,
        shop_id=hold.shop_id,
        mode=hold.mode,
        reference=hold.reference,
        originator_id=hold.originator_id,
        until=None,
        reason=hold.reason,
        by_whom=by_whom,
        recorded_at=now,
    )
    _add(ledger, released, kind=RELEASE, row_id=str(ULID.from_datetime(now)))
    return hold


def holds_at(connection: Connection, now: datetime) -> list[Hold]:
    """Return what is held at an instant, oldest first."""
    c = holds.c
    released = select(c.hold_id).where(c.kind == RELEASE)
    query = select(holds).where(c.kind == HOLD, c.hold_id.not_in(released)).order_by(c.id)
    return [
        Hold(
            id=row.hold_id, **{name: getattr(row, name) for name in Hold.__slots__ if name != "id"}
        )
        for row in connection.execute(query)
        if row.until is None or row.until > now
    ]


def held_origins(ledger: Ledger, now: datetime) -> dict[str, Hold]:
    """Return every origin of which nothing may be destroyed now, with its hold."""
    with ledger.database.connect() as connection:
        hold_by_origin = dict[str, Hold]()
        for hold in holds_at(connection, now):
            events = ledger.events.history(hold.originator_id)
            streams = {each.event.originator_id for each in events}
            held = with_belongings(connection, [], streams)
            held |= notes_of(connection, held, streams)
            hold_by_origin |= dict.fromkeys(held, hold)
        return hold_by_origin


def _add(ledger: Ledger, hold: Hold, *, kind: str, row_id: str) -> None:
    values = {name: getattr(hold, name) for name in Hold.__slots__ if name != "id"}
    with ledger.database.begin() as connection:
        connection.execute(insert(holds), values | {"id": row_id, "hold_id": hold.id, "kind": kind})
