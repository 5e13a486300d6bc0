"""Writes sealed bodies into a file for another place, and reads single ones back from there.

Such a file is JSON Lines in frames of zstd, which `zstd -dc` reads whole. The first line says what
it is; an index at the end, in a frame that readers pass over, says where each id can be found.
"""

import base64
import hashlib
import io
import os
import shutil
import struct
import sys
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import urlsplit

import orjson
from backports import zstd

from ledger.errors import ArchiveError, MissingExtraError, SettingsError

FRAME_BYTES = 128 * 1024
"""So much is read to find one body: what stands together in a frame, before it is compressed."""
LEVEL = 3
CHUNK_BYTES = 1 << 20
_FILE = "file"
_PASSED_OVER = 0x184D2A5E
"""The number that begins a frame which readers of zstd pass over. Source: RFC 8878, 3.1.2."""
_END = struct.Struct("<I8s")
_MARK = b"IPNLEDGR"


class SealedBody(NamedTuple):
    """What is sealed of one origin. Shape: as in the table `bodies`."""

    origin_id: str
    body: bytes | None
    personal: bytes | None


class FileSum(NamedTuple):
    """What tells whether a file is the one that was written. Shape: a SHA-256 in hexadecimal."""

    digest: str
    row_count: int
    file_bytes: int


def write_bodies(
    file: BinaryIO, header: Mapping[str, Any], sealed_bodies: Iterable[SealedBody]
) -> FileSum:
    """Write what is sealed, in the order of ids, behind a first line; return what it comes to."""
    hashed, index, position, row_count = hashlib.sha256(), list[tuple[str, int, int]](), 0, 0

    def write(content: bytes) -> int:
        file.write(content)
        hashed.update(content)
        return len(content)

    position += write(zstd.compress(orjson.dumps(header) + b"\n", LEVEL))
    for first_id, count, lines in _grouped(sealed_bodies):
        size = write(zstd.compress(lines, LEVEL))
        index.append((first_id, position, size))
        position, row_count = position + size, row_count + count
    listed = orjson.dumps(index)
    listed += _END.pack(len(listed), _MARK)
    position += write(struct.pack("<II", _PASSED_OVER, len(listed)) + listed)
    return FileSum(hashed.hexdigest(), row_count, position)


def read_bodies(address: str, file_bytes: int, ids: Collection[str]) -> list[SealedBody]:
    """Return those of these bodies that are in a file; reads only the frames they are in.

    Errors: ArchiveError; MissingExtraError.
    """
    index = _index(address, file_bytes)
    firsts = [first_id for first_id, _, _ in index]
    numbers = {bisect_right(firsts, id_) - 1 for id_ in ids}
    return [
        sealed_body
        for number in sorted(numbers - {-1})
        for sealed_body in _frame(address, *index[number][1:])
        if sealed_body.origin_id in ids
    ]


def summed(address: str) -> FileSum:
    """Read a whole file, and return what it comes to. Errors: ArchiveError; MissingExtraError."""
    system, path = _placed(address)
    with _failing(address), system.open(path, "rb") as file:
        hashing = _Hashing(file)
        try:
            with zstd.ZstdFile(hashing) as lines:
                row_count = sum(
                    chunk.count(b"\n") for chunk in iter(lambda: lines.read(CHUNK_BYTES), b"")
                )
        except (zstd.ZstdError, EOFError):
            row_count = 0
        while hashing.read(CHUNK_BYTES):
            continue
    return FileSum(hashing.hashed.hexdigest(), max(row_count - 1, 0), hashing.file_bytes)


def size_of(address: str) -> int:
    """Return how many bytes a file has, without reading it. Errors: as `summed`."""
    system, path = _placed(address)
    with _failing(address):
        return int(system.size(path))


def write_file(address: str, file: BinaryIO) -> None:
    """Write a whole file, over one that a killed command has left; on a disk when this returns.

    Errors: as `summed`.
    """
    system, path = _placed(address)
    with _failing(address):
        if urlsplit(address).scheme == _FILE:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        with system.open(path, "wb") as target:
            shutil.copyfileobj(file, target, CHUNK_BYTES)
        if urlsplit(address).scheme == _FILE:
            _sync(Path(path))
            _sync(Path(path).parent)


def folder_address(text: str) -> str:
    """Return an address in full, without a slash at its end. Shape: `file:///srv/ledger`.

    Errors: SettingsError for one that holds a password or is none; MissingExtraError.
    """
    parts = urlsplit(text)
    if not parts.scheme or "://" not in text:
        raise SettingsError("give an address such as file:///srv/ledger or s3://bucket/ledger")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise SettingsError(
            "the address is stored, and may hold no password, key or option: give those in the"
            " variables that the library reads, such as AWS_ACCESS_KEY_ID"
        )
    system, path = _placed(text)
    return str(system.unstrip_protocol(path)).rstrip("/")


def _grouped(sealed_bodies: Iterable[SealedBody]) -> Iterator[tuple[str, int, bytes]]:
    """Yield lines for one frame at a time. Shape: with their first id, and how many they are."""
    lines, size, first_id = list[bytes](), 0, ""
    for sealed_body in sealed_bodies:
        first_id = first_id or sealed_body.origin_id
        id_, *contents = sealed_body
        lines.append(orjson.dumps([id_, *map(_text, contents)]) + b"\n")
        size += len(lines[-1])
        if size >= FRAME_BYTES:
            yield first_id, len(lines), b"".join(lines)
            lines, size, first_id = [], 0, ""
    if lines:
        yield first_id, len(lines), b"".join(lines)


def _text(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


@lru_cache(maxsize=64)
def _index(address: str, file_bytes: int) -> list[tuple[str, int, int]]:
    end = _read(address, file_bytes - _END.size, file_bytes)
    try:
        size, mark = _END.unpack(end)
        if mark != _MARK:
            raise ValueError("it does not end as such a file does")
        start = file_bytes - _END.size - size
        index = orjson.loads(_read(address, start, start + size))
        return [(str(first_id), int(position), int(length)) for first_id, position, length in index]
    except (ValueError, TypeError, struct.error) as error:
        raise _damaged(address) from error


def _frame(address: str, position: int, size: int) -> list[SealedBody]:
    try:
        lines = zstd.decompress(_read(address, position, position + size)).splitlines()
        return [
            SealedBody(origin_id, _bytes(body), _bytes(personal))
            for origin_id, body, personal in map(orjson.loads, lines)
        ]
    except (zstd.ZstdError, ValueError, TypeError) as error:
        raise _damaged(address) from error


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)


def _damaged(address: str) -> ArchiveError:
    return ArchiveError(f"the archive {address} is not what was written: put it back from a copy")


def _read(address: str, start: int, end: int) -> bytes:
    system, path = _placed(address)
    with _failing(address):
        content: bytes = system.cat_file(path, start=start, end=end)
    return content


def _placed(address: str) -> tuple[Any, str]:
    """Return what reads and writes at such an address, and what the place is called there."""
    scheme = urlsplit(address).scheme
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        needed = "archives need fsspec, which is not installed: pip install 'fsspec>=2025.5'"
        raise MissingExtraError(needed) from error
    try:
        with _failing(address):
            system, path = url_to_fs(address)
    except ImportError as error:  # its words name the library
        needed = f"archives at {scheme}:// need a library that is not installed: {error}"
        raise MissingExtraError(needed) from error
    except ValueError as error:
        raise SettingsError(f"nothing is known that stores at {scheme}://") from error
    return system, str(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _failing(address: str) -> Iterator[None]:
    try:
        yield
    except _failures() as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ArchiveError(f"the archive {address} cannot be reached: {reason}") from error


def _failures() -> tuple[type[Exception], ...]:
    """Return what reading elsewhere can raise: drivers of object stores have errors of their own,
    and whoever has not loaded one cannot meet them."""
    names = {"botocore.exceptions": "BotoCoreError", "aiohttp": "ClientError"}
    loaded = [
        (sys.modules[module], name) for module, name in names.items() if module in sys.modules
    ]
    return OSError, *(getattr(driver, name) for driver, name in loaded)


class _Hashing(io.RawIOBase):
    """Reads a file, and hashes what was read."""

    def __init__(self, file: BinaryIO) -> None:
        self.hashed = hashlib.sha256()
        self.file_bytes = 0
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        self.hashed.update(content)
        self.file_bytes += len(content)
        return len(content)
