"""Verifiers that others wrote accept what is proven, and refuse whatever was damaged.

OpenSSL works in `check.sh`; the other is a Go program with the libraries of Go's own checksum
database. Neither knows anything of our code.
"""

from pathlib import Path
from random import Random

import pytest

from ledger.proof.bundle import bundle_files
from ledger.proof.note import Checkpoint
from ledger.proof.tree import consistency_proof, is_consistent, leaf_hash, root_of
from tests.proof.bundled import KEY, a_bundle, a_decision, a_delivery, a_repeat, an_act, an_id
from tests.proof.checking import check_files, needs_openssl_and_xxd
from tests.proof.damages import (
    Damage,
    Files,
    damage_checkpoint,
    damage_delivery,
    damage_hashes,
    flipped,
)
from tests.proof.go_verifier import a_bundle_case, a_growth_case, build, needs_go, verdicts
from tests.proof.naive import Kept

DELIVERIES = 40
ROUNDS = 4
"""So many times each delivery of a bundle is damaged, all of them at once."""
CHECKPOINTS = 40
DAMAGES = 200


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("go"))


@pytest.fixture(scope="module")
def whole() -> Files:
    """A bundle of many deliveries, with all that it can show of them."""
    deliveries = [a_delivery(number) for number in range(1, DELIVERIES + 1)]
    return bundle_files(a_bundle(*deliveries), facts_only=False)


@pytest.fixture(scope="module")
def rounds(whole: Files) -> list[dict[int, Damage]]:
    random = Random(13)
    return [
        {
            number: damage_delivery(
                random, files_of(whole, number), files_of(whole, number % DELIVERIES + 1)
            )
            for number in range(1, DELIVERIES + 1)
        }
        for _ in range(ROUNDS)
    ]


@pytest.fixture(scope="module")
def damaged_checkpoints() -> list[Damage]:
    random = Random(14)
    files = bundle_files(a_bundle(a_delivery(1)), facts_only=True)
    return [damage_checkpoint(random, files) for _ in range(CHECKPOINTS)]


def files_of(files: Files, number: int) -> Files:
    """Return what a bundle holds of one delivery."""
    own = (f"{an_id(number)}.", f"event-{10 * number + 1}.")
    return {name: content for name, content in files.items() if name.startswith(own)}


def alone(whole: Files, own: Files) -> Files:
    """Return a bundle of one delivery."""
    return {name: whole[name] for name in ("checkpoint", "log.vkey")} | own


@needs_go
def test_go_accepts_what_is_proven(program: Path, whole: Files) -> None:
    mixed = a_bundle(a_delivery(1), a_decision(2), an_act(3), a_repeat(4))
    bundles = [
        whole,
        bundle_files(a_bundle(), facts_only=True),
        bundle_files(mixed, facts_only=False),
        *(alone(whole, files_of(whole, number)) for number in range(1, DELIVERIES + 1)),
    ]

    assert set(verdicts(program, map(a_bundle_case, bundles))) == {"ok"}


def test_so_many_damages_are_tried(
    rounds: list[dict[int, Damage]], damaged_checkpoints: list[Damage]
) -> None:
    kinds = {damage.kind for damages in rounds for damage in damages.values()}

    assert len(damaged_checkpoints) + sum(map(len, rounds)) >= DAMAGES
    assert kinds >= {"bit", "cut", "swap", "replace", "index", "hash", "forgery"}
    assert {damage.kind for damage in damaged_checkpoints} >= {"root", "size", "signature"}


@needs_go
def test_go_refuses_every_damage(
    program: Path,
    whole: Files,
    rounds: list[dict[int, Damage]],
    damaged_checkpoints: list[Damage],
) -> None:
    damages = [
        Damage(damage.kind, alone(whole, damage.files))
        for damages in rounds
        for damage in damages.values()
    ] + damaged_checkpoints

    said = verdicts(program, [a_bundle_case(damage.files) for damage in damages])

    accepted = [
        damage.kind
        for damage, verdict in zip(damages, said, strict=True)
        if not verdict.startswith("refused:")
    ]
    assert accepted == []


@needs_openssl_and_xxd
@pytest.mark.parametrize("number", range(ROUNDS))
def test_openssl_refuses_every_damage_to_a_delivery(
    whole: Files, rounds: list[dict[int, Damage]], number: int, tmp_path: Path
) -> None:
    damages = rounds[number]
    ours = {name for each in range(1, DELIVERIES + 1) for name in files_of(whole, each)}
    files = {name: content for name, content in whole.items() if name not in ours}
    for damage in damages.values():
        files |= damage.files

    checked = check_files(files, tmp_path, KEY.verifier.line)

    at_fault = dict.fromkeys(checked.files_at_fault, b"")
    accepted = [
        (delivery, damage.kind)
        for delivery, damage in damages.items()
        if not files_of(at_fault, delivery)
    ]
    assert (checked.status, accepted) == (1, [])


@needs_openssl_and_xxd
def test_openssl_refuses_every_damage_to_a_checkpoint(
    damaged_checkpoints: list[Damage], tmp_path: Path
) -> None:
    checks = [check_files(damage.files, tmp_path) for damage in damaged_checkpoints]

    accepted = [
        damage.kind
        for damage, checked in zip(damaged_checkpoints, checks, strict=True)
        if checked.status != 1 or not checked.files_at_fault
    ]
    assert accepted == []


@needs_go
def test_go_accepts_that_a_log_has_grown(program: Path) -> None:
    leaves = [leaf_hash(b"entry %d" % number) for number in range(300)]
    log = Kept(leaves)
    pairs = [(1, 2), (2, 2), (3, 7), (64, 65), (128, 256), (200, 300), (256, 257), (299, 300)]

    cases = [
        a_growth_case(
            signed(old, root_of(log, old)),
            signed(new, root_of(log, new)),
            consistency_proof(log, old, new),
        )
        for old, new in pairs
    ]

    assert set(verdicts(program, cases)) == {"ok"}


@needs_go
def test_go_refuses_every_damage_to_a_proof_of_growth(program: Path) -> None:
    random = Random(15)
    leaves = [leaf_hash(b"entry %d" % number) for number in range(70)]
    log = Kept(leaves)
    cases, accepted_by_us = [], []

    for number in range(DAMAGES):
        old, new = sorted(random.sample(range(1, len(leaves) + 1), 2))
        old_root, new_root = root_of(log, old), root_of(log, new)
        hashes = consistency_proof(log, old, new)
        if number % 4 == 0:
            old_root = flipped(old_root, random.randrange(256))
        elif number % 4 == 1:
            new_root = flipped(new_root, random.randrange(256))
        else:
            hashes = damage_hashes(random, hashes)
        accepted_by_us.append(is_consistent(old, old_root, new, new_root, hashes))
        cases.append(a_growth_case(signed(old, old_root), signed(new, new_root), hashes))

    said = verdicts(program, cases)
    assert [verdict for verdict in said if not verdict.startswith("refused:")] == []
    assert (len(said), any(accepted_by_us)) == (DAMAGES, False)


def signed(size: int, root: bytes) -> str:
    return KEY.sign(Checkpoint(KEY.name, size, root).text)
