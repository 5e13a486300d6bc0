"""Says in a word what came of each row and each transaction that were compared."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from ledger.ipn.notification_rules import RETRY_WINDOW
from ledger.ipn.statuses import FINAL, RANKS
from ledger.reconciliation.agreed import Agreed
from ledger.reconciliation.assignment import Ambiguity, Certainty, Pair, status_class
from ledger.reconciliation.journal_rows import JournalRow
from ledger.reconciliation.known_transactions import KnownTransaction
from ledger.reconciliation.matching import Outcome

CAPTURES_NOT_TOLD = "captures-not-told"
_NOT_PAYMENTS = frozenset({"ABANDONED", "NOT_CREATED", "INITIAL", "WAITING_FOR_PAYMENT"})


class Result(StrEnum):
    """What came of one row or transaction, what needs somebody first."""

    NEVER_TOLD = "never-told"
    BEHIND = "behind"
    DIFFERS = "differs"
    NOT_LISTED = "not-listed"
    AMBIGUOUS = "ambiguous"
    UNREADABLE = "unreadable"
    NOT_DUE = "not-due"
    AHEAD = "ahead"
    NOT_COVERED = "not-covered"
    MATCHED = "matched"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row, one transaction or both, and what came of it.

    Shape: `differences` are the names of what is not the same.
    """

    word: Result
    claim: JournalRow | None = None
    known: KnownTransaction | None = None
    certainty: Certainty | None = None
    differences: tuple[str, ...] = ()
    cause: str | None = None

    @property
    def day(self) -> date | None:
        """Return the UTC day of the payment."""
        if self.claim is not None and self.claim.paid_on is not None:
            return self.claim.paid_on
        return None if self.known is None else self.known.paid_on

    @property
    def is_gap(self) -> bool:
        """Return True if something was not told, as far as anybody can see."""
        is_missing = self.word in (Result.NEVER_TOLD, Result.BEHIND, Result.DIFFERS)
        return is_missing and self.cause != CAPTURES_NOT_TOLD


@dataclass(frozen=True, slots=True)
class Listing:
    """What the files are that were compared.

    Shape: `made_at` by file, when it was made; `whole_days` are listed with all their payments,
    `contracts` are those that files name, empty where they name none; `is_capture_told` says of a
    method of payment whether this shop was ever told of a capture.
    """

    made_at: Mapping[str, datetime]
    whole_days: Collection[date]
    contracts: Collection[str] = ()
    lists_verifications: bool = True
    is_capture_told: Callable[[str | None], bool] = field(default=lambda _: True)


def findings_of(compared: Iterable[Outcome], listing: Listing) -> Iterator[Finding | Agreed]:
    """Yield what came of everything, in no order; what agrees may come counted."""
    for outcome in compared:
        if isinstance(outcome, Agreed):
            yield outcome
        elif isinstance(outcome, Pair):
            yield _of_pair(outcome, listing)
        elif isinstance(outcome, Ambiguity):
            yield from _of_ambiguity(outcome)
        elif isinstance(outcome, JournalRow):
            yield _of_row(outcome, listing)
        else:
            yield _of_unlisted(outcome, listing)


def _of_pair(pair: Pair, listing: Listing) -> Finding:
    claim, known = pair.claim, pair.known
    differences = tuple(_differences(claim, known))
    if claim.unreadable and not differences:
        return Finding(Result.UNREADABLE, claim, known, pair.certainty)
    if not differences:
        return Finding(Result.MATCHED, claim, known, pair.certainty)
    word = _result(claim, known, differences, listing)
    is_capture = (known.status, claim.status) == ("AUTHORISED", "CAPTURED")
    is_unheard_of = is_capture and differences == ("status",)
    cause = None
    if word is Result.BEHIND and is_unheard_of:
        is_told = listing.is_capture_told(known.payment_method)
        cause = None if is_told else CAPTURES_NOT_TOLD
    return Finding(word, claim, known, pair.certainty, differences, cause)


def _differences(claim: JournalRow, known: KnownTransaction) -> Iterator[str]:
    if claim.status is not None and status_class(claim.status) != status_class(known.status):
        yield "status"
    if claim.amount_minor is not None and claim.amount_minor != known.amount_minor:
        yield "amount_minor"
    if claim.currency is not None and claim.currency != known.currency:
        yield "currency"


def _result(
    claim: JournalRow, known: KnownTransaction, differences: Sequence[str], listing: Listing
) -> Result:
    if "currency" in differences:
        return Result.DIFFERS
    made_at = listing.made_at.get(claim.file_id)
    is_later_news = (
        made_at is not None
        and known.last_changed_at is not None
        and known.last_changed_at > made_at
    )
    if "status" not in differences:
        return Result.AHEAD if is_later_news else Result.BEHIND
    is_unknown_when = made_at is None or known.last_changed_at is None
    listed, own = RANKS.get(claim.status or ""), RANKS.get(known.status or "")
    if claim.status in FINAL and known.status in FINAL:
        return _of_final(claim.status, known.status)
    if listed is None or own is None:
        return Result.AHEAD if is_later_news else Result.DIFFERS
    if listed > own:
        return Result.BEHIND
    return Result.AHEAD if is_later_news or is_unknown_when else Result.DIFFERS


def _of_final(listed_status: str | None, own_status: str | None) -> Result:
    """Return what two different final statuses mean: a capture may follow a failed one."""
    if (listed_status, own_status) == ("CAPTURED", "CAPTURE_FAILED"):
        return Result.BEHIND
    return (
        Result.AHEAD
        if (listed_status, own_status) == ("CAPTURE_FAILED", "CAPTURED")
        else Result.DIFFERS
    )


def _of_ambiguity(ambiguity: Ambiguity) -> Iterator[Finding]:
    for claim in ambiguity.claims:
        yield Finding(Result.AMBIGUOUS, claim=claim, certainty=Certainty.AMBIGUOUS)
    for known in ambiguity.known_transactions:
        yield Finding(Result.AMBIGUOUS, known=known, certainty=Certainty.AMBIGUOUS)


def _of_row(claim: JournalRow, listing: Listing) -> Finding:
    if claim.paid_on is None or not (claim.uuid or claim.trans_id or claim.order_id):
        return Finding(Result.UNREADABLE, claim)
    made_at = listing.made_at.get(claim.file_id)
    if made_at is not None and claim.paid_at is not None and claim.paid_at > made_at - RETRY_WINDOW:
        return Finding(Result.NOT_DUE, claim)
    return Finding(Result.NEVER_TOLD, claim)


def _of_unlisted(known: KnownTransaction, listing: Listing) -> Finding:
    is_of_others = (
        bool(listing.contracts)
        and known.contract is not None
        and known.contract not in listing.contracts
    )
    is_no_payment = known.status in _NOT_PAYMENTS or not (known.uuid or known.trans_id)
    is_verification = known.direction == "VERIFICATION" and not listing.lists_verifications
    is_covered = known.paid_on in listing.whole_days
    if is_of_others or is_no_payment or is_verification or not is_covered:
        return Finding(Result.NOT_COVERED, known=known)
    return Finding(Result.NOT_LISTED, known=known)
