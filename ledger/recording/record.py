"""Understands, decides and stores what was verified; what fails on the way is kept undecided."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from ledger.errors import NotFoundError, SignatureError, UnavailableError
from ledger.ipn.card_data_fields import kinds_suspected
from ledger.ipn.delivery import Delivery
from ledger.ipn.parse import Proven, understand
from ledger.recording.append import Append
from ledger.recording.attempts import outcome_of
from ledger.recording.group_commit import GroupCommit
from ledger.recording.inbox_rows import later_decision
from ledger.recording.origins import new_origin_id
from ledger.recording.receipt import Receipt, receipt_of
from ledger.recording.retries import available
from ledger.recording.undecided import error_class_of, keep_undecided, reason_of
from ledger.recording.unit_of_work import Verified
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.decisions import add_decision
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome


class Record:
    """The verified side: nothing that passes its door is lost, whatever stumbles over it."""

    def __init__(
        self,
        database: Database,
        sealing: Sealing,
        append: Append,
        now: Callable[[], datetime],
        refuse: Callable[[Delivery, str], Receipt],
    ) -> None:
        self._database = database
        self._sealing = sealing
        self._append = append
        self._refuse = refuse
        self._now = now
        self._group_commit: GroupCommit[Verified, Receipt] = GroupCommit(
            append.together, partial(append.alone, first=1)
        )

    def new(self, proven: Proven) -> Receipt:
        """Record one, together with those of other threads. Errors: UnavailableError."""
        return self._settled(proven, outcome_of(partial(self._recorded, proven)))

    def many(self, proven: Sequence[Proven]) -> list[Receipt]:
        """Record several in their order, in as few transactions as possible.

        Errors: UnavailableError; those before the one at fault may be stored.
        """
        understood = [outcome_of(partial(_verified, each)) for each in proven]
        verified = [each for each in understood if not isinstance(each, Exception)]
        appended = iter(self._group_commit.run(verified) if verified else [])
        outcomes = [each if isinstance(each, Exception) else next(appended) for each in understood]
        return list(map(self._settled, proven, outcomes))

    def again(self, record: InboxRecord, proven: Proven) -> Receipt:
        """Record what was in quarantine or undecided until now, as of its arrival.

        Errors: NotFoundError when somebody else has done so; UnavailableError.
        """
        outcome = outcome_of(lambda: self._append.alone(_verified(proven), readmitted=record))
        if isinstance(outcome, Receipt):
            return outcome
        if isinstance(outcome, NotFoundError | UnavailableError):
            raise outcome
        if record.outcome == Outcome.QUARANTINED and isinstance(outcome, SignatureError):
            return receipt_of(record, reason=outcome.reason)
        if record.outcome == Outcome.QUARANTINED:
            return keep_undecided(self._database, self._sealing, proven, outcome, self._now())
        reason = reason_of(outcome)
        self._note_failure(record, reason, error_class_of(outcome))
        return receipt_of(record, reason=reason)

    def rehearse(self, record: InboxRecord, proven: Proven) -> str | None:
        """Return why `again` would fail now; None when it would pass. Errors: UnavailableError."""
        outcome = outcome_of(lambda: self._append.rehearse(_verified(proven), record))
        if isinstance(outcome, UnavailableError):
            raise outcome
        return None if outcome is None else reason_of(outcome)

    def _recorded(self, proven: Proven) -> Receipt:
        notification, content = _verified(proven)
        receipt = self._group_commit.submit((notification, content))
        return replace(receipt, suspected=kinds_suspected(content))

    def _settled(self, proven: Proven, attempted: Receipt | Exception) -> Receipt:
        if isinstance(attempted, Receipt):
            return attempted
        if isinstance(attempted, UnavailableError):
            raise attempted
        if isinstance(attempted, SignatureError):  # its text was signed, but not as this
            return self._refuse(proven.notification.delivery, attempted.reason)
        return keep_undecided(self._database, self._sealing, proven, attempted, self._now())

    def _note_failure(self, record: InboxRecord, reason: str, error_class: str) -> None:
        """Add why it is still undecided, unless this code has said so before."""
        now = self._now()
        decision = later_decision(
            new_origin_id(now), record, now, Outcome.UNDECIDED, (), reason, error_class
        )
        said = (record.error_class, record.code_version)
        if said != (decision.error_class, decision.code_version):
            with available(), self._database.begin() as connection:
                add_decision(connection, decision)


def _verified(proven: Proven) -> Verified:
    return proven.notification, understand(proven)
