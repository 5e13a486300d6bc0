"""Collects what stands behind an object, for a bundle that others can check without us."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from ledger.access.bodies import may_read_body
from ledger.access.masking import masked
from ledger.access.readers import Reader
from ledger.access.roles import OPERATOR
from ledger.application import Ledger
from ledger.errors import NotFoundError, UnavailableError
from ledger.ipn.modes import Mode
from ledger.proof.bundle import Bundle, BundledEvent, BundledOrigin, BundleError
from ledger.proof.note import parse_checkpoint
from ledger.proof.origins import OriginRows, opened_rows, own_positions, rows_of
from ledger.proof.signed_log import ProvenEntry, SignedLog, signed_log
from ledger.proof.stamping import StoredTimestamp, newest_timestamp
from ledger.queries.file_names import shop_in_name
from ledger.queries.find_by_name import ORDER, events_known, find_stream
from ledger.queries.history import timeline
from ledger.queries.notes import streams_with_notes
from ledger.queries.orders import order_history
from ledger.sealing.origin_secret import BODY, part_name
from ledger.sealing.sealing import Sealing
from ledger.storage.answers import evidence_records
from ledger.storage.database import chunks, padded
from ledger.storage.event_store import RecordedEvent
from ledger.storage.inbox import Inbox
from ledger.storage.notes import note_ids
from ledger.storage.tables import repeats

ORIGINS_MAX = 1_000
"""Of one bundle: each costs a checker some milliseconds."""

_UNSAFE = re.compile(r"[^A-Za-z0-9]+")


class BundleTooLargeError(BundleError, code="bundle-too-large"):
    """More stands behind an object than fits into one bundle."""


class NotSignedYetError(UnavailableError, code="not-signed-yet"):
    """The newest of it is not in the signed log yet; some seconds later it is."""


def streams_of(
    ledger: Ledger, kind: str, shop_id: str, mode: str, name: str, *, alias: str | None = None
) -> list[list[RecordedEvent]]:
    """Return the histories of an object; an order has one for each transaction.

    Errors: NotFoundError; AmbiguousError.
    """
    if kind == ORDER:
        return list(order_history(ledger, shop_id, Mode(mode), name).histories)
    id_ = find_stream(ledger, kind, shop_id, Mode(mode), name, alias=alias)
    return [events_known(ledger, id_)]


def bundle_name(kind: str, name: str) -> str:
    """Return a plain name for the bundle of an object."""
    return f"{kind}-{_UNSAFE.sub('-', name).strip('-')[:80] or 'unnamed'}"


def named_for_filing(ledger: Ledger, bundle: Bundle, shop_id: str, mode: str) -> Bundle:
    """Return a bundle whose name says shop, mode, object and how far the log went.

    Shape: `boutique_production_transaction-1234_up-to-entry-468`.
    """
    size = parse_checkpoint(bundle.checkpoint).size
    shop, public_mode = shop_in_name(ledger, shop_id), Mode(mode).public
    return replace(bundle, name=f"{shop}_{public_mode}_{bundle.name}_up-to-entry-{size}")


def bundle_of(
    ledger: Ledger,
    name: str,
    streams: Sequence[Sequence[RecordedEvent]],
    *,
    reader: Reader | None = None,
    order_stream_id: UUID | None = None,
) -> Bundle:
    """Collect the entries behind these histories and the notes about them, with what they name.

    Shape: `order_stream_id` is where the notes about their order are. What a reader without the
    right to personal data may not see is left out; no reader is the operator at the command line.
    A checkpoint with a time stamp is taken if one reaches so far.
    Errors: NotSignedYetError, BundleTooLargeError; NotFoundError when nothing was ever signed.
    """
    shown = set(_shown_positions(streams, reader))
    sealing = ledger.sealing if reader is None or reader.sees_personal else None
    with ledger.database.connect() as connection:
        about = streams_with_notes(streams, order_stream_id)
        ids = _origin_ids(connection, streams) | note_ids(connection, about)
        _refuse_too_many(ids)
        signed, stamp = _stamped(connection, ids)
        proven = sorted((_proven(signed, id_) for id_ in ids), key=_kind)
        origins = [
            origin
            for kind, group in groupby(proven, key=_kind)
            for origin in _bundled(connection, sealing, kind, list(group), shown)
        ]
        closed = _closed_bodies(connection, ledger, origins, reader)
    origins = [replace(each, body=None) if each.id in closed else each for each in origins]
    return Bundle(
        name,
        signed.checkpoint.note,
        signed.checkpoint.public_key,
        sorted(origins, key=lambda origin: origin.index),
        stamp=None if stamp is None else stamp.reply,
        authority=None if stamp is None else stamp.authority.encode(),
    )


def _refuse_too_many(ids: Collection[str]) -> None:
    if len(ids) > ORIGINS_MAX:
        raise BundleTooLargeError(
            f"{len(ids)} deliveries and decisions stand behind it, and {ORIGINS_MAX} fit into"
            " one bundle: ask for one transaction, or take the whole log as tiles"
        )


def _shown_positions(
    streams: Sequence[Sequence[RecordedEvent]], reader: Reader | None
) -> Iterator[int]:
    """Yield the events whose facts a reader may see as they are stored."""
    for events in streams:
        for entry in timeline(events):
            facts = {"reference": entry.event.reference, **entry.event.facts}
            if reader is None or reader.sees_personal or masked(facts) == facts:
                yield entry.position


def _closed_bodies(
    connection: Connection,
    ledger: Ledger,
    origins: Sequence[BundledOrigin],
    reader: Reader | None,
) -> set[str]:
    """Return the deliveries whose bodies a reader may not have: for all but operators, those that
    seem to hold card data."""
    if reader is None or not reader.sees_personal or reader.role == OPERATOR:
        return set()
    body_by_id = {each.id: each.body for each in origins if each.body is not None}
    records = evidence_records(connection, body_by_id).values()
    opened = (replace(record, body=body_by_id[record.id]) for record in records)
    return {each.id for each in opened if not may_read_body(reader, each, ledger.limits)}


def _origin_ids(connection: Connection, streams: Sequence[Sequence[RecordedEvent]]) -> set[str]:
    """Return what the events came from: deliveries, decisions and acts, and what repeats them."""
    events = [recorded for each in streams for recorded in each]
    ids = {recorded.origin_id for recorded in events if recorded.origin_id}
    ids |= {recorded.event.notification_id for recorded in events}
    for chunk in chunks(sorted({recorded.event.originator_id for recorded in events})):
        of_these = repeats.c.originator_id.in_(padded(chunk))
        ids |= set(connection.scalars(select(repeats.c.notification_id).where(of_these)))
    inbox = Inbox(connection)
    tags = {row.signed_tag for row in inbox.get_verified(sorted(ids)).values() if row.signed_tag}
    return ids | {row.id for tag in tags for row in inbox.same_signed(tag, limit=ORIGINS_MAX)}


def _stamped(
    connection: Connection, ids: Collection[str]
) -> tuple[SignedLog, StoredTimestamp | None]:
    """Return the log up to the newest checkpoint that was stamped, if it has all of these."""
    newest = signed_log(connection)
    stamp = newest_timestamp(connection)
    if stamp is not None:
        stamped = SignedLog(newest.log, stamp.checkpoint)
        if all((newest.log.index_of(id_) or 0) < stamped.size for id_ in ids):
            return stamped, stamp
    return newest, None


def _proven(as_signed: SignedLog, id_: str) -> ProvenEntry:
    try:
        return as_signed.proven(id_)
    except NotFoundError as missing:
        raise NotSignedYetError("the newest of it is not signed yet: try again soon") from missing


def _bundled(
    connection: Connection,
    sealing: Sealing | None,
    kind: str,
    entries: Sequence[ProvenEntry],
    shown: Collection[int],
) -> Iterator[BundledOrigin]:
    rows = rows_of(connection, kind, [str(each.logged.origin_id) for each in entries])
    origins = opened_rows(connection, sealing, kind, rows)
    row_by_id = {row.id: row for row in rows}
    for proven in entries:
        logged = proven.logged
        id_ = str(logged.origin_id)
        body = origins.bodies.get(id_)
        yield BundledOrigin(
            id_,
            logged.entry,
            logged.index,
            proven.hashes,
            body=None if body is None else body.content,
            body_salt=None if body is None else body.commitments.salt(BODY),
            bundled_events=list(_bundled_events(origins, row_by_id[id_], shown)),
        )


def _bundled_events(
    origins: OriginRows, origin_row: Row[Any], shown: Collection[int]
) -> Iterator[BundledEvent]:
    opened = origins.opened_parts.get(origin_row.id)
    for position in own_positions(origin_row):
        row = origins.event_by_position.get(position)
        if row is None or position not in shown:
            continue
        shown_event = BundledEvent(
            position, bytes(row.state), None if row.details is None else bytes(row.details)
        )
        if opened is not None and row.part is not None:
            part, salt = opened.parts[row.part], opened.commitments.salt(part_name(row.part))
            shown_event = replace(shown_event, apart=part, apart_salt=salt)
        yield shown_event


def _kind(proven: ProvenEntry) -> str:
    return proven.logged.kind
