"""Signed notes and checkpoints, in the text formats that other tools read.

Source: C2SP signed-note, tlog-checkpoint and tlog-proof. A checkpoint is three lines: the name of
the log, its size, its root in base64; a note is a text with signatures below it.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\1"
_DASH = "\u2014 "
_PRIVATE = "PRIVATE+KEY+"
_PROOF = "c2sp.org/tlog-proof@v1"
HASH_BYTES = 32


class NoteError(ValueError):
    """A note, checkpoint, key or proof cannot be read, or another key has signed it."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public key of a log, which everybody may have."""

    name: str
    public_key: bytes

    @property
    def key_hash(self) -> bytes:
        """Return the four bytes by which a signature names its key."""
        named = f"{self.name}\n".encode() + _ED25519 + self.public_key
        return hashlib.sha256(named).digest()[:4]

    @property
    def line(self) -> str:
        """Return the key as one line: its name, its hash, and itself in base64."""
        return f"{self.name}+{self.key_hash.hex()}+{_base64(_ED25519 + self.public_key)}"

    @classmethod
    def parse(cls, line: str) -> "VerifierKey":
        """Read such a line. Errors: NoteError."""
        name, hash_, key = _key_parts(line.strip())
        verifier = cls(name, key)
        if verifier.key_hash.hex() != hash_:
            raise NoteError(f"the hash in the key of {name} is not that of the key")
        return verifier

    def is_signed(self, note: str) -> bool:
        """Return True if this key has signed a note."""
        try:
            text, lines = _split(note)
            key = Ed25519PublicKey.from_public_bytes(self.public_key)
        except ValueError:
            return False
        for line in lines:
            name, _, signature = line.removeprefix(_DASH).partition(" ")
            try:
                signed = base64.b64decode(signature, validate=True)
                if name == self.name and signed[:4] == self.key_hash:
                    key.verify(signed[4:], text.encode())
                    return True
            except (binascii.Error, InvalidSignature):
                continue
        return False


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private key of a log. Shape: a seed of 32 bytes."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def verifier(self) -> VerifierKey:
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return VerifierKey(self.name, public.public_bytes_raw())

    @property
    def line(self) -> str:
        """Return the key as the line that its file holds."""
        hash_ = self.verifier.key_hash.hex()
        return f"{_PRIVATE}{self.name}+{hash_}+{_base64(_ED25519 + self.seed)}"

    @classmethod
    def parse(cls, line: str) -> "SigningKey":
        """Read such a line. Errors: NoteError, without the key in it."""
        written = line.strip()
        if not written.startswith(_PRIVATE):
            raise NoteError("this is no private key of a log")
        name, hash_, seed = _key_parts(written.removeprefix(_PRIVATE))
        key = cls(name, seed)
        if key.verifier.key_hash.hex() != hash_:
            raise NoteError(f"the hash in the private key of {name} is not that of the key")
        return key

    def sign(self, text: str) -> str:
        """Return a note: the text, and below it the signature."""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return f"{text}\n{_DASH}{self.name} {_base64(self.verifier.key_hash + signature)}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: how many entries it has, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


def parse_checkpoint(note: str) -> Checkpoint:
    """Read the checkpoint in a note, signed or not. Errors: NoteError."""
    lines = note.partition("\n\n")[0].split("\n")
    if len(lines) < 3 or not lines[0]:
        raise NoteError("a checkpoint has three lines: a name, a size and a root")
    origin, size, root = lines[:3]
    if not (size.isascii() and size.isdigit()) or (size != "0" and size.startswith("0")):
        raise NoteError("the second line of a checkpoint is its size")
    return Checkpoint(origin, int(size), _hash(root))


def tlog_proof(index: int, hashes: Sequence[bytes], note: str) -> str:
    """Write the proof that an entry is in a log, with the checkpoint that it leads to."""
    lines = [_PROOF, f"index {index}", *map(_base64, hashes)]
    return "\n".join(lines) + f"\n\n{note}"


def parse_tlog_proof(text: str) -> tuple[int, list[bytes], str]:
    """Read such a proof. Shape: index, hashes, the note of the checkpoint. Errors: NoteError."""
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    number = lines[1].removeprefix("index ") if len(lines) > 1 else ""
    if lines[0] != _PROOF or not (number.isascii() and number.isdigit()) or not note:
        raise NoteError("this is no proof in the format tlog-proof@v1")
    return int(number), list(map(_hash, lines[2:])), note


def is_name(name: str) -> bool:
    """Return True if a log may have this name: one word without a plus sign."""
    return bool(name) and "+" not in name and name.isprintable() and not any(map(str.isspace, name))


def _split(note: str) -> tuple[str, list[str]]:
    """Divide a note into its text and the lines of its signatures. Errors: NoteError."""
    text, blank, below = note.rpartition("\n\n")
    if not blank or not below.startswith(_DASH):
        raise NoteError("a note has signatures below a blank line")
    return f"{text}\n", below.splitlines()


def _key_parts(line: str) -> tuple[str, str, bytes]:
    name, _, rest = line.partition("+")
    hash_, _, written = rest.partition("+")
    try:
        key = base64.b64decode(written, validate=True)
    except binascii.Error:
        key = b""
    if not is_name(name) or len(key) != 1 + HASH_BYTES or key[:1] != _ED25519:
        raise NoteError(
            "a key of a log is its name, its hash and an Ed25519 key, between plus signs"
        )
    return name, hash_, key[1:]


def _hash(written: str) -> bytes:
    try:
        hash_ = base64.b64decode(written, validate=True)
    except binascii.Error:
        hash_ = b""
    if len(hash_) != HASH_BYTES:
        raise NoteError("a line that should be a hash in base64 is none")
    return hash_


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
