"""The database's errors, in the classes of whoever has to understand them."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from eventsourcing import persistence
from sqlalchemy import Connection, exc

_SILENT = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError)


class Blame(StrEnum):
    """What a failed statement failed by: the row that was written, the database, or who knows."""

    ROW = "row"
    DATABASE = "database"
    UNKNOWN = "unknown"


_BLAME_BY_SQLSTATE_CLASS = {
    "22": Blame.ROW,  # data exception
    "23": Blame.ROW,  # integrity constraint violation
    "54": Blame.ROW,  # program limit exceeded: too long for an index, say
    "08": Blame.DATABASE,  # connection exception
    "25": Blame.DATABASE,  # invalid transaction state: read-only, say
    "28": Blame.DATABASE,  # invalid authorization
    "3D": Blame.DATABASE,  # no such database
    "40": Blame.DATABASE,  # transaction rollback: serialization failure, deadlock
    "42": Blame.DATABASE,  # no such table, no right to it
    "53": Blame.DATABASE,  # insufficient resources
    "55": Blame.DATABASE,  # object not in prerequisite state: lock not available, say
    "57": Blame.DATABASE,  # operator intervention
    "58": Blame.DATABASE,  # system error
}
_BLAME_BY_SQLITE_CODE = {
    1: Blame.UNKNOWN,  # SQLITE_ERROR: no such table as well as integer overflow
    2: Blame.UNKNOWN,  # SQLITE_INTERNAL
    18: Blame.ROW,  # SQLITE_TOOBIG
    19: Blame.ROW,  # SQLITE_CONSTRAINT
    20: Blame.ROW,  # SQLITE_MISMATCH
    21: Blame.UNKNOWN,  # SQLITE_MISUSE
    25: Blame.ROW,  # SQLITE_RANGE
}
_BLAME_BY_CLASS: tuple[tuple[type[Exception], Blame], ...] = (
    (exc.DataError, Blame.ROW),
    (exc.IntegrityError, Blame.ROW),
    (exc.OperationalError, Blame.DATABASE),
    (exc.InterfaceError, Blame.DATABASE),
    (exc.InternalError, Blame.DATABASE),
    (exc.TimeoutError, Blame.DATABASE),
    (MemoryError, Blame.DATABASE),
    (OverflowError, Blame.ROW),
    (UnicodeError, Blame.ROW),
)
"""What a driver raises by itself has no code."""


def blame_of(failure: Exception) -> Blame:
    """Return what a statement failed by, as the database's own code says it."""
    if getattr(failure, "connection_invalidated", False):
        return Blame.DATABASE
    if str(getattr(failure, "statement", "")).startswith(("ROLLBACK", "RELEASE")):
        return Blame.DATABASE  # the transaction is gone, as SQLite ends it on a full disk, say
    cause = getattr(failure, "orig", None) or failure  # a driver's own error has its code itself
    if sqlstate := _sqlstate(cause):
        return _BLAME_BY_SQLSTATE_CLASS.get(sqlstate[:2], Blame.UNKNOWN)
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return _BLAME_BY_SQLITE_CODE.get(code & 0xFF, Blame.DATABASE)
    by_class = (blame for class_, blame in _BLAME_BY_CLASS if isinstance(failure, class_))
    return next(by_class, Blame.UNKNOWN)


def kind_of_failure(failure: Exception) -> str:
    """Return what equal failures have in common, without the words that may change."""
    cause = getattr(failure, "orig", None) or failure
    code = _sqlstate(cause) or getattr(cause, "sqlite_errorname", "")
    return f"{type(cause).__name__} {code}".strip()


def is_read_only(error: BaseException | None) -> bool:
    """Return True if a PostgreSQL that can only be read refused to write; SQLite's files are a
    matter of rights."""
    while error is not None:
        if _sqlstate(getattr(error, "orig", None)) == READ_ONLY:
            return True
        error = error.__cause__
    return False


READ_ONLY = "25006"
"""SQLSTATE of a write that a standby refuses, or a server that was set read-only."""


def _sqlstate(cause: BaseException | None) -> str | None:
    """Return the SQLSTATE of a driver's error, also of one that the driver has no class for."""
    diagnosis = getattr(cause, "diag", None)
    return getattr(cause, "sqlstate", None) or getattr(diagnosis, "sqlstate", None)


@contextmanager
def driver_errors(connection: Connection, statement: str) -> Iterator[None]:
    """Raise SQLAlchemy's own classes for what the driver raises when it is used past it."""
    dialect = connection.dialect
    base = dialect.loaded_dbapi.Error
    try:
        yield
    except base as error:
        is_cut_off = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
        if is_cut_off:
            connection.invalidate(error)
        raise exc.DBAPIError.instance(
            statement,
            None,
            error,
            base,
            hide_parameters=True,
            connection_invalidated=is_cut_off,
            dialect=dialect,
        ) from error


def silence(error: BaseException | None) -> exc.SQLAlchemyError | None:
    """Return the database's own error if an error, or what caused it, is that it was not able to
    do its work; None when it is of another kind."""
    while error is not None:
        if isinstance(error, _SILENT):
            return error
        error = error.__cause__
    return None


def failure_of_database(error: BaseException | None) -> exc.SQLAlchemyError | None:
    """Return the database's own error if it is to blame for an error, or for what caused it.

    Beside its silence that is a file that is no database, a missing right or table, and whatever
    fails before there is a statement.
    """
    while error is not None:
        if isinstance(error, exc.TimeoutError):
            return error
        if isinstance(error, exc.DBAPIError):
            is_to_blame = isinstance(error, _SILENT) or blame_of(error) is Blame.DATABASE
            return error if is_to_blame or error.statement is None else None
        error = error.__cause__
    return None


def words_of(failure: exc.SQLAlchemyError) -> str:
    """Return the driver's own words for a failure: the first line, which holds no value.

    Shape: where it only announces a list of tries, the first try as well.
    """
    cause = getattr(failure, "orig", None) or failure
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].endswith(":"):
        lines[0] += f" {lines[1].lstrip('- ')}"
    return lines[0] if lines else type(cause).__name__


_UNABLE = ("08", "53", "57")
"""SQLSTATE classes: the connection, a lack of room or memory, an operator's intervention."""


def is_unable(failure: exc.SQLAlchemyError) -> bool:
    """Return True if the database could not store anything at all now, whatever it was given.

    All else may be about what it was given: then something simpler may still be stored.
    """
    sqlstate = _sqlstate(getattr(failure, "orig", None))
    return sqlstate[:2] in _UNABLE if sqlstate else blame_of(failure) is Blame.DATABASE


@contextmanager
def library_errors() -> Iterator[None]:
    """Raise the event library's own classes, which bear the names of SQLAlchemy's."""
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError) as error:
        library_class = getattr(persistence, type(error).__name__, persistence.OperationalError)
        raise library_class(str(error)) from error
