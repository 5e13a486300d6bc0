"""Keeps files of the platform: whole, sealed, once, each with its entry in the log."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import IO, Any

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.exc import IntegrityError
from ulid import ULID

from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.instants import write_day
from ledger.ipn.modes import MODES
from ledger.reconciliation.journal_error import JournalError
from ledger.reconciliation.journal_reading import Journal, read_journal
from ledger.reconciliation.journal_rows import Heading, JournalKind
from ledger.reconciliation.journal_text import Chunks
from ledger.reconciliation.money_rows import FilePlace, add_money_rows
from ledger.reconciliation.newest_first import newest_first
from ledger.sealing.files import SealedFile, add_file, opened_file, seal_file
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database, padded
from ledger.storage.reconciliation_tables import journal_files

FILE_NAME_MAX = 200
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of the platform that is kept here.

    Shape: `first_day` and `last_day` are the UTC days that it is of, both None when nobody said.
    """

    id: str
    recorded_at: datetime
    by_whom: str
    file_name: str
    shop_id: str
    mode: str
    first_day: date | None
    last_day: date | None
    part_count: int
    byte_count: int
    heading: Heading

    @property
    def journal_kind(self) -> JournalKind:
        return self.heading.journal_kind

    @property
    def made_at(self) -> datetime:
        """Return when the platform made it, or else when it came."""
        return self.heading.made_at or self.recorded_at

    @property
    def place(self) -> FilePlace:
        """Return whose it is, and of which day."""
        return FilePlace(self.id, self.shop_id, self.mode, self.last_day or self.made_at.date())

    def covers(self, day: date) -> bool:
        """Return True if the file is of this whole day."""
        return (
            self.first_day is not None
            and self.last_day is not None
            and self.first_day <= day <= self.last_day
        )


@dataclass(frozen=True, slots=True)
class Import:
    """What an import did. Shape: `is_new` is False for a file that was kept before."""

    file: KeptFile
    is_new: bool


def chunks_of(stream: IO[bytes]) -> Callable[[], Iterator[bytes]]:
    """Return what yields the bytes of a stream from its beginning, whenever it is called."""

    def chunks() -> Iterator[bytes]:
        stream.seek(0)
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk

    return chunks


def import_file(
    ledger: Ledger,
    chunks: Chunks,
    file_name: str,
    *,
    by_whom: str,
    now: datetime,
    shop_id: str | None = None,
    mode: str | None = None,
    days: tuple[date, date] | None = None,
) -> Import:
    """Keep a file, or say that it is kept already; nothing else changes.

    Shape: shop, mode and days are needed where neither the name nor the heading says them; `mode`
    in capitals. Errors: JournalError when it cannot be read, or is of another shop or mode.
    """
    hashed, byte_count = hashlib.sha256(), 0
    for chunk in chunks():
        hashed.update(chunk)
        byte_count += len(chunk)
    tag = ledger.sealing.keys.tag(b"file\0" + hashed.digest())
    if (known := _file_with(ledger, tag)) is not None:
        return _kept_before(known, shop_id, mode)
    heading = _read_heading(ledger, chunks, file_name, shop_id)
    shop_id, mode = _addressee(ledger, heading, shop_id, mode)
    first_day, last_day = days or (heading.first_day, heading.last_day)
    id_ = str(ULID.from_datetime(now))
    sealed = seal_file(ledger.sealing, id_, chunks(), hashed.digest())
    names = (id_, now, by_whom, file_name[-FILE_NAME_MAX:], shop_id, mode)
    kept_file = KeptFile(*names, first_day, last_day, len(sealed.parts), byte_count, heading)
    return _keep(ledger, kept_file, sealed, tag, chunks)


def _keep(
    ledger: Ledger, kept_file: KeptFile, sealed: SealedFile, tag: str, chunks: Chunks
) -> Import:
    try:
        with ledger.database.begin() as connection:
            connection.execute(insert(journal_files), _row(kept_file) | {"tag": tag})
            add_file(connection, sealed)
            add_money_rows(connection, kept_file.place, Journal(chunks, kept_file.heading))
    except IntegrityError:
        known = _file_with(ledger, tag)  # somebody imports the same at the same time
        if known is None:
            raise
        return _kept_before(known, kept_file.shop_id, kept_file.mode)
    return Import(kept_file, is_new=True)


def _kept_before(kept_file: KeptFile, shop_id: str | None, mode: str | None) -> Import:
    """Say that a file is kept already, but not to somebody who puts it under another shop."""
    if shop_id not in (None, kept_file.shop_id):
        raise JournalError("this file is kept already, for another shop", reason="other-shop")
    if mode not in (None, kept_file.mode):
        raise JournalError("this file is kept already, for the other mode", reason="other-mode")
    return Import(kept_file, is_new=False)


def kept_files(
    connection: Connection,
    shop_id: str,
    mode: str,
    days: tuple[date, date] | None = None,
) -> list[KeptFile]:
    """Return the files of a shop and mode, oldest first.

    Shape: with `days` those alone that may list a payment of these days, or of one beside them.
    """
    c = journal_files.c
    query = select(journal_files).where(c.shop_id == shop_id, c.mode == mode).order_by(c.place)
    files = [_kept_file(row) for row in connection.execute(query)]
    return files if days is None else [each for each in files if _may_list(each, days)]


def file_of(connection: Connection, file_id: str) -> KeptFile:
    """Return one file. Errors: NotFoundError."""
    query = select(journal_files).where(journal_files.c.id == file_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no file {file_id}")
    return _kept_file(row)


def files_by_id(connection: Connection, ids: Collection[str]) -> dict[str, KeptFile]:
    """Return files by their ids; unknown ones are left out."""
    query = select(journal_files).where(journal_files.c.id.in_(padded(sorted(ids))))
    return {row.id: _kept_file(row) for row in connection.execute(query)}


def listed_files(
    connection: Connection, *, limit: int, before_id: str | None = None, shops: Sequence[str] | None
) -> list[KeptFile]:
    """Return files, newest first. Shape: `shops` None is every shop; `before_id` is an id."""
    every = select(journal_files)
    query = newest_first(every, journal_files, limit=limit, before_id=before_id, shops=shops)
    return [_kept_file(row) for row in connection.execute(query)]


def kept_file_rows(connection: Connection) -> list[KeptFile]:
    """Return every file that is kept, in the order in which they came."""
    query = select(journal_files).order_by(journal_files.c.place)
    return [_kept_file(row) for row in connection.execute(query)]


def opened_journal(database: Database, sealing: Sealing, kept_file: KeptFile) -> Journal:
    """Open a file that is kept. Errors: UnsealableError, also while its rows are read."""
    return Journal(content_of(database, sealing, kept_file), kept_file.heading, kept_file.id)


def content_of(
    database: Database, sealing: Sealing, kept_file: KeptFile
) -> Callable[[], Iterator[bytes]]:
    """Return what yields the bytes of a file as they came. Errors: UnsealableError."""
    return opened_file(database, sealing, kept_file.id, kept_file.part_count)


def _read_heading(ledger: Ledger, chunks: Chunks, file_name: str, shop_id: str | None) -> Heading:
    """Read a file with the labels of its shop; without a shop with those of all of them."""
    shops = ledger.shops.shop_by_id.values()
    own_labels: dict[str, str] = {}
    for shop in shops:
        if shop_id in (None, shop.id):
            own_labels |= dict(shop.labels)
    return read_journal(chunks, file_name, own_labels).heading


def _addressee(
    ledger: Ledger, heading: Heading, shop_id: str | None, mode: str | None
) -> tuple[str, str]:
    if shop_id and heading.shop_id and shop_id != heading.shop_id:
        message = f"the file is of the shop {heading.shop_id}, not of {shop_id}"
        raise JournalError(message, reason="other-shop")
    if mode and heading.mode and mode != heading.mode:
        message = f"the file is of the mode {heading.mode}, not of {mode}"
        raise JournalError(message, reason="other-mode")
    shop_id, mode = shop_id or heading.shop_id, mode or heading.mode
    if shop_id is None:
        message = "nothing in the file says of which shop it is: name it with --shop"
        raise JournalError(message, reason="no-shop")
    if mode is None:
        either = " or ".join(MODES)
        message = f"nothing in the file says its mode: name {either} with --mode"
        raise JournalError(message, reason="no-mode")
    if shop_id not in ledger.shops.shop_by_id:
        message = f"the shop {shop_id} is not in the shops file"
        raise JournalError(message, reason="unknown-shop")
    return shop_id, mode


def _file_with(ledger: Ledger, tag: str) -> KeptFile | None:
    with ledger.database.connect() as connection:
        query = select(journal_files).where(journal_files.c.tag == tag)
        row = connection.execute(query).one_or_none()
    return None if row is None else _kept_file(row)


def _may_list(kept_file: KeptFile, days: tuple[date, date]) -> bool:
    first, last = kept_file.first_day, kept_file.last_day
    if first is None or last is None:
        return True  # nobody said of which days it is, so its rows have to
    beside = timedelta(days=1)
    return first <= days[1] + beside and last >= days[0] - beside


def _row(kept_file: KeptFile) -> dict[str, object]:
    return {
        "id": kept_file.id,
        "recorded_at": kept_file.recorded_at,
        "by_whom": kept_file.by_whom,
        "file_name": kept_file.file_name,
        "shop_id": kept_file.shop_id,
        "mode": kept_file.mode,
        "kind": kept_file.journal_kind.value,
        "first_day": write_day(kept_file.first_day),
        "last_day": write_day(kept_file.last_day),
        "parts": kept_file.part_count,
        "row_count": kept_file.heading.row_count,
        "byte_count": kept_file.byte_count,
        "heading": kept_file.heading.to_json(),
    }


def _kept_file(row: Row[Any]) -> KeptFile:
    return KeptFile(
        row.id,
        row.recorded_at,
        row.by_whom,
        row.file_name,
        row.shop_id,
        row.mode,
        _day(row.first_day),
        _day(row.last_day),
        row.parts,
        row.byte_count,
        Heading.from_json(row.heading),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
