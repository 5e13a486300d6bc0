"""Erases what is about people, in two phases that the signed log holds: the intent, and the end.

Killed anywhere and run again, an erasure goes on where it was, and ends the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from ledger.application import Ledger
from ledger.errors import HeldError, NotFoundError
from ledger.instants import utc_now
from ledger.privacy.covering import WAIT_SECONDS, cover
from ledger.privacy.destroying import destroy, sweep
from ledger.privacy.holds import held_origins
from ledger.privacy.records import Erasure, add_done, add_intent, erasure_phases, unfinished
from ledger.privacy.selection import Selection, not_erased
from ledger.privacy.verification import verify_before
from ledger.proof.sequencer import Sequencer
from ledger.proof.signer import LogSigner
from ledger.storage.erased import DONE


@dataclass(frozen=True)
class Eraser:
    """Erases within one ledger.

    Shape: without a signer the running service signs, for which it waits.
    """

    ledger: Ledger
    signer: LogSigner | None
    now: Callable[[], datetime] = utc_now
    wait_seconds: float = WAIT_SECONDS

    def erase(self, selection: Selection, *, reason: str, by_whom: str) -> Erasure:
        """Erase deliveries, after what was cut off before; return what the log says is done.

        Errors: NotFoundError when nothing of it is left; HeldError; NotSignedError; ConflictError;
        those of signing.
        """
        finished = self.finish()
        with self.ledger.database.connect() as connection:
            selection = not_erased(connection, selection)
        if not any(selection):
            if finished:
                return finished[-1]
            raise NotFoundError("nothing of this is left to erase")
        self.refuse_held(selection)
        Sequencer(self.ledger.database, self.ledger.sealing, clock=self.now).catch_up()
        verification = verify_before(self.ledger, selection.origin_ids)
        with self.ledger.database.begin() as connection:
            intent = add_intent(
                connection,
                selection,
                reason=reason,
                by_whom=by_whom,
                verification=verification,
                now=self.now(),
            )
        return self._complete(intent)

    def finish(self) -> list[Erasure]:
        """Go on with erasures that were cut off; return them. Errors: as `erase`."""
        with self.ledger.database.connect() as connection:
            intents = unfinished(connection)
        return [self._complete(intent) for intent in intents]

    def refuse_held(self, selection: Selection) -> None:
        """Refuse to erase what is held. Errors: HeldError names the holds."""
        hold_by_origin = held_origins(self.ledger, self.now())
        held = {hold_by_origin[id_] for id_ in selection.origin_ids if id_ in hold_by_origin}
        if held:
            names = ", ".join(
                f"{hold.id} of transaction {hold.reference} ({hold.reason})"
                for hold in sorted(held, key=lambda hold: hold.id)
            )
            raise HeldError(f"held, so that nothing was erased: {names}")

    def _complete(self, intent: Erasure) -> Erasure:
        self._cover(intent.row_id)
        destroy(self.ledger.database, intent)
        origin_ids = sweep(self.ledger.database, intent)
        try:
            with self.ledger.database.begin() as connection:
                add_done(connection, intent, origin_ids, self.now())
        except IntegrityError:  # another one went on with it, too
            pass
        with self.ledger.database.connect() as connection:
            done = erasure_phases(connection, intent.id)[DONE]
        self._cover(done.row_id)
        return done

    def _cover(self, row_id: str) -> None:
        cover(self.ledger, self.signer, row_id, now=self.now, wait_seconds=self.wait_seconds)
