"""Raw calls in the files of an older endpoint, read one by one: a body each, or JSON lines."""

from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from itertools import chain
from pathlib import Path
from typing import Any

import click
import orjson

from ledger.instants import read_as_of
from ledger.ipn.card_data import masked_text
from ledger.ipn.delivery import FORM_CONTENT_TYPE
from ledger.ipn.refusal_reasons import TOO_LARGE
from ledger.ipn.storable import storable

STANDARD_INPUT = Path("-")
FILE_UNREADABLE, LINE_UNREADABLE = "file-unreadable", "line-unreadable"
IN_THE_FUTURE = "received-in-the-future"
CONTENT_TYPE_MAX = 200


@dataclass(frozen=True, slots=True)
class StoredCall:
    """One raw call as an older endpoint kept it.

    Shape: `name` is the file, for a line of JSON with its number. `received_at` is when it arrived
    there, as far as anybody says. `fault` is why it cannot be received, if so.
    """

    name: str
    received_at: datetime
    body: bytes = field(default=b"", repr=False)
    content_type: str = FORM_CONTENT_TYPE
    peer: str = ""
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read. Units: `body_bytes_max` bytes.

    Shape: `received_at` is for calls that do not say so themselves; with `is_by_file_time` it is
    the time at which their file was changed last. Nothing has arrived later than `now`.
    """

    body_bytes_max: int
    now: datetime
    received_at: datetime
    is_by_file_time: bool = False


def files_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield files as they are named, and those in folders by their names; no hidden ones."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for inner in sorted(path.rglob("*")):
            is_hidden = any(part.startswith(".") for part in inner.relative_to(path).parts)
            if inner.is_file() and not is_hidden:
                yield inner


def calls_in(path: Path, reading: Reading) -> Iterator[StoredCall]:
    """Yield the calls in a file: JSON lines if it begins with `{`, which no form does, or a body.

    One line end behind a body belongs to the file, not to the call: no form ends in one.
    """
    name = storable(str(path))
    try:
        with click.open_file(str(path), "rb") as file:
            received_at = _received_at(path, reading)
            beginning = file.read(1)
            if beginning == b"{":
                lines = enumerate(chain([beginning + file.readline()], file), 1)
                written = ((f"{name}:{number}", line) for number, line in lines if line.strip())
                yield from (_checked(_of_line(*each, received_at), reading) for each in written)
            else:
                body = beginning + file.read(reading.body_bytes_max + len("\r\n"))
                body = body.removesuffix(b"\n").removesuffix(b"\r")
                yield _checked(StoredCall(name, received_at, body), reading)
    except OSError:
        yield StoredCall(name, reading.now, fault=FILE_UNREADABLE)


def _checked(call: StoredCall, reading: Reading) -> StoredCall:
    if call.fault is None and len(call.body) > reading.body_bytes_max:
        return replace(call, fault=TOO_LARGE)
    if call.fault is None and call.received_at > reading.now:
        return replace(call, fault=IN_THE_FUTURE)
    return call


def _received_at(path: Path, reading: Reading) -> datetime:
    if reading.is_by_file_time and path != STANDARD_INPUT:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return reading.received_at


def _of_line(name: str, json_line: bytes, received_at: datetime) -> StoredCall:
    """Read a line. Shape: `body` is text, `body_base64` bytes, as `ledger export` writes them."""
    try:
        members: dict[str, Any] = orjson.loads(json_line)
        claimed, encoded = members.get("received_at"), members.get("body_base64")
        is_text = encoded is None
        body = members["body"].encode() if is_text else b64decode(str(encoded), validate=True)
        received_at = received_at if claimed is None else read_as_of(claimed)
        content_type = masked_text(members.get("content_type") or FORM_CONTENT_TYPE)[0]
    except (ValueError, TypeError, KeyError, AttributeError):
        return StoredCall(name, received_at, fault=LINE_UNREADABLE)
    content_type = storable(content_type[:CONTENT_TYPE_MAX])
    return StoredCall(name, received_at, body, content_type, _address(members.get("peer")))


def _address(peer: object) -> str:
    """Return an address in its usual spelling; empty for what is none."""
    try:
        return str(ip_address(str(peer)))
    except ValueError:
        return ""
