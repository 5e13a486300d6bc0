"""Seals what may hold personal data, and opens it again for those who may read it."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from ledger.errors import MasterKeyMissingError, UnsealableError
from ledger.ipn.content_tags import tagged_by
from ledger.sealing.frames import open_frame, seal
from ledger.sealing.keys import LedgerKeys
from ledger.sealing.master_keys import MasterKeys
from ledger.sealing.origin_secret import (
    BODY,
    PERSONAL,
    SECRET_BYTES,
    Commitments,
    new_secret,
    secret_name,
)
from ledger.storage.database import Database
from ledger.storage.event_mapper import with_sealed_part
from ledger.storage.event_store import RecordedEvent
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome, Sealed
from ledger.storage.quarantine import quarantined_frames
from ledger.storage.sealed_rows import (
    LockedFrame,
    SealedOrigin,
    body_frames,
    body_secrets,
    personal_frames,
)

_PART_END = b"\n"  # no JSON holds one outside of its texts, and none inside


class OpenedFrame(NamedTuple):
    """A content that was opened, with what its secret commits to.

    Shape: `digest` is the SHA-256 of a raw body, noted on its arrival.
    """

    content: bytes
    commitments: Commitments
    digest: str | None

    @property
    def parts(self) -> list[bytes]:
        """Return the parts of events that such a content consists of, in the order of their
        numbers."""
        return self.content.split(_PART_END)


class Sealing:
    """Seals and opens by the keys of one ledger."""

    def __init__(
        self,
        database: Database,
        masters_file: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.keys = LedgerKeys(database, masters_file, environ or {})

    def tagging(self) -> AbstractContextManager[None]:
        """Name contents by the index key of this ledger, in this thread, as long as this lasts."""
        return tagged_by(self.keys.tag)

    def seal(self, origin_id: str, body: bytes | None, parts: Sequence[bytes] = ()) -> SealedOrigin:
        """Seal what one origin brings. Shape: its parts in the order of their numbers.

        Errors: SettingsError without master keys; then nothing is sealed, and nothing stored.
        """
        masters = self.keys.masters()
        sealed = SealedOrigin(origin_id, masters.newest)
        if body is not None:
            noted = hashlib.sha256(body).digest()
            frame, locked = _sealed(masters, origin_id, BODY, body, noted)
            sealed = replace(sealed, body=frame, body_secret=locked)
        if parts:
            frame, locked = _sealed(masters, origin_id, PERSONAL, _PART_END.join(parts))
            sealed = replace(sealed, personal=frame, personal_secret=locked)
        return sealed

    # -- bodies -------------------------------------------------------------------------------

    def with_bodies(
        self, connection: Connection, inbox_records: Iterable[InboxRecord]
    ) -> list[InboxRecord]:
        """Return deliveries with their raw bodies and digests, as far as these can be read.

        Errors: SettingsError; ArchiveError when one lies elsewhere and cannot be read.
        """
        records = list(inbox_records)
        ids = {record.id for record in records}
        frame_by_id = {frame.origin_id: frame for frame in quarantined_frames(connection, ids)}
        for frame in body_frames(connection, ids - frame_by_id.keys()):
            frame_by_id[frame.origin_id] = frame
        return [self._with_body(record, frame_by_id.get(record.id)) for record in records]

    def with_digests(
        self, connection: Connection, inbox_records: Iterable[InboxRecord]
    ) -> list[InboxRecord]:
        """Return deliveries with the digests of their bodies; None for those that were erased."""
        records = list(inbox_records)
        secrets_ = body_secrets(connection, [record.id for record in records])
        digest_by_id: dict[str, str | None] = {}
        for locked in secrets_:
            with suppress(UnsealableError):
                digest_by_id[locked.origin_id] = self._digest(locked)
        return [replace(record, digest=digest_by_id.get(record.id)) for record in records]

    def _with_body(self, record: InboxRecord, locked: LockedFrame | None) -> InboxRecord:
        if locked is None:
            return replace(record, sealed=Sealed.DAMAGED)
        if locked.frame is None and record.outcome is Outcome.QUARANTINED:
            return replace(record, sealed=Sealed.NOTHING)  # it was never kept
        opened = self.open_frame(locked, BODY)
        if isinstance(opened, Sealed):
            return replace(record, sealed=opened)
        return replace(record, body=opened.content, digest=opened.digest, sealed=Sealed.OPENED)

    def _digest(self, locked: LockedFrame) -> str | None:
        if locked.secret is None:
            return None
        return self.unlocked(locked, BODY)[1].hex()

    # -- parts of events ----------------------------------------------------------------------

    def opened(
        self, connection: Connection, events: Sequence[RecordedEvent]
    ) -> list[RecordedEvent]:
        """Return events with all that they say, as far as it can be read.

        Errors: SettingsError; ArchiveError.
        """
        ids = {event.origin_id for event in events if event.origin_id and event.part is not None}
        parts_by_id = self._parts_by_id(connection, ids)
        return [
            event
            if event.part is None
            else _opened_event(event, parts_by_id.get(event.origin_id or "", Sealed.DAMAGED))
            for event in events
        ]

    def _parts_by_id(
        self, connection: Connection, ids: Collection[str]
    ) -> dict[str, list[bytes] | Sealed]:
        """Return the parts of origins, or why they cannot be read."""
        parts_by_id: dict[str, list[bytes] | Sealed] = {}
        for locked in personal_frames(connection, ids):
            opened = self.open_frame(locked, PERSONAL)
            parts_by_id[locked.origin_id] = opened if isinstance(opened, Sealed) else opened.parts
        return parts_by_id

    # -- frames -------------------------------------------------------------------------------

    def open_frame(self, locked: LockedFrame, what: str) -> OpenedFrame | Sealed:
        """Open one sealed content, or say why it cannot be read: erased, locked or damaged.

        Errors: SettingsError.
        """
        if locked.frame is None or locked.secret is None:
            return Sealed.ERASED
        try:
            commitments, digest = self.unlocked(locked, what)
            content = open_frame(commitments.secret, locked.origin_id, what, locked.frame)
        except MasterKeyMissingError:
            return Sealed.LOCKED
        except UnsealableError:
            return Sealed.DAMAGED
        return OpenedFrame(content, commitments, digest.hex() or None)

    def unlocked(self, locked: LockedFrame, what: str) -> tuple[Commitments, bytes]:
        """Open a secret alone. Shape: what it commits to, and the SHA-256 noted in it, if any.

        Errors: MasterKeyMissingError; UnsealableError; SettingsError.
        """
        assert locked.master is not None and locked.secret is not None, "it was not destroyed"  # noqa: PT018  both or neither
        name = secret_name(locked.origin_id, what)
        unlocked = self.keys.unlock(name, locked.master, locked.secret)
        return Commitments(unlocked[:SECRET_BYTES]), unlocked[SECRET_BYTES:]


def _sealed(
    masters: MasterKeys, origin_id: str, what: str, content: bytes, noted: bytes = b""
) -> tuple[bytes, bytes]:
    """Return a sealed content and its secret, locked with what is noted beside it."""
    secret = new_secret()
    _, locked = masters.wrap(secret_name(origin_id, what), secret + noted)
    return seal(secret, origin_id, what, content), locked


def _opened_event(recorded: RecordedEvent, opened: list[bytes] | Sealed) -> RecordedEvent:
    if isinstance(opened, Sealed):
        return replace(recorded, sealed=opened)
    assert recorded.part is not None, "only what is sealed is opened"
    try:
        event = with_sealed_part(recorded.event, opened[recorded.part])
    except (IndexError, ValueError, AttributeError, TypeError):
        return replace(recorded, sealed=Sealed.DAMAGED)
    return replace(recorded, event=event, sealed=Sealed.OPENED)
