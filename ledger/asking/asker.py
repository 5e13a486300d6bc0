"""Asks what is due: one question at a time about each shop and mode, and never too often."""

from collections.abc import Callable, Iterable
from datetime import datetime

from ledger.application import Ledger
from ledger.asking.candidates import Candidate, Due, candidates_of, due_of
from ledger.asking.client import Ask, ask_platform
from ledger.asking.exchanges import Exchange, newest_exchanges
from ledger.asking.schedule import Permission, permission
from ledger.errors import LedgerError
from ledger.instants import utc_now
from ledger.ipn.asking_access import AskingAccess
from ledger.ipn.platform_answers import Question
from ledger.projections.engine.leases import new_holder, release_leases, take_lease

LEASE_SECONDS = 110
"""Longer than a question takes."""

OPERATOR = "operator"
"""The cause of a question that somebody asked by hand."""


class NotAllowedYetError(LedgerError, code="not-allowed-yet"):
    """A shop must not be asked now: too soon, too often today, stopped, or somebody else asks."""


class Asker:
    """Asks the platform about one ledger's shops."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        ask: Ask = ask_platform,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._ledger = ledger
        self._ask = ask
        self._now = clock
        self._holder = new_holder()

    def permission(self, access: AskingAccess) -> Permission:
        """Return whether, and when, a shop and mode may be asked."""
        now = self._now()
        with self._ledger.database.connect() as connection:
            newest = newest_exchanges(connection, access, now)
        return permission(access, newest, now)

    def due(self, access: AskingAccess, candidates: Iterable[Candidate] = ()) -> list[Due]:
        """Return what is not settled, what is asked about first coming first; unsettled last."""
        own = candidates_of(self._ledger, access.shop_id, access.mode, self._now())
        everything = due_of(self._ledger, [*own, *candidates])
        latest = datetime.max.replace(tzinfo=self._now().tzinfo)
        return sorted(everything, key=lambda each: each.at or latest)

    def ask_due(
        self, access: AskingAccess, candidates: Iterable[Candidate] = ()
    ) -> Exchange | None:
        """Ask about what has been due longest; None when nothing is due, or nothing allowed.

        Errors: UnavailableError.
        """
        if self.permission(access).at > self._now():
            return None
        for each in self.due(access, candidates):
            if each.at is not None and each.at <= self._now():
                question, cause = each.candidate.question, each.candidate.cause
                try:
                    return self.ask(access, question, cause=cause)
                except NotAllowedYetError:
                    return None
        return None

    def ask(
        self, access: AskingAccess, question: Question, *, cause: str, is_again: bool = False
    ) -> Exchange:
        """Ask one question now. Shape: `is_again` asks also a shop that was stopped.

        Errors: NotAllowedYetError; UnavailableError.
        """
        database = self._ledger.database
        lease = f"asking:{access.shop_id}:{access.mode}"
        with database.begin() as connection:
            if not take_lease(connection, lease, self._holder, seconds=LEASE_SECONDS):
                raise NotAllowedYetError("somebody else asks about this shop at this moment")
        try:
            self._refuse(access, is_again=is_again)
            answering = self._ledger.answering
            stored = answering.note_question(
                question, cause=cause, key_fingerprint=access.fingerprint
            )
            return Exchange(stored, answering.record(stored, self._ask(access, question)))
        finally:
            with database.begin() as connection:
                release_leases(connection, self._holder)

    def _refuse(self, access: AskingAccess, *, is_again: bool) -> None:
        allowed = self.permission(access)
        if allowed.stopped_by is not None and is_again:
            return
        if allowed.stopped_by is not None:
            raise NotAllowedYetError(
                f"the platform answered {allowed.stopped_by}, and is not asked again with the same"
                f" password: mend it, then change it in the shops file (shop {access.shop_id},"
                f" {access.mode})"
            )
        if allowed.at > self._now():
            raise NotAllowedYetError(
                f"shop {access.shop_id} may be asked again at {allowed.at:%Y-%m-%dT%H:%M:%SZ}"
            )
