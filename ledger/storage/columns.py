"""The kinds of columns that durable tables are made of, and what all tables belong to."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from ledger.instants import read_instant, write_instant

metadata = MetaData()


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, always UTC outside the database.

    Shape: on SQLite text of fixed width (`2026-01-31T09:00:00.000000Z`), so that it sorts.
    Errors: ValueError for a naive datetime, which is no instant.
    """

    impl = DateTime(timezone=True).with_variant(String(27), "sqlite")
    cache_ok = True

    def process_bind_param(
        self, instant: datetime | None, dialect: Dialect
    ) -> datetime | str | None:
        if instant is None:
            return None
        if instant.tzinfo is None:
            raise ValueError("a stored moment needs a time zone")
        return write_instant(instant) if dialect.name == "sqlite" else instant.astimezone(UTC)

    def process_result_value(
        self, stored_instant: datetime | str | None, dialect: Dialect
    ) -> datetime | None:
        if stored_instant is None:
            return None
        if isinstance(stored_instant, str):
            return read_instant(stored_instant).astimezone(UTC)
        return stored_instant.astimezone(UTC)


class HexDigest(TypeDecorator[str]):
    """A digest or a tag, hex digits outside the database and half as many bytes within.

    Errors: ValueError for text that is not made of pairs of hex digits.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, digits: str | None, dialect: Dialect) -> bytes | None:
        return None if digits is None else bytes.fromhex(digits)

    def process_result_value(self, digest: bytes | None, dialect: Dialect) -> str | None:
        return None if digest is None else bytes(digest).hex()


_Type = TypeEngine[Any] | type[TypeEngine[Any]]


def keys(column_type: _Type, *names: str) -> list[Column[Any]]:
    """Make the columns of a primary key."""
    return [Column(name, column_type, primary_key=True) for name in names]


def required(column_type: _Type, *names: str) -> list[Column[Any]]:
    """Make columns that every row fills."""
    return [Column(name, column_type, nullable=False) for name in names]


def optional(column_type: _Type, *names: str) -> list[Column[Any]]:
    """Make columns that a row may leave empty."""
    return [Column(name, column_type) for name in names]


NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""What counts up by itself: SQLite does that for its own integers only."""


SUMMARISED = {"autosummarize": True}
"""Of an index by blocks (BRIN): new blocks are looked into without waiting for a vacuum."""

# -- text in any case -----------------------------------------------------------------------------

_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def lower_ascii(text: str) -> str:
    """Return a text with A to Z in small letters, as `AsciiLower` does in a database."""
    return text.translate(_LOWER)


class AsciiLower(FunctionElement[str]):
    """The text with A to Z in small letters: that much SQLite and every server agree on."""

    type = Text()
    inherit_cache = True


@compiles(AsciiLower)
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"lower({compiler.process(element.clauses, **options)})"


@compiles(AsciiLower, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f'lower({compiler.process(element.clauses, **options)} COLLATE "C")'
