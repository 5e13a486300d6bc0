"""Seals whole files in pieces, and opens them again, without ever holding one as a whole."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from ledger.errors import UnsealableError
from ledger.sealing.frames import open_frame, seal
from ledger.sealing.origin_secret import BODY, Commitments, new_secret, secret_name
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.reconciliation_tables import journal_parts
from ledger.storage.sealed_rows import SealedOrigin, add_secrets, body_secrets

PART_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file ready to be stored. Shape: its secret is that of an origin without a body."""

    id: str
    sealed_origin: SealedOrigin
    parts: Sequence[bytes]


def seal_file(sealing: Sealing, file_id: str, chunks: Iterable[bytes], digest: bytes) -> SealedFile:
    """Seal the content of a file. Shape: `digest` is its SHA-256. Errors: SettingsError."""
    masters, secret = sealing.keys.masters(), new_secret()
    commitments = Commitments(secret)
    parts = [
        seal(commitments.salt(_part_name(number)), file_id, _part_name(number), part)
        for number, part in enumerate(_in_parts(chunks))
    ]
    master, locked = masters.wrap(secret_name(file_id, BODY), secret + digest)
    return SealedFile(file_id, SealedOrigin(file_id, master, body_secret=locked), parts)


def add_file(connection: Connection, sealed: SealedFile) -> None:
    """Store a sealed file with its secret."""
    rows = [
        {"file_id": sealed.id, "number": number, "sealed": part}
        for number, part in enumerate(sealed.parts)
    ]
    if rows:
        connection.execute(insert(journal_parts), rows)
    add_secrets(connection, [sealed.sealed_origin])


def opened_file(
    database: Database, sealing: Sealing, file_id: str, part_count: int
) -> Callable[[], Iterator[bytes]]:
    """Return what yields the content of a file, piece by piece, whenever it is called.

    Errors: UnsealableError, also while yielding: it was erased, or is damaged.
    """
    with database.connect() as connection:
        locked = body_secrets(connection, [file_id])
    if not locked or locked[0].secret is None or locked[0].master is None:
        raise UnsealableError(f"the file {file_id} was erased, or has expired")
    commitments, digest = sealing.unlocked(locked[0], BODY)

    def chunks() -> Iterator[bytes]:
        hashed = hashlib.sha256()
        c = journal_parts.c
        for number in range(part_count):
            query = select(c.sealed).where(c.file_id == file_id, c.number == number)
            with database.connect() as connection:
                sealed = connection.scalar(query)
            if sealed is None:
                raise UnsealableError(f"part {number} of the file {file_id} is missing")
            part_secret = commitments.salt(_part_name(number))
            part = open_frame(part_secret, file_id, _part_name(number), bytes(sealed))
            hashed.update(part)
            yield part
        if hashed.digest() != digest:
            raise UnsealableError(f"the file {file_id} is not the one that was stored")

    return chunks


def _in_parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= PART_BYTES:
            yield bytes(buffer[:PART_BYTES])
            del buffer[:PART_BYTES]
    if buffer:
        yield bytes(buffer)


def _part_name(number: int) -> str:
    return f"file:{number}"
