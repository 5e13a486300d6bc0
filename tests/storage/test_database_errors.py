"""Whose fault a failed statement is: the row's that was written, the database's, or who knows."""

import pickle
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from ledger.storage.database import Database
from ledger.storage.database_errors import Blame, blame_of, kind_of_failure
from tests.conftest import opened

BLAME_BY_SQLSTATE = {
    "22001": Blame.ROW,
    "22003": Blame.ROW,
    "23502": Blame.ROW,
    "23505": Blame.ROW,
    "54000": Blame.ROW,
    "08006": Blame.DATABASE,
    "25006": Blame.DATABASE,
    "40P01": Blame.DATABASE,
    "42501": Blame.DATABASE,
    "42P01": Blame.DATABASE,
    "53100": Blame.DATABASE,
    "55P03": Blame.DATABASE,
    "57014": Blame.DATABASE,
    "58030": Blame.DATABASE,
    "0A000": Blame.UNKNOWN,
    "P0001": Blame.UNKNOWN,
    "XX000": Blame.UNKNOWN,
    "ZZ999": Blame.UNKNOWN,
}
BLAME_BY_STATEMENT = {
    "SELECT abs(-9223372036854775807 - 1)": Blame.UNKNOWN,  # integer overflow
    "SELECT * FROM nowhere": Blame.UNKNOWN,
    "SELECT zeroblob(2000000000)": Blame.ROW,
    "INSERT INTO leases (name) VALUES ('x')": Blame.ROW,
    "ATTACH '/nowhere/at/all' AS other": Blame.DATABASE,
}


def raised(database: Database, statement: str) -> SQLAlchemyError:
    with pytest.raises(SQLAlchemyError) as raising, database.begin() as connection:
        connection.exec_driver_sql(statement)
    return raising.value


@pytest.mark.parametrize(("sqlstate", "blame"), BLAME_BY_SQLSTATE.items())
def test_the_sqlstate_says_whose_fault_it_is(
    postgres_url: str, sqlstate: str, blame: Blame
) -> None:
    """Not the class of the driver: it calls a row that is too long an operational error."""
    statement = f"DO $$ BEGIN RAISE 'no' USING ERRCODE = '{sqlstate}'; END $$"
    with opened(postgres_url) as database:
        failure = raised(database, statement)

    assert blame_of(failure) is blame
    assert sqlstate in kind_of_failure(failure)
    assert blame_of(pickle.loads(pickle.dumps(failure))) is blame  # as workers hand it back


@pytest.mark.parametrize(("statement", "blame"), BLAME_BY_STATEMENT.items())
def test_sqlite_says_it_by_codes_of_its_own(sqlite_url: str, statement: str, blame: Blame) -> None:
    with opened(sqlite_url) as database:
        assert blame_of(raised(database, statement)) is blame


def test_a_file_that_cannot_be_written_is_the_database_s_fault(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with opened(
        f"sqlite:///file:{sqlite_url.removeprefix('sqlite:///')}?mode=ro&uri=true"
    ) as database:
        failure = raised(database, "DELETE FROM leases")

    assert blame_of(failure) is Blame.DATABASE
    assert list(tmp_path.iterdir()) == []  # nothing is made of the address that SQLite reads


@pytest.mark.parametrize(
    ("failure", "blame"),
    [
        (OverflowError(), Blame.ROW),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no"), Blame.ROW),
        (MemoryError(), Blame.DATABASE),
        (KeyError("column"), Blame.UNKNOWN),
    ],
    ids=repr,
)
def test_what_is_raised_before_the_database_is_asked(failure: Exception, blame: Blame) -> None:
    assert blame_of(failure) is blame
