"""Raw bodies and sealed parts of events, opened for an audit, with what keeps them from opening."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from ledger.proof.origins import SEALED_MISSING, SECRET_MISSING, UNSEALABLE
from ledger.sealing.origin_secret import BODY, PERSONAL
from ledger.sealing.sealing import Sealing
from ledger.storage.erased import erasure_marks
from ledger.storage.outcomes import Sealed
from ledger.storage.sealed_rows import LockedFrame, body_frames, personal_frames


class OpenedEvidence:
    """What is sealed of some deliveries. Errors: SettingsError without the master keys."""

    def __init__(self, sealing: Sealing, connection: Connection, ids: Collection[str]) -> None:
        self.parts: dict[str, Sequence[bytes]] = {}
        self._sealing = sealing
        self._connection = connection
        self._body_by_id: dict[str, tuple[bytes, str | None]] = {}
        self._reason_by_id = dict.fromkeys(ids, SEALED_MISSING)
        self._erased: Collection[str] = ()
        for locked in body_frames(connection, ids):
            self._open_body(locked)
        missing = {id_ for id_, why in self._reason_by_id.items() if why == SECRET_MISSING}
        self._erased = erasure_marks(connection, missing, BODY).keys()

    def body(self, id_: str) -> bytes | None:
        """Return the raw body of a delivery; None when it cannot be opened."""
        return self._body_by_id.get(id_, (None, None))[0]

    def digest(self, id_: str) -> str | None:
        """Return the digest that was noted on its arrival."""
        return self._body_by_id.get(id_, (None, None))[1]

    def why_not(self, id_: str) -> str | None:
        """Return the reason why there is no body; None when there is one."""
        return self._reason_by_id.get(id_)

    def is_erased(self, id_: str) -> bool:
        """Return True if an erasure or expiry says that there is no body any more."""
        return id_ in self._erased

    def open_parts(self, ids: Collection[str]) -> None:
        """Open the sealed parts of the events of these origins, as far as that is possible."""
        for locked in personal_frames(self._connection, ids):
            opened = self._sealing.open_frame(locked, PERSONAL)
            if not isinstance(opened, Sealed):
                self.parts[locked.origin_id] = opened.parts

    def _open_body(self, locked: LockedFrame) -> None:
        id_ = locked.origin_id
        opened = self._sealing.open_frame(locked, BODY)
        if isinstance(opened, Sealed):
            self._reason_by_id[id_] = SECRET_MISSING if opened is Sealed.ERASED else UNSEALABLE
        else:
            self._body_by_id[id_] = opened.content, opened.digest
            del self._reason_by_id[id_]
