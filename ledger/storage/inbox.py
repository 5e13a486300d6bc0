"""The inbox: every verified delivery, for ever; and deliveries of both kinds, read again."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Table,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.exc import IntegrityError

from ledger.storage.database import padded
from ledger.storage.decisions import newest_decisions
from ledger.storage.outcomes import Outcome, Sealed
from ledger.storage.prepared import PreparedQuery, insert_rows
from ledger.storage.tables import RECORDED_ONCE, decisions, notifications, quarantine, repeats


class AlreadyRecorded(Exception):
    """The content that a notification's signature covers is recorded already: it is a repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRecord:
    """One delivery as it is stored.

    Shape: what only a verified delivery has (`recorded_at`, `signed_tag`, `key_fingerprint`,
    `told_at`, `positions`) is empty in quarantine; there `shop_id`, `mode` and `source` are as
    claimed. `error_class` and `code_version` say what stumbled over an undecided one, `decided_at`
    when it was decided after all. `body` and its SHA-256 `digest` are None until they have been
    opened, and for ever once they were erased; `sealed` says which.
    """

    id: str
    received_at: datetime
    outcome: Outcome
    digest: str | None = None
    recorded_at: datetime | None = None
    format: str | None = None
    shop_id: str | None = None
    mode: str | None = None
    source: str | None = None
    reason: str | None = None
    error_class: str | None = None
    code_version: str | None = None
    decided_at: datetime | None = None
    signed_tag: str | None = None
    signed_text_tag: str | None = None
    key_fingerprint: str | None = None
    told_at: datetime | None = None
    positions: tuple[int, ...] = ()
    content_type: str = ""
    peer: str = ""
    endpoint_shop_id: str | None = None
    endpoint_mode: str | None = None
    is_from_named_range: bool = False
    is_imported: bool = False
    sealed: Sealed = Sealed.CLOSED
    body: bytes | None = field(default=None, repr=False)


class Repeat(NamedTuple):
    """A stream that a delivery names without changing it."""

    originator_id: UUID
    notification_id: str
    told_at: datetime | None


class Inbox:
    """Keeps and finds deliveries within the transaction of a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_many(self, inbox_records: Sequence[InboxRecord]) -> None:
        """Keep verified deliveries for ever.

        Errors: AlreadyRecorded when the outcome of one is `recorded` and another such row has its
        signed tag; the transaction can then only be rolled back.
        """
        rows = [
            column_values(record, notifications) | {"positions": list(record.positions)}
            for record in inbox_records
        ]
        try:
            insert_rows(self._connection, notifications, rows)
        except IntegrityError as error:
            if not _violates_recorded_once(error):
                raise
            raise AlreadyRecorded from error

    def positions_by_tag(self, signed_tags: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """Return the positions of the events of what was signed before.

        Shape: by signed tag, only decided ones; as it was recorded, if it was.
        """
        positions: dict[str, tuple[int, ...]] = {}
        for tag, stored_positions, _ in _SIGNED.rows(self._connection, tags=signed_tags):
            positions.setdefault(tag, tuple(stored_positions))
        return positions

    def texts_by_tag(self, tags: Sequence[str]) -> dict[str, str]:
        """Return which recorded notification holds a signed text. Shape: id by the text's tag."""
        if not tags:
            return {}
        return dict(_TEXTS.rows(self._connection, tags=tags))

    def add_repeats(self, repeated: Sequence[Repeat]) -> None:
        """Store which streams deliveries confirm as they are."""
        insert_rows(self._connection, repeats, [repeat._asdict() for repeat in repeated])

    def confirmed_at(self, originator_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """Return when the platform last repeated the state of streams, of those that it dated."""
        return dict(_CONFIRMED.rows(self._connection, ids=originator_ids))

    def first_repeats(self, originator_ids: Collection[UUID]) -> list[InboxRecord]:
        """Read the first delivery in each format that repeated these streams; of forms the first
        one from a named range beside the first one from anywhere."""
        streams = {"ids": padded(sorted(originator_ids))}
        ids = self._connection.scalars(_FIRST_REPEATS, streams).all()
        return list(self.get_verified(ids).values())

    def get(self, id: str) -> InboxRecord | None:
        """Read one delivery, verified or not."""
        for table in (notifications, quarantine):
            row = self._connection.execute(
                select_deliveries(table).where(table.c.id == id)
            ).one_or_none()
            if row is not None:
                return as_decided(self._connection, [inbox_record(row)])[0]
        return None

    def find_verified(self, id: str) -> InboxRecord | None:
        """Read a verified delivery."""
        return next(iter(self.get_verified([id]).values()), None)

    def get_verified(self, ids: Sequence[str]) -> dict[str, InboxRecord]:
        """Read several verified deliveries, by id; unknown ids are left out."""
        if not ids:
            return {}
        records = map(inbox_record, self._connection.execute(_VERIFIED, {"ids": padded(ids)}))
        return {record.id: record for record in as_decided(self._connection, records)}

    def signed_before(self, signed_tags: Sequence[str]) -> dict[str, InboxRecord]:
        """Read the first delivery of each signed content; a decided one first.

        Shape: by signed tag.
        """
        query = select_deliveries(notifications).where(
            notifications.c.signed_tag.in_(padded(signed_tags))
        )
        rows = self._connection.execute(query.order_by(notifications.c.id))
        records = as_decided(self._connection, map(inbox_record, rows))
        records.sort(key=lambda record: record.outcome == Outcome.UNDECIDED)
        return {str(record.signed_tag): record for record in reversed(records)}

    def same_signed(self, signed_tag: str, *, limit: int) -> list[InboxRecord]:
        """Read all deliveries with this signed content, in the order of arrival."""
        c = notifications.c
        query = select_deliveries(notifications).where(c.signed_tag == signed_tag)
        rows = self._connection.execute(query.order_by(c.id).limit(limit))
        return as_decided(self._connection, map(inbox_record, rows))


def column_values(record: InboxRecord, table: Table) -> dict[str, Any]:
    """Return what a record holds of the columns of a table."""
    return {name: getattr(record, name) for name in InboxRecord.__slots__ if name in table.c}


def select_deliveries(table: Table) -> Select[Any]:
    """Select deliveries but for their sealed bodies, the larger part; to be narrowed."""
    names = {*InboxRecord.__slots__} - {"body"}
    return select(*(column for column in table.c if column.name in names))


def inbox_record(table_row: Row[Any]) -> InboxRecord:
    """Make an `InboxRecord` of such a row of either table."""
    fields = dict(table_row._mapping)
    fields["outcome"] = Outcome(fields.get("outcome", Outcome.QUARANTINED))
    fields["positions"] = tuple(fields.get("positions", ()))
    return InboxRecord(**fields)


def as_decided(connection: Connection, inbox_records: Iterable[InboxRecord]) -> list[InboxRecord]:
    """Return records with what was decided about them since; the newest decision counts."""
    records = list(inbox_records)
    ids = [record.id for record in records if record.outcome == Outcome.UNDECIDED]
    newest = newest_decisions(connection, ids)
    return [
        replace(
            record,
            outcome=decision.outcome,
            positions=decision.positions,
            decided_at=decision.decided_at,
            error_class=decision.error_class or record.error_class,
            code_version=decision.code_version,
        )
        if (decision := newest.get(record.id))
        else record
        for record in records
    ]


def _violates_recorded_once(refusal: IntegrityError) -> bool:
    diagnosis = getattr(refusal.orig, "diag", None)
    if diagnosis is not None:
        return bool(diagnosis.constraint_name == RECORDED_ONCE)
    return "UNIQUE constraint failed: notifications.signed_tag" in str(refusal.orig)


_VERIFIED = select_deliveries(notifications).where(
    notifications.c.id.in_(bindparam("ids", expanding=True))
)
_SELECT_SIGNED = union_all(
    *(
        select(table.c.signed_tag, table.c.positions, table.c.outcome).where(
            table.c.signed_tag.in_(bindparam("tags", expanding=True)),
            table.c.outcome != Outcome.UNDECIDED,
        )
        for table in (notifications, decisions)
    )
).order_by("outcome")
_SIGNED = PreparedQuery(_SELECT_SIGNED)
_TEXTS = PreparedQuery(
    select(notifications.c.signed_text_tag, notifications.c.id).where(
        notifications.c.signed_text_tag.in_(bindparam("tags", expanding=True)),
        notifications.c.outcome == literal_column("'recorded'"),  # as its index says
    )
)
_CONFIRMED = PreparedQuery(
    select(repeats.c.originator_id, func.max(repeats.c.told_at))
    .where(
        repeats.c.originator_id.in_(bindparam("ids", expanding=True)),
        repeats.c.told_at.is_not(None),
    )
    .group_by(repeats.c.originator_id)
)
_FIRST_REPEATS = (
    select(func.min(repeats.c.notification_id))
    .join(notifications, notifications.c.id == repeats.c.notification_id)
    .where(repeats.c.originator_id.in_(bindparam("ids", expanding=True)))
    .group_by(notifications.c.format, notifications.c.is_from_named_range)
)
