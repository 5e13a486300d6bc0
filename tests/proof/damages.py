"""Damages to bundles and proofs, by a seeded random: each is one that a verifier must refuse."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import NamedTuple

from ledger.proof.bundle import BundledOrigin
from ledger.proof.note import Checkpoint, parse_checkpoint, parse_tlog_proof, tlog_proof
from tests.proof.bundled import KEY, OTHER_KEY, in_a_log

Files = dict[str, bytes]


class Damage(NamedTuple):
    """What was done to the files of a bundle. Shape: the files as they are after it."""

    kind: str
    files: Files


def flipped(content: bytes, bit: int) -> bytes:
    """Return a content with one bit changed."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def damage_delivery(random: Random, files: Files, neighbour: Files) -> Damage:
    """Damage the files of one delivery; `neighbour` has those of another in the same bundle."""
    kinds: dict[str, Callable[[], Files]] = {
        "bit": lambda: _flip(random, files),
        "cut": lambda: _cut(random, files),
        "swap": lambda: _swap(random, files),
        "replace": lambda: _replace(random, files, neighbour),
        "remove": lambda: _remove(random, files),
        "index": lambda: _with_proof(files, lambda index, old: (index + random.randint(1, 9), old)),
        "hash": lambda: _with_proof(files, lambda index, old: (index, _flip_one(random, old))),
        "fewer": lambda: _with_proof(files, lambda index, old: (index, old[:-1])),
        "more": lambda: _with_proof(files, lambda index, old: (index, [*old, old[0]])),
        "order": lambda: _with_proof(files, lambda index, old: (index, old[::-1])),
        "forgery": lambda: _forge(files),
    }
    kind = random.choice(sorted(kinds))
    return Damage(kind, kinds[kind]())


def damage_checkpoint(random: Random, files: Files) -> Damage:
    """Damage the checkpoint of a bundle everywhere it stands, so that all copies are the same."""
    note = files["checkpoint"].decode()
    checkpoint = parse_checkpoint(note)
    text, _, below = note.partition("\n\n")
    root = flipped(checkpoint.root, random.randrange(256))
    size = checkpoint.size + random.choice([-1, 1, 5, 256])
    kinds = {
        "root": f"{replace(checkpoint, root=root).text}\n{below}",
        "size": f"{replace(checkpoint, size=size).text}\n{below}",
        "name": f"{replace(checkpoint, origin=KEY.name + 'x').text}\n{below}",
        "signature": f"{text}\n\n{_flip_signature(random, below)}",
        "other-key": OTHER_KEY.sign(checkpoint.text),
        "two-signatures": note + OTHER_KEY.sign(checkpoint.text).partition("\n\n")[2],
        "no-signature": f"{text}\n",
        "signed-root": KEY.sign(Checkpoint(KEY.name, checkpoint.size, root).text),
        "signed-size": KEY.sign(Checkpoint(KEY.name, checkpoint.size + 3, root).text),
    }
    kind = random.choice(sorted(kinds))
    changed = {
        name: content.replace(note.encode(), kinds[kind].encode())
        for name, content in files.items()
    }
    return Damage(kind, changed)


def damage_hashes(random: Random, hashes: list[bytes]) -> list[bytes]:
    """Damage a list of hashes; it is another list afterwards."""
    place = random.randrange(len(hashes))
    cut = hashes[:place] + hashes[place + 1 :]
    kinds = [
        _flip_one(random, hashes),
        cut,
        [*hashes[:place], random.randbytes(32), *hashes[place:]],
        [*cut, hashes[place]],
    ]
    return random.choice([each for each in kinds if each != hashes])


def _flip(random: Random, files: Files) -> Files:
    name = random.choice(sorted(files))
    return files | {name: flipped(files[name], random.randrange(8 * len(files[name])))}


def _cut(random: Random, files: Files) -> Files:
    name = random.choice(sorted(files))
    return files | {name: files[name][: random.randrange(len(files[name]))]}


def _swap(random: Random, files: Files) -> Files:
    first, second = random.sample(sorted(files), 2)
    return files | {first: files[second], second: files[first]}


def _replace(random: Random, files: Files, neighbour: Files) -> Files:
    """Put a file of another delivery in the place of one that differs from it."""
    pairs = zip(sorted(files), sorted(neighbour), strict=True)
    name, other = random.choice([pair for pair in pairs if files[pair[0]] != neighbour[pair[1]]])
    return files | {name: neighbour[other]}


def _remove(random: Random, files: Files) -> Files:
    gone = random.choice([name for name in sorted(files) if not name.endswith(".entry")])
    return {name: content for name, content in files.items() if name != gone}


def _with_proof(
    files: Files, rewrite: Callable[[int, list[bytes]], tuple[int, list[bytes]]]
) -> Files:
    (name,) = (name for name in files if name.endswith(".proof"))
    index, hashes, note = parse_tlog_proof(files[name].decode())
    return files | {name: tlog_proof(*rewrite(index, hashes), note).encode()}


def _flip_one(random: Random, hashes: list[bytes]) -> list[bytes]:
    place = random.randrange(len(hashes))
    changed = flipped(hashes[place], random.randrange(256))
    return [*hashes[:place], changed, *hashes[place + 1 :]]


def _forge(files: Files) -> Files:
    """Change an entry, and prove it by a tree of two leaves with a checkpoint of its own."""
    (name,) = (name for name in files if name.endswith(".entry"))
    return files | forged(files, name.removesuffix(".entry"))


def forged(files: Mapping[str, bytes], id_: str) -> Files:
    """Return an entry with another version of its event, and a proof that fits it alone."""
    entry = files[f"{id_}.entry"].replace(b'"v":1', b'"v":2')
    note, (proven,) = in_a_log([BundledOrigin(id_, entry, 0, [])], earlier=1, signing_key=OTHER_KEY)
    proof = tlog_proof(proven.index, proven.hashes, note)
    return {f"{id_}.entry": entry, f"{id_}.proof": proof.encode()}


def _flip_signature(random: Random, below: str) -> str:
    dash, name, written = below.split()
    signed = flipped(base64.b64decode(written), random.randrange(8 * 68))
    return f"{dash} {name} {base64.b64encode(signed).decode()}\n"
