"""Makes the rows about money anew from the files, and compares them with what the files say."""

from collections.abc import Iterator

from sqlalchemy import Connection, delete, select

from ledger.application import Ledger
from ledger.reconciliation.files import KeptFile, kept_file_rows, opened_journal
from ledger.reconciliation.money_rows import MONEY_KINDS, add_money_rows, money_rows
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.listed_money import listed_money
from ledger.storage.tables import origin_secrets


def make_money_again(ledger: Ledger) -> int:
    """Drop the rows of every file about money and make them anew; return how many files were read.

    Shape: a file that was erased has none. Errors: UnsealableError for one that cannot be opened.
    """
    count = 0
    for kept_file in money_files(ledger.database):
        with ledger.database.begin() as connection:
            c = listed_money.c
            connection.execute(delete(listed_money).where(c.file_id == kept_file.id))
            if _is_held(connection, kept_file):
                journal = opened_journal(ledger.database, ledger.sealing, kept_file)
                add_money_rows(connection, kept_file.place, journal)
                count += 1
    return count


def money_files(database: Database) -> list[KeptFile]:
    """Return the files about money, in the order in which they came."""
    with database.connect() as connection:
        files = kept_file_rows(connection)
    return [each for each in files if each.journal_kind in MONEY_KINDS]


def are_rows_true(database: Database, sealing: Sealing, kept_file: KeptFile) -> bool:
    """Return True if the rows of a file are those that it says. Errors: UnsealableError."""
    journal = opened_journal(database, sealing, kept_file)
    expected = money_rows(kept_file.place, journal)
    with database.connect() as connection:
        stored = _stored(connection, kept_file)
        return all(row == next(stored, None) for row in expected) and next(stored, None) is None


def has_rows(connection: Connection, kept_file: KeptFile) -> bool:
    """Return True if anything is stored of what a file lists."""
    return next(_stored(connection, kept_file), None) is not None


def _stored(connection: Connection, kept_file: KeptFile) -> Iterator[dict[str, object]]:
    c = listed_money.c
    query = select(listed_money).where(c.file_id == kept_file.id).order_by(c.line)
    return (dict(row) for row in connection.execute(query).mappings())


def _is_held(connection: Connection, kept_file: KeptFile) -> bool:
    """Return True if a file can be opened; an erasure of it then waits until this has ended."""
    c = origin_secrets.c
    query = select(c.origin_id).where(c.origin_id == kept_file.id).with_for_update(read=True)
    return connection.scalar(query) is not None
