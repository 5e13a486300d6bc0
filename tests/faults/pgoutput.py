"""Reads what PostgreSQL's plugin `pgoutput` writes, as its manual describes the messages.

Source: PostgreSQL, "Logical Replication Message Formats", protocol version 1.
"""

from io import BytesIO
from struct import calcsize, unpack

Insert = tuple[str, dict[str, str | None]]
"""A table, and the texts of a row by column."""
_LENGTHS = {b"B": 20, b"C": 25}
"""Of what begins and ends a transaction."""


def inserts_of(output: bytes) -> list[Insert]:
    """Return every inserted row. Shape: after each message `pg_recvlogical` writes a line feed.

    Errors: ValueError for a message of another kind, such as a change or a removal.
    """
    messages = BytesIO(output)
    tables: dict[int, tuple[str, list[str]]] = {}
    inserts: list[Insert] = []
    while kind := messages.read(1):
        if kind in _LENGTHS:
            messages.read(_LENGTHS[kind])
        elif kind == b"R":
            tables.update([_read_table(messages)])
        elif kind == b"I":
            table, columns = tables[_number(messages, "!i")]
            inserts.append((table, _read_row(messages, columns)))
        else:
            raise ValueError(f"a message of the kind {kind!r}")
        if messages.read(1) != b"\n":
            raise ValueError("a message is longer than it should be")
    return inserts


def _read_table(messages: BytesIO) -> tuple[int, tuple[str, list[str]]]:
    number = _number(messages, "!i")
    _name(messages)  # its schema
    table = _name(messages)
    messages.read(1)  # what identifies a row
    columns = []
    for _ in range(_number(messages, "!h")):
        messages.read(1)  # whether it is of the key
        columns.append(_name(messages))
        messages.read(8)  # its type
    return number, (table, columns)


def _read_row(messages: BytesIO, columns: list[str]) -> dict[str, str | None]:
    if messages.read(1) != b"N":
        raise ValueError("an inserted row begins otherwise")
    texts: dict[str, str | None] = {}
    for column in columns[: _number(messages, "!h")]:
        is_text = messages.read(1) == b"t"
        texts[column] = messages.read(_number(messages, "!i")).decode() if is_text else None
    return texts


def _number(messages: BytesIO, form: str) -> int:
    return int(unpack(form, messages.read(calcsize(form)))[0])


def _name(messages: BytesIO) -> str:
    return b"".join(iter(lambda: messages.read(1), b"\0")).decode()
