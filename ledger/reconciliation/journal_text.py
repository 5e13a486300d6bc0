"""Reads the lines of a file, in whatever encoding, with whatever separator and line ends."""

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ledger.reconciliation.journal_error import JournalError

UNPACKED_BYTES_MAX = 512 << 20
LINES_MAX = 5_000_000
LINE_CHARACTERS_MAX = 1 << 20
"""A file of a few packed bytes could be a single line of any length."""

Chunks = Callable[[], Iterable[bytes]]
"""What yields the bytes of a file from the beginning, whenever it is called."""

ENCODINGS = ("utf-8-sig", "cp1252", "iso-8859-15")
"""Tried in this order; the last one reads any bytes."""
SEPARATORS = (";", "\t", ",")
_GZIP = b"\x1f\x8b"


class Line(NamedTuple):
    """One line in its cells. Shape: `number` counts from 1."""

    number: int
    cells: list[str]


def encoding_of(chunks: Chunks) -> str:
    """Return the first encoding in which all of a file can be read. Errors: JournalError."""
    for encoding in ENCODINGS[:-1]:
        try:
            with _opened(chunks, encoding) as stream:
                while stream.read(1 << 20):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    return ENCODINGS[-1]


def separator_of(chunks: Chunks, encoding: str) -> str:
    """Return what stands most often between the cells of the first two lines."""
    with _opened(chunks, encoding) as stream:
        beginning = stream.readline(1 << 16) + stream.readline(1 << 16)
    return max(SEPARATORS, key=beginning.count)


class Spelling(NamedTuple):
    """How a file is written.

    Shape: journals quote nothing, so that a quotation mark in one is a letter like any other; a
    list that was saved as a file quotes what holds separators.
    """

    encoding: str
    separator: str
    is_quoted: bool


class _Quoted(csv.excel):
    strict = True


class _Plain(csv.excel):
    quoting = csv.QUOTE_NONE
    strict = True


def lines_of(chunks: Chunks, spelling: Spelling) -> Iterator[Line]:
    """Yield the lines that hold anything. Errors: JournalError."""
    with _opened(chunks, spelling.encoding) as stream:
        dialect = _Quoted if spelling.is_quoted else _Plain
        reader = csv.reader(_bounded(stream), dialect, delimiter=spelling.separator)
        try:
            for cells in reader:
                if any(cells):
                    yield Line(reader.line_num, cells)
                if reader.line_num > LINES_MAX:
                    raise JournalError(f"it has more than {LINES_MAX} lines", reason="too-big")
        except csv.Error as error:
            message = f"line {reader.line_num} cannot be read: {error}"
            raise JournalError(message, reason="not-a-journal") from error


def _opened(chunks: Chunks, encoding: str) -> io.TextIOWrapper:
    raw = io.BufferedReader(_Stream(_unpacked(chunks())), 1 << 16)
    return io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline=None)


def _bounded(stream: io.TextIOWrapper) -> Iterator[str]:
    while text := stream.readline(LINE_CHARACTERS_MAX):
        if len(text) == LINE_CHARACTERS_MAX:
            message = f"a line has {LINE_CHARACTERS_MAX} characters or more"
            raise JournalError(message, reason="too-big")
        yield text


class _Stream(io.RawIOBase):
    """Gives pieces of a file out as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # of whoever reads
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a file, unpacked where gzip has packed them. Errors: JournalError."""
    pieces = iter(chunks)
    first = next(pieces, b"")
    while len(first) < len(_GZIP) and (piece := next(pieces, None)) is not None:
        first += piece
    size = 0
    unpack = _gunzipped if first.startswith(_GZIP) else iter
    for piece in unpack(_with_first(first, pieces)):
        size += len(piece)
        if size > UNPACKED_BYTES_MAX:
            message = f"it is larger than {UNPACKED_BYTES_MAX >> 20} MiB"
            raise JournalError(message, reason="too-big")
        yield piece


def _with_first(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        for piece in pieces:
            packed = piece
            while packed:
                yield unpacker.decompress(packed, 1 << 20)
                packed = unpacker.unconsumed_tail
                if unpacker.eof and unpacker.unused_data:
                    packed, unpacker = unpacker.unused_data, zlib.decompressobj(wbits=31)
    except zlib.error as error:
        raise JournalError("it cannot be unpacked", reason="cut-file") from error
    if not unpacker.eof:
        raise JournalError("its end is missing: it was cut", reason="cut-file")
