"""The log as it is stored: entries with dense indexes, the roots of full tiles, checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select

from ledger.proof.tree import (
    TILE,
    complete_root,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
)
from ledger.storage.log_tables import checkpoints, log_entries, log_tiles


class LogEntry(NamedTuple):
    """An entry to be appended. Shape: no origin for what is about the log itself."""

    kind: str
    origin_id: str | None
    entry: bytes


@dataclass(frozen=True, slots=True)
class StoredLogEntry:
    """An entry as it is stored."""

    index: int
    kind: str
    origin_id: str | None
    entry: bytes
    hash: bytes


class StoredCheckpoint(NamedTuple):
    """A checkpoint as it was signed: a note, with its text and signatures."""

    size: int
    note: str
    public_key: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Log:
    """One log, within the transaction of a connection.

    Shape: a ledger has one; after a restore that lost entries the next number begins.
    """

    connection: Connection
    number: int

    def size(self) -> int:
        """Return how many entries it has."""
        newest = select(func.max(log_entries.c.entry_index)).where(_of(log_entries, self.number))
        last = self.connection.scalar(newest)
        return 0 if last is None else int(last) + 1

    def append(self, new_entries: Sequence[LogEntry]) -> int:
        """Append entries; return the index of the first.

        Errors: IntegrityError when another one has appended meanwhile.
        """
        first = self.size()
        rows = [
            {
                "log": self.number,
                "entry_index": index,
                "kind": entry.kind,
                "origin_id": entry.origin_id,
                "entry": entry.entry,
                "hash": leaf_hash(entry.entry),
            }
            for index, entry in enumerate(new_entries, start=first)
        ]
        if rows:
            self.connection.execute(insert(log_entries), rows)
            self._add_tiles(first, first + len(rows))
        return first

    def nodes(self, level: int, first: int, end: int) -> list[bytes]:
        """Return the hashes of complete subtrees of `256 ** level` leaves, numbered from 0."""
        if level == 0:
            number = log_entries.c.entry_index
            query = select(log_entries.c.hash).where(_of(log_entries, self.number))
        else:
            column, number = log_tiles.c.root, log_tiles.c.number
            query = select(column).where(
                _of(log_tiles, self.number), log_tiles.c.level == level - 1
            )
        within = query.where(number >= first, number < end).order_by(number)
        return [bytes(hash_) for hash_ in self.connection.scalars(within)]

    def root(self, size: int) -> bytes:
        """Return the root of the first entries."""
        return root_of(self, size)

    def has_root(self, size: int, root: bytes) -> bool:
        """Return True if the first entries have this root; False also where one of them is gone."""
        try:
            return self.root(size) == root
        except ValueError:  # a hash is missing
            return False

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof that an entry is among the first ones. Errors: ValueError."""
        return inclusion_proof(_WholeTiles(self), index, size)

    def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """Return the proof that the log has only grown. Errors: ValueError."""
        return consistency_proof(_WholeTiles(self), old_size, new_size)

    def entries(self, first: int, end: int) -> list[StoredLogEntry]:
        """Return entries in order, as they were stored."""
        c = log_entries.c
        query = select(c.entry_index, c.kind, c.origin_id, c.entry, c.hash)
        within = query.where(_of(log_entries, self.number), c.entry_index >= first)
        rows = self.connection.execute(within.where(c.entry_index < end).order_by(c.entry_index))
        return [StoredLogEntry(*row[:3], bytes(row.entry), bytes(row.hash)) for row in rows]

    def entries_of(self, kind: str) -> list[StoredLogEntry]:
        """Return all entries of a kind in order; it reads the whole log to find them."""
        c = log_entries.c
        query = select(c.entry_index, c.kind, c.origin_id, c.entry, c.hash)
        within = query.where(_of(log_entries, self.number), c.kind == kind)
        rows = self.connection.execute(within.order_by(c.entry_index))
        return [StoredLogEntry(*row[:3], bytes(row.entry), bytes(row.hash)) for row in rows]

    def index_of(self, origin_id: str) -> int | None:
        """Return where the entry of an origin stands; None while it has none."""
        c = log_entries.c
        query = select(c.entry_index).where(_of(log_entries, self.number), c.origin_id == origin_id)
        index: int | None = self.connection.scalar(query)
        return index

    def _add_tiles(self, before: int, size: int) -> None:
        """Store the root of each tile that has become full."""
        level = 0
        while first_new := size // TILE - before // TILE:
            before, size = before // TILE, size // TILE
            tiles = [
                {
                    "log": self.number,
                    "level": level,
                    "number": number,
                    "root": complete_root(self.nodes(level, number * TILE, (number + 1) * TILE)),
                }
                for number in range(size - first_new, size)
            ]
            self.connection.execute(insert(log_tiles), tiles)
            level += 1


@dataclass(frozen=True, slots=True)
class _WholeTiles:
    """The hashes of a log, read a tile at a time: a proof takes several from each."""

    log: Log
    tiles: dict[tuple[int, int], list[bytes]] = field(default_factory=dict)

    def nodes(self, level: int, first: int, end: int) -> list[bytes]:
        """Return the hashes of complete subtrees, all of one tile."""
        start = first - first % TILE
        if (level, start) not in self.tiles:
            self.tiles[level, start] = self.log.nodes(level, start, start + TILE)
        return self.tiles[level, start][first - start : end - start]


def newest_log(connection: Connection) -> int | None:
    """Return the number of the log that goes on; None before the first entry."""
    number: int | None = connection.scalar(select(func.max(log_entries.c.log)))
    return number


def current_log(connection: Connection) -> Log:
    """Return the log that goes on; it is empty before the first entry."""
    return Log(connection, newest_log(connection) or 0)


def add_checkpoint(connection: Connection, log: int, checkpoint: StoredCheckpoint) -> None:
    """Store a checkpoint that was signed, unless it is stored already."""
    is_same = checkpoints.c.size == checkpoint.size
    known = select(checkpoints.c.size).where(_of(checkpoints, log), is_same)
    if connection.scalar(known) is None:
        connection.execute(insert(checkpoints), {"log": log, **checkpoint._asdict()})


def newest_checkpoint(connection: Connection, log: int) -> StoredCheckpoint | None:
    """Return the newest checkpoint of a log; None while there is none."""
    c = checkpoints.c
    query = select(c.size, c.note, c.public_key, c.signed_at).where(_of(checkpoints, log))
    row = connection.execute(query.order_by(c.size.desc()).limit(1)).one_or_none()
    return None if row is None else StoredCheckpoint(*row)


def first_covering(connection: Connection, log: int, index: int) -> datetime:
    """Return when an entry was signed for the first time; it was."""
    at = select(func.min(checkpoints.c.signed_at)).where(
        _of(checkpoints, log), checkpoints.c.size > index
    )
    signed_at: datetime = connection.execute(at).scalar_one()
    return signed_at


def _of(source: Any, number: int) -> Any:
    return source.c.log == number
