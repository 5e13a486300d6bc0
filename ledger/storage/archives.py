"""Knows which months of sealed bodies were put elsewhere, and lets them leave the database."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection, delete, func, insert, select, text
from ulid import ULID

from ledger.errors import SettingsError, UnavailableError
from ledger.storage.archive_files import SealedBody, read_bodies
from ledger.storage.database import Database
from ledger.storage.deleted_rows import remove_traces
from ledger.storage.short_locks import (
    DEADLOCK,
    LOCK_NOT_AVAILABLE,
    tried_until_free,
    wait_shortly,
)
from ledger.storage.tables import archives, bodies

PAGE = 500
_TIME_LENGTH = 10
_OTHER = "bodies_other"
_IS_OWNER = text(
    "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('bodies')"
)
_HAS_PART = text("SELECT to_regclass(:part) IS NOT NULL")
_REFUSES_DELETE = text("SELECT sql FROM sqlite_master WHERE name = 'bodies_refuse_delete'")


@dataclass(frozen=True, slots=True)
class Archive:
    """A file that holds what was sealed in one month. Shape: as in the table `archives`."""

    month: str
    address: str
    digest: str
    row_count: int
    file_bytes: int
    archived_at: datetime

    @property
    def id_range(self) -> tuple[str, str]:
        """Return the beginning of the month's ids, and that of the next month's."""
        return id_range(date.fromisoformat(f"{self.month}-01"))


def all_archives(connection: Connection) -> list[Archive]:
    """Return all archives, in the order in which they were made."""
    names = Archive.__slots__
    query = select(*(archives.c[name] for name in names)).order_by(archives.c.place)
    return [Archive(*row) for row in connection.execute(query)]


def archived_bodies(connection: Connection, ids: Collection[str]) -> list[SealedBody]:
    """Return those of these bodies that were put elsewhere.

    Errors: ArchiveError; MissingExtraError.
    """
    sealed_bodies = []
    for archive in all_archives(connection) if ids else ():
        lower, upper = archive.id_range
        wanted = {id_ for id_ in ids if lower <= id_ < upper}
        if wanted:
            sealed_bodies += read_bodies(archive.address, archive.file_bytes, wanted)
    return sealed_bodies


def months_before(database: Database, month: date) -> list[date]:
    """Return the first days of the months before this one of which the database holds bodies."""
    months, c = list[date](), bodies.c.origin_id
    lower, end = "", id_range(month)[0]
    while True:
        with database.connect() as connection:
            id_ = connection.scalar(select(func.min(c)).where(c >= lower, c < end))
        if id_ is None:
            return months
        months.append(ULID.from_str(id_).datetime.date().replace(day=1))
        lower = id_range(months[-1])[1]


def bodies_of(database: Database, month: date) -> Iterator[SealedBody]:
    """Yield what the database holds of a month, in the order of ids."""
    c = bodies.c
    after, end = id_range(month)
    while True:
        query = select(c.origin_id, c.body, c.personal).where(
            c.origin_id > after, c.origin_id < end
        )
        with database.connect() as connection:
            rows = connection.execute(query.order_by(c.origin_id).limit(PAGE)).all()
        yield from (SealedBody(*row) for row in rows)
        if not rows:
            return
        after = rows[-1].origin_id


def refuse_other_roles(database: Database) -> None:
    """Refuse whoever is not the owner of the tables, who alone can take a part away.

    Errors: SettingsError.
    """
    if database.is_sqlite:
        return
    with database.connect() as connection:
        is_owner = connection.scalar(_IS_OWNER)
    if not is_owner:
        raise SettingsError(
            "only the owner of the tables can archive: set LEDGER_DATABASE_URL as for"
            " `ledger migrate`"
        )


def replace_by_archive(database: Database, archive: Archive) -> bool:
    """Note an archive, and let what is in it leave the database: both or neither.

    Shape: False, and nothing is changed, when more has come for the month since it was read.
    Errors: UnavailableError when others hold the table for long.
    """
    has_left = tried_until_free(
        lambda: _replaced(database, archive),
        UnavailableError("others read or write for long: run this again; nothing was changed"),
        (LOCK_NOT_AVAILABLE, DEADLOCK),
    )
    if has_left and not database.is_sqlite:
        remove_traces(database, _OTHER)
    return has_left


def month_after(first: date, number: int = 1) -> date:
    """Return the first day of the month so many months after another."""
    months = first.year * 12 + first.month - 1 + number
    return date(months // 12, months % 12 + 1, 1)


def id_range(month: date) -> tuple[str, str]:
    """Return how the ids of a month begin at least, and those of the next one."""
    lower, upper = (
        str(ULID.from_datetime(datetime(each.year, each.month, 1, tzinfo=UTC)))[:_TIME_LENGTH]
        for each in (month, month_after(month))
    )
    return lower, upper


def _replaced(database: Database, archive: Archive) -> bool:
    lower, upper = archive.id_range
    is_in_month = (bodies.c.origin_id > lower, bodies.c.origin_id < upper)
    count = select(func.count()).select_from(bodies).where(*is_in_month)
    part = f"bodies_{archive.month.replace('-', '_')}"
    with database.begin() as connection:
        has_part = not database.is_sqlite and _lock(connection, part)
        if connection.scalar(count) != archive.row_count:
            return False
        row = {name: getattr(archive, name) for name in Archive.__slots__}
        connection.execute(insert(archives), row)
        if database.is_sqlite:
            refuses = str(connection.scalar(_REFUSES_DELETE))
            connection.exec_driver_sql("DROP TRIGGER bodies_refuse_delete")
            connection.execute(delete(bodies).where(*is_in_month))
            connection.exec_driver_sql(refuses)
            return True
        if has_part:
            connection.exec_driver_sql(f"ALTER TABLE bodies DETACH PARTITION {part}")
            connection.exec_driver_sql(f"DROP TABLE {part}")
        guard = f"TRIGGER {_OTHER}_refuse_change"
        connection.exec_driver_sql(f"ALTER TABLE {_OTHER} DISABLE {guard}")
        other = text(f"DELETE FROM {_OTHER} WHERE origin_id > :lower AND origin_id < :upper")  # noqa: S608  our own name
        connection.execute(other, {"lower": lower, "upper": upper})
        connection.exec_driver_sql(f"ALTER TABLE {_OTHER} ENABLE {guard}")
    return True


def _lock(connection: Connection, part: str) -> bool:
    """Let nothing come to a month for as long as this transaction lasts; return True if it has a
    part of its own."""
    wait_shortly(connection)
    has_part = bool(connection.scalar(_HAS_PART, {"part": part}))
    for name in (part, _OTHER) if has_part else (_OTHER,):
        connection.exec_driver_sql(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE")
    return has_part
