"""Writes and reads cursors: where the next page of a list begins, for a caller to hand back."""

import base64
import binascii
import hashlib
from typing import Any

import orjson
from sqlalchemy import Integer, Table

from ledger.errors import BadCursorError
from ledger.ipn.storable import INTEGER_MAX, UNSTORABLE
from ledger.queries.keyset import Key, Row, Sort, key_of


def write_cursor(row: Row, sort: Sort, filter_: object) -> str:
    """Return where the page after this row begins, for a caller to hand back as it is."""
    content = {"s": sort.name, "f": _digest(filter_), "k": key_of(row, sort)}
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


def read_cursor(cursor: str, table: Table, sort: Sort, filter_: object) -> Key:
    """Read the key in a cursor.

    Errors: BadCursorError, also for a cursor of other filters or of another order.
    """
    content = _decoded(cursor)
    if content.get("s") != sort.name or content.get("f") != _digest(filter_):
        raise BadCursorError("the cursor belongs to other filters or another order")
    key = content.get("k")
    columns = sort.order.columns
    if not isinstance(key, list) or len(key) != len(columns):
        raise BadCursorError("the cursor cannot be read")
    for number, (name, bound) in enumerate(zip(columns, key, strict=True)):
        may_be_empty = number == 0 and sort.order.may_be_empty
        if not (may_be_empty if bound is None else _fits(table, name, bound)):
            raise BadCursorError("the cursor cannot be read")
    return tuple(key)


def _decoded(cursor: str) -> dict[str, Any]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        content = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeEncodeError, binascii.Error, orjson.JSONDecodeError) as error:
        raise BadCursorError("the cursor cannot be read") from error
    if not isinstance(content, dict):
        raise BadCursorError("the cursor cannot be read")
    return content


def _fits(table: Table, name: str, bound: Any) -> bool:
    """Return True if a column could be compared with this."""
    if isinstance(table.c[name].type, Integer):
        return type(bound) is int and abs(bound) <= INTEGER_MAX
    return isinstance(bound, str) and not UNSTORABLE.search(bound)


def _digest(filter_: object) -> str:
    """Return the same for two equal filters: the words of a set are written in order."""
    content = orjson.dumps(filter_, default=sorted, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(type(filter_).__name__.encode() + content).hexdigest()[:16]
