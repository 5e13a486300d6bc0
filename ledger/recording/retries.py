"""Tries again after a lost race or a lost connection; names what a database's error means."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from ledger.errors import ConflictError, UnavailableError
from ledger.storage.database_errors import is_unable
from ledger.storage.inbox import AlreadyRecorded

TRIES_MAX = 10
"""From the second try on a writer stands in line; only newcomers, once each, are still faster."""

CUT_OFFS_MAX = 2
"""After a failover each of two pools may still hold a connection to the server that is gone."""

_UNDONE = ("40P01", "40001")
"""SQLSTATE of a deadlock and of a serialisation failure."""

_Result = TypeVar("_Result")


class LostRaceError(UnavailableError):
    """Another writer was faster, or the database preferred it: worth another try."""


class CutOffError(UnavailableError):
    """The connection is gone, and nobody knows whether a commit under way took effect."""


@contextmanager
def available() -> Iterator[None]:
    """Turn whatever the database answers instead of a commit into one of our own refusals.

    Errors: LostRaceError, CutOffError, UnavailableError.
    """
    try:
        with appendable():
            yield
    except SQLAlchemyError as error:
        raise UnavailableError("the database refused to store it") from error


@contextmanager
def appendable() -> Iterator[None]:
    """Turn what is the database's fault into one of our own refusals; what is the fault of the
    row that it was given goes on as it is.

    Errors: LostRaceError, CutOffError, UnavailableError; those of SQLAlchemy.
    """
    try:
        yield
    except AlreadyRecorded as error:
        raise LostRaceError("somebody else has recorded it") from error
    except SQLAlchemyError as error:
        kind = _kind_of(error)
        if kind is None:
            raise
        raise kind("the database refused to store it") from error


def retrying(attempt: Callable[[int], _Result], *, first: int = 0) -> _Result:
    """Call `attempt` with its number until it is not beaten. Errors: as `attempt`, ConflictError.

    Shape: `first` is 1 when an attempt has failed already.
    """
    cut_offs = 0
    for number in range(first, TRIES_MAX):
        try:
            with appendable():
                return attempt(number)
        except LostRaceError:
            continue  # somebody else recorded it, or the same streams: load again
        except CutOffError:
            cut_offs += 1
            if cut_offs > CUT_OFFS_MAX:
                raise
    raise ConflictError("other notifications about the same thing kept coming first")


def _kind_of(failure: SQLAlchemyError) -> type[UnavailableError] | None:
    is_undone = getattr(getattr(failure, "orig", None), "sqlstate", None) in _UNDONE
    if is_undone or isinstance(failure, IntegrityError):
        return LostRaceError
    if getattr(failure, "connection_invalidated", False):
        return CutOffError
    return UnavailableError if is_unable(failure) else None
