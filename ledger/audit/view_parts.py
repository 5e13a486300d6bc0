"""Checks a part of the read models: projects its events again, and compares the rows they make."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, create_engine, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.schema import CreateTable

from ledger.audit.fault import CheckResult
from ledger.audit.stored_rows import UNREADABLE, read_positions
from ledger.projections.definition import Row
from ledger.projections.engine import event_reader
from ledger.projections.engine.compare import Difference, Side, compare_sides
from ledger.projections.engine.folding import StoredRow, decode_once, fold
from ledger.projections.engine.generations import Generation, poison_of, position_of
from ledger.projections.engine.key_ranges import KeyRange
from ledger.projections.engine.snapshots import snapshot
from ledger.projections.engine.writing import column_names, write_rows
from ledger.storage.database import Database

STREAM, POSITION, NOTIFICATION = "id", "position", "notification_id"
"""What the rows of read models begin their keys with, and are cut by."""
KNOWN_MAX = 1_000
"""Rows that differ of which it is known how, so that groups can be made of what they should be."""


@dataclass(frozen=True, slots=True)
class ViewPart:
    """The rows that have a range of keys, and the events that make these rows.

    Shape: `column` begins the keys: the id of a stream, a position, or the id of a notification.
    """

    column: str
    key_range: KeyRange

    def cuts(self, table: Table) -> bool:
        """Return True if each row of a table belongs to one part."""
        return first_of_key(table) == self.column

    def read_events(self, log: Connection, *, with_details: bool) -> Sequence[StoredRow]:
        """Return the events of the part, in order."""
        key_range = self.key_range
        if self.column == STREAM:
            return event_reader.read_streams(log, key_range, with_details=with_details)
        if self.column == POSITION:
            after = 0 if key_range.start is None else key_range.start[0] - 1
            until = 2**63 - 1 if key_range.end is None else key_range.end[0] - 1
            return event_reader.read_events(
                log, None, after=after, until=until, with_details=with_details
            )
        positions = _positions_of_notifications(log, key_range)
        return event_reader.read_positions(log, positions, with_details=with_details)


@dataclass
class ViewResult(CheckResult):
    """How the rows of a part compare, by read model.

    Shape: a difference is of what is live and what the events make of it. `common_rows` are what
    the part's events add to rows to which every part adds, by table. `refusals` name the errors of
    those that cannot be projected again.
    """

    differences_by_view: dict[str, list[Difference]] = field(default_factory=dict)
    common_rows: dict[str, list[Row]] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)


def first_of_key(table: Table) -> str:
    """Return the name of the column with which the key of a table begins."""
    return column_names(table.primary_key)[0]


def check_rows(
    database: Database, view_part: ViewPart, views: Sequence[tuple[Generation, int]]
) -> ViewResult:
    """Compare the rows of a part of some read models with its events, in one snapshot.

    Shape: with each generation comes the position up to which rows are made to which every part
    adds, since parts may be read one after another.
    """
    result, decode = ViewResult(), decode_once()
    with snapshot(database) as log:
        with_details = any(generation.model.harmless_details for generation, _ in views)
        stored_events = view_part.read_events(log, with_details=with_details)
        for generation, common_until in views:
            name, wanted = generation.name, _wanted(log, generation, stored_events)
            rows_by_table = fold(generation.model, wanted, decode).rows_by_table
            try:
                result.differences_by_view[name] = _differences(
                    log, view_part, generation, rows_by_table
                )
            except (DataError, IntegrityError, OverflowError) as error:
                result.refusals[name] = type(error).__name__
            if any(not view_part.cuts(table) for table in generation.model.tables):
                common = [stored for stored in wanted if stored[0] <= common_until]
                if len(common) < len(wanted):
                    rows_by_table = fold(generation.model, common, decode).rows_by_table
                for table, rows in rows_by_table.items():
                    if not view_part.cuts(table):
                        result.common_rows[table.name] = rows
    return result


def _wanted(
    log: Connection, generation: Generation, stored_events: Sequence[StoredRow]
) -> list[StoredRow]:
    """Return those of the events that a generation has applied."""
    until, kinds = position_of(log, generation), generation.model.kinds
    skipped = {poison.position for poison in poison_of(log, generation.id)}
    return [
        stored
        for stored in stored_events
        if stored[0] <= until
        and stored[0] not in skipped
        and event_reader.is_of_kind(stored, kinds)
    ]


def _differences(
    log: Connection,
    view_part: ViewPart,
    generation: Generation,
    rows_by_table: Mapping[Table, Sequence[Row]],
) -> list[Difference]:
    """Compare the live rows of a part with those that its events make.

    Errors: those of the database that refuses what the events make.
    """
    tables = [table for table in generation.model.tables if view_part.cuts(table)]
    with in_memory({table: rows_by_table.get(table, ()) for table in tables}) as projected:
        return [
            compare_sides(
                table,
                Side(log, generation.tables[table]),
                Side(projected, table),
                view_part.key_range,
                sample_max=KNOWN_MAX,
            )
            for table in tables
        ]


@contextmanager
def in_memory(rows_by_table: Mapping[Table, Sequence[Row]]) -> Iterator[Connection]:
    """Lay rows out in a database of their own, as read models have them; merge what has one key.

    Errors: those of the database that refuses a row.
    """
    engine = create_engine("sqlite://")
    try:
        with engine.connect() as connection, connection.begin():
            for table, rows in rows_by_table.items():
                connection.execute(CreateTable(table))
                write_rows(connection, table, rows)
            yield connection
    finally:
        engine.dispose()


def _positions_of_notifications(log: Connection, key_range: KeyRange) -> list[int]:
    """Return the positions that notifications and later decisions about them name."""
    first = "" if key_range.start is None else key_range.start[0]
    last = None if key_range.end is None else key_range.end[0]
    selects = []
    for table, id_ in (("notifications", "id"), ("decisions", "notification_id")):
        until = "" if last is None else f" AND {id_} < :last"
        selects.append(f"SELECT positions FROM {table} WHERE {id_} >= :first{until}")  # noqa: S608  no value in it
    bound = {"first": first} | ({} if last is None else {"last": last})
    positions = set[int]()
    for listed in log.scalars(text(" UNION ALL ".join(selects)), bound):
        with suppress(*UNREADABLE):  # the check of deliveries says so
            positions.update(read_positions(listed))
    return sorted(positions)
