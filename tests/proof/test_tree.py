"""The tree has the roots of the RFC, and its proofs convince of what is true alone."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.proof.tree import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    root_of,
)
from tests.proof import naive

VECTORS = [bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243")] + [
    bytes.fromhex("5051525354555657"),
    bytes.fromhex("606162636465666768696a6b6c6d6e6f"),
]
"""The leaves with which implementations of RFC 6962 are compared."""

ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(b"%d" % number) for number in range(1200)]
SIZES = st.integers(1, len(LEAVES))


def tree(size: int) -> naive.Kept:
    return naive.Kept(LEAVES[:size])


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_the_rfc(size: int) -> None:
    nodes = naive.Kept([leaf_hash(entry) for entry in VECTORS[:size]])

    assert root_of(nodes, size).hex() == ROOTS[size - 1]


def test_an_empty_tree_has_a_root() -> None:
    assert root_of(tree(0), 0) == EMPTY_ROOT


@settings(max_examples=60, deadline=None)
@given(size=SIZES, number=st.integers(0))
def test_every_entry_is_proven_and_no_other_one(size: int, number: int) -> None:
    index, root = number % size, naive.root(LEAVES[:size])

    proof = inclusion_proof(tree(size), index, size)

    assert is_included(LEAVES[index], index, size, proof, root)
    assert not is_included(leaf_hash(b"another"), index, size, proof, root)
    assert not is_included(LEAVES[index], index, size, [*proof, root], root)
    assert not is_included(LEAVES[index], index + 1, size, proof, root)


@settings(max_examples=60, deadline=None)
@given(sizes=st.tuples(SIZES, SIZES))
def test_growth_is_proven_and_nothing_else(sizes: tuple[int, int]) -> None:
    old, new = sorted(sizes)
    old_root, new_root = naive.root(LEAVES[:old]), naive.root(LEAVES[:new])

    proof = consistency_proof(tree(new), old, new)

    assert is_consistent(old, old_root, new, new_root, proof)
    assert not is_consistent(old, EMPTY_ROOT, new, new_root, proof)
    assert not is_consistent(old, old_root, new, EMPTY_ROOT, proof)
    assert not is_consistent(old, old_root, new, new_root, [*proof, new_root])


def test_every_changed_bit_of_a_small_proof_is_refused() -> None:
    for size, index in product(range(1, 9), range(8)):
        if index >= size:
            continue
        root, proof = naive.root(LEAVES[:size]), inclusion_proof(tree(size), index, size)
        for place, bit in product(range(len(proof)), (0, 100, 255)):
            changed = list(proof)
            changed[place] = (int.from_bytes(proof[place]) ^ 1 << bit).to_bytes(32)
            assert not is_included(LEAVES[index], index, size, changed, root)


def test_what_is_not_in_the_tree_has_no_proof() -> None:
    with pytest.raises(ValueError, match="there is no entry 5 among 5"):
        inclusion_proof(tree(5), 5, 5)
    with pytest.raises(ValueError, match="has not grown from 6"):
        consistency_proof(tree(5), 6, 5)
