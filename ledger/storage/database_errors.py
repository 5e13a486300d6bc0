"""The database's errors, in the classes of whoever has to understand them."""

from collections.abc import Iterator
from contextlib import contextmanager

from eventsourcing import persistence
from sqlalchemy import Connection, exc

_SILENT = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError)


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


_UNABLE = ("08", "53", "57")
"""SQLSTATE classes: the connection, a lack of room or memory, an operator's intervention."""


def is_databases_fault(error: exc.SQLAlchemyError) -> bool:
    """Return True if the database was not able to do its work, whatever it was given.

    Then another try may pass; what it refuses because of its content, it refuses for ever.
    """
    sqlstate = getattr(getattr(error, "orig", None), "sqlstate", None)
    return isinstance(error, _SILENT) if sqlstate is None else sqlstate[:2] in _UNABLE


@contextmanager
def library_errors() -> Iterator[None]:
    """Raise the event library's own classes, which bear the names of SQLAlchemy's."""
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError) as error:
        library_class = getattr(persistence, type(error).__name__, persistence.OperationalError)
        raise library_class(str(error)) from error
