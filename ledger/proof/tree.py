"""The Merkle tree over log entries: its root, and proofs that others can check.

Source: RFC 9162, sections 2.1.1 to 2.1.4, with SHA-256; the same tree as in RFC 6962.
"""

import hashlib
from collections.abc import Sequence
from typing import Protocol

TILE_LEVELS = 8
TILE = 1 << TILE_LEVELS
"""Hashes in a tile: a subtree of so many leaves, or of so many tiles, is one hash of the next."""
EMPTY_ROOT = hashlib.sha256(b"").digest()


class Nodes(Protocol):
    """The hashes that are kept of a tree."""

    def nodes(self, level: int, first: int, end: int) -> Sequence[bytes]:
        """Return the hashes of complete subtrees of `TILE ** level` leaves, numbered from 0."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry as a leaf."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees together."""
    return hashlib.sha256(b"\1" + left + right).digest()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of hashes. Errors: ValueError for another number."""
    level = list(hashes)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [node_hash(left, right) for left, right in pairs]
    if not level:
        raise ValueError("a hash is missing")
    return level[0]


def root_of(nodes: Nodes, size: int) -> bytes:
    """Return the root of the first `size` leaves."""
    return _range_hash(nodes, 0, size) if size else EMPTY_ROOT


def inclusion_proof(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """Return the hashes that lead from a leaf to the root of the first `size` leaves.

    Errors: ValueError for an index outside of them.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no entry {index} among {size}")
    proof: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _left_size(end - first)
        if index < middle:
            proof.append(_range_hash(nodes, middle, end))
            end = middle
        else:
            proof.append(_range_hash(nodes, first, middle))
            first = middle
    return proof[::-1]


def consistency_proof(nodes: Nodes, old_size: int, new_size: int) -> list[bytes]:
    """Return the hashes that show that a tree has only grown.

    Errors: ValueError when it has not; empty for equal sizes.
    """
    if not 0 < old_size <= new_size:
        raise ValueError(f"a log of {new_size} entries has not grown from {old_size}")
    proof: list[bytes] = []
    first, end, is_whole = 0, new_size, True
    while old_size != end:
        middle = first + _left_size(end - first)
        if old_size <= middle:
            proof.append(_range_hash(nodes, middle, end))
            end = middle
        else:
            proof.append(_range_hash(nodes, first, middle))
            first, is_whole = middle, False
    if not is_whole:
        proof.append(_range_hash(nodes, first, end))
    return proof[::-1]


def is_included(
    entry_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Return True if a proof leads from a leaf to a root. Source: RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    node, last, computed = index, size - 1, entry_hash
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and computed == root


def is_consistent(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return True if a proof shows that a tree has only grown. Source: RFC 9162, 2.1.4.2."""
    if old_size == new_size:
        return not proof and old_root == new_root
    if not 0 < old_size < new_size or not proof:
        return False
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and (old, new) == (old_root, new_root)


def _left_size(size: int) -> int:
    """Return the largest power of two below a size: so many leaves stand on the left."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_hash(nodes: Nodes, first: int, end: int) -> bytes:
    """Return the hash over leaves of which the first is at the edge of a complete subtree."""
    hashes: list[bytes] = []
    while first < end:
        size = 1 << ((end - first).bit_length() - 1)
        hashes.append(_subtree(nodes, first, size))
        first += size
    computed = hashes.pop()
    while hashes:
        computed = node_hash(hashes.pop(), computed)
    return computed


def _subtree(nodes: Nodes, first: int, size: int) -> bytes:
    """Return the hash of a complete subtree, made of the largest hashes that are kept."""
    level = (size.bit_length() - 1) // TILE_LEVELS
    width = TILE**level
    return complete_root(nodes.nodes(level, first // width, (first + size) // width))
