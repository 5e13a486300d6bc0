"""A tree by the definition, slowly, to compare the quick one with. Source: RFC 9162, 2.1.1."""

from collections.abc import Sequence

from ledger.proof.tree import EMPTY_ROOT, node_hash


def root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    middle = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(root(leaves[:middle]), root(leaves[middle:]))


class Kept:
    """The nodes of a tree that holds these leaves."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = leaves

    def nodes(self, level: int, first: int, end: int) -> list[bytes]:
        width = 256**level
        return [
            root(self.leaves[number * width : (number + 1) * width]) for number in range(first, end)
        ]
