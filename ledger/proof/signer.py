"""Signs checkpoints of the log, and remembers the last one where no copy of the database reaches.

The memory is written before a checkpoint is shown to anybody. A database that was put back from a
copy is behind it, and one that was made anew contradicts it: then nothing is signed.
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ledger.errors import LedgerError, SettingsError
from ledger.proof.note import (
    Checkpoint,
    NoteError,
    SigningKey,
    VerifierKey,
    is_name,
    parse_checkpoint,
)
from ledger.proof.tree import is_consistent
from ledger.sealing.key_file import refuse_exposed, replace_whole, write_new

KEY_BYTES = 32


class LogBehindError(LedgerError, code="log-behind"):
    """The log has fewer entries than were signed already: it was put back from a copy, or cut."""

    def __init__(self, size: int, signed_size: int) -> None:
        super().__init__(
            f"the log has {size} entries, and {signed_size} were signed: the database was put back"
            " from a copy, or entries were removed. See `ledger proof restart`"
        )


class LogForkedError(LedgerError, code="log-forked"):
    """The log is another one than was signed already: its entries were changed or made anew."""

    def __init__(self, signed_size: int) -> None:
        super().__init__(
            f"the first {signed_size} entries are not those that were signed: the database was put"
            " back from a copy, or entries were changed. See `ledger proof restart`"
        )


class LogForgottenError(LedgerError, code="log-forgotten"):
    """What was signed last is not remembered any more: another history could be signed."""

    def __init__(self, memory: Path) -> None:
        super().__init__(
            f"the memory {memory} is missing, and something was signed: put it back from its copy,"
            " or put the newest checkpoint there that anybody has kept"
        )


class LogKeyReplacedError(LedgerError, code="log-key-replaced"):
    """Another process has given the log another key or name; what it had signs no more."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"the log key {file} was replaced meanwhile: start this once more")


@dataclass(frozen=True, slots=True)
class LogSigner:
    """The key of a log and what it has signed last.

    Shape: `earlier` are the public keys that have handed over to it, the newest first; in the file
    they stand below the key, so that all changes at once.
    """

    file: Path
    signing_key: SigningKey
    earlier: tuple[VerifierKey, ...] = ()

    @classmethod
    def open(cls, file: Path) -> "LogSigner":
        """Read a key. Errors: SettingsError when it cannot be read, or others could."""
        try:
            refuse_exposed(file, "log key")
            own, _, rest = file.read_text(encoding="utf-8").strip().partition("\n")
            earlier = tuple(map(VerifierKey.parse, rest.split()))
            return cls(file, SigningKey.parse(own), earlier)
        except OSError as error:
            raise SettingsError(f"the log key {file}: {error.strerror}") from error
        except (NoteError, UnicodeDecodeError) as error:
            raise SettingsError(f"the log key {file} cannot be read: {error}") from error

    @property
    def verifier(self) -> VerifierKey:
        """Return the public key."""
        return self.signing_key.verifier

    @property
    def memory(self) -> Path:
        """Return the file with the checkpoint that was signed last."""
        return memory_of(self.file)

    def last(self) -> Checkpoint | None:
        """Return the checkpoint that was signed last; None before the first.

        Shape: of the log under its earlier name where a restart was cut off just after the key
        had its new one; by the key before where this one has signed nothing yet.
        Errors: SettingsError when the memory was changed.
        """
        note = self.last_note()
        if note is None:
            return None
        with suppress(NoteError):
            last = parse_checkpoint(note)
            if self.key_of(note, last.origin) is not None:
                return last
        raise SettingsError(
            f"the memory {self.memory} is not signed by the log key: it was changed"
        )

    def key_of(self, note: str, name: str) -> VerifierKey | None:
        """Return which key has signed a note under a name of the log: this one, or one before."""
        for key in (self.verifier, *self.earlier):
            verifier = VerifierKey(name, key.public_key)
            if verifier.is_signed(note):
                return verifier
        return None

    @property
    def text(self) -> str:
        """Return what its file holds."""
        return "".join(
            f"{line}\n" for line in (self.signing_key.line, *(key.line for key in self.earlier))
        )

    def last_note(self) -> str | None:
        """Return the note that was signed last, as it stands in the memory."""
        try:
            return self.memory.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"the memory {self.memory} cannot be read") from error

    def sign(self, size: int, root: bytes, consistency: Callable[[int], Sequence[bytes]]) -> str:
        """Sign a checkpoint that follows from the last one; the memory has it when this returns.

        Shape: `consistency` returns the proof from an earlier size to this one.
        Errors: LogBehindError, LogForkedError, LogKeyReplacedError; SettingsError when the memory
        cannot be written.
        """
        with self.locked():
            self.refuse_replaced()
            last, new = self.last(), Checkpoint(self.signing_key.name, size, root)
            if last is not None and last.origin == new.origin:
                if (last.size, last.root) == (size, root):
                    return str(self.last_note())
                self._refuse_unlike(last, new, consistency)
            note = self.signing_key.sign(new.text)
            replace_whole(self.memory, note)
            return note

    def refuse_replaced(self) -> None:
        """Refuse to go on with a key that its file holds no more. Errors: LogKeyReplacedError."""
        if LogSigner.open(self.file).signing_key != self.signing_key:
            raise LogKeyReplacedError(self.file)

    def _refuse_unlike(
        self, last: Checkpoint, following: Checkpoint, consistency: Callable[[int], Sequence[bytes]]
    ) -> None:
        if following.size < last.size:
            raise LogBehindError(following.size, last.size)
        proof = consistency(last.size) if last.size else []
        sizes_and_roots = last.size, last.root, following.size, following.root
        if last.size and not is_consistent(*sizes_and_roots, proof):
            raise LogForkedError(last.size)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from signing meanwhile."""
        lock = self.file.with_name(f"{self.file.name}.lock")
        try:
            descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise SettingsError(f"{lock} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def memory_of(key_file: Path) -> Path:
    """Return where a key's signer remembers what it signed last."""
    return key_file.with_name(f"{key_file.name}.last")


def create_key(file: Path, name: str) -> VerifierKey:
    """Make a key for a log of this name, readable by its owner alone; return its public half.

    Errors: SettingsError when there is one already, or the name cannot be one.
    """
    if not is_name(name):
        raise SettingsError("the name of a log is one word without `+`, as ledger.example.com/shop")
    key = SigningKey(name, secrets.token_bytes(KEY_BYTES))
    try:
        write_new(file, f"{key.line}\n")
    except FileExistsError:
        raise SettingsError(f"there is a log key already: {file}") from None
    except OSError as error:
        raise SettingsError(f"the log key {file} cannot be written: {error.strerror}") from error
    return key.verifier


def rename_log(signer: LogSigner, name: str) -> LogSigner:
    """Let the same key sign another log from now on; the old memory is kept beside it.

    The key goes first: with its old name and no memory it would sign any history of the old log.
    Errors: SettingsError.
    """
    renamed = replace(signer, signing_key=SigningKey(name, signer.signing_key.seed))
    replace_whole(signer.file, renamed.text)
    number = 1
    while (kept := signer.memory.with_name(f"{signer.memory.name}.{number}")).exists():
        number += 1
    if signer.memory.exists():
        signer.memory.rename(kept)
    return renamed


def replace_key(signer: LogSigner, new_key: SigningKey) -> LogSigner:
    """Let another key sign the same log from now on; the memory stays, signed by the old one.

    Errors: LogKeyReplacedError; SettingsError.
    """
    following = LogSigner(signer.file, new_key, (signer.verifier, *signer.earlier))
    with signer.locked():
        signer.refuse_replaced()
        replace_whole(signer.file, following.text)
    return following
