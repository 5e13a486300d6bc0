"""The log as tiles: its hashes in files of 256, and its entries, for monitors of any make.

Source: C2SP tlog-tiles. A tile of level L and number N holds the hashes of the subtrees of
`256 ** L` leaves from `256 * N` on; the last one of a level may be partial.
"""

import re
from collections.abc import Iterator

from ledger.errors import NotFoundError
from ledger.proof.log import Log
from ledger.proof.tree import TILE

ENTRIES = "entries"
LEVEL_MAX = 5
"""A log that reaches beyond has more entries than there will ever be payments."""
_GROUP = 1_000
_NUMBER = re.compile(r"((?:x\d{3}/){0,4})(\d{3})(?:\.p/([1-9]\d{0,2}))?", re.ASCII)


def tile_path(level: int | str, number: int, width: int = TILE) -> str:
    """Return the path of a tile below a log's address. Shape: `tile/0/x001/234.p/5`."""
    groups = [f"{number % _GROUP:03}"]
    while number := number // _GROUP:
        groups.insert(0, f"x{number % _GROUP:03}")
    partial = "" if width == TILE else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{partial}"


def tile_at(log: Log, size: int, level: int | str, path: str) -> bytes:
    """Return the tile of a level that a path names, as far as it lies within the first entries.

    Shape: `x001/234.p/5`; the level is a number or `entries`. Errors: NotFoundError.
    """
    named = _NUMBER.fullmatch(path)
    height = 0 if level == ENTRIES else int(level)
    if named is None or height > LEVEL_MAX:
        raise NotFoundError("no tile has this address")
    number = int(named[1].replace("x", "").replace("/", "") + named[2])
    width = int(named[3] or TILE)
    is_canonical = tile_path(level, number, width) == f"tile/{level}/{path}"
    if not is_canonical or (number * TILE + width) * TILE**height > size:
        raise NotFoundError("the signed log has no such tile")
    if level == ENTRIES:
        return entry_bundle(log, number, width)
    return hash_tile(log, height, number, width)


def hash_tile(log: Log, level: int, number: int, width: int) -> bytes:
    """Return the hashes of a tile. Errors: ValueError when it is not so full."""
    hashes = log.nodes(level, number * TILE, number * TILE + width)
    if not 0 < width <= TILE or len(hashes) < width:
        raise ValueError("the log has no such tile")
    return b"".join(hashes)


def entry_bundle(log: Log, number: int, width: int) -> bytes:
    """Return the entries of a tile of level 0, each behind its length. Errors: ValueError."""
    entries = log.entries(number * TILE, number * TILE + width)
    if not 0 < width <= TILE or len(entries) < width:
        raise ValueError("the log has no such entries")
    return b"".join(len(each.entry).to_bytes(2, "big") + each.entry for each in entries)


def all_tiles(log: Log, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield the paths and contents of all tiles of the first entries, those of entries first."""
    for number, width in _widths(size):
        yield tile_path(ENTRIES, number, width), entry_bundle(log, number, width)
    level = 0
    while size:
        for number, width in _widths(size):
            yield tile_path(level, number, width), hash_tile(log, level, number, width)
        level, size = level + 1, size // TILE


def _widths(size: int) -> Iterator[tuple[int, int]]:
    for first in range(0, size, TILE):
        yield first // TILE, min(TILE, size - first)
