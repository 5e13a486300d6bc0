"""Assigns rows of one key to the transactions that have it: the nearest first, each used once."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from ledger.ipn.statuses import REFUSED
from ledger.reconciliation.journal_rows import JournalRow
from ledger.reconciliation.known_transactions import KnownTransaction

GROUP_MAX = 200
"""So many rows and transactions of one key are compared each with each; of more, in their order."""
_NO_TIME_SECONDS = 86_400


class Certainty(StrEnum):
    """How sure a match is."""

    SURE = "sure"  # by uuid, or the only ones with their key on their day
    LIKELY = "likely"  # one of several with the same key
    AMBIGUOUS = "ambiguous"  # several are equal: none was chosen


@dataclass(frozen=True, slots=True)
class Pair:
    """A row and the transaction that it is about."""

    claim: JournalRow
    known: KnownTransaction
    certainty: Certainty

    def sides(self) -> tuple[JournalRow | KnownTransaction, ...]:
        """Return what it is about."""
        return self.claim, self.known


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """Rows and transactions that nothing tells apart, though the choice would matter."""

    claims: tuple[JournalRow, ...]
    known_transactions: tuple[KnownTransaction, ...]

    def sides(self) -> tuple[JournalRow | KnownTransaction, ...]:
        """Return what it is about."""
        return *self.claims, *self.known_transactions


def assign(
    claims: Sequence[JournalRow], known_transactions: Sequence[KnownTransaction], *, is_sure: bool
) -> Iterator[Pair | Ambiguity]:
    """Assign rows of one key to its transactions, the nearest first."""
    if len(claims) == len(known_transactions) == 1:
        claim, known = claims[0], known_transactions[0]
        if _is_compatible(claim, known):
            certain = is_sure and known.is_day_sure
            yield Pair(claim, known, Certainty.SURE if certain else Certainty.LIKELY)
        return
    if max(len(claims), len(known_transactions)) > GROUP_MAX:
        yield from _in_order(claims, known_transactions)
        return
    candidates = sorted(
        _Candidate(_distance(claim, known), number, other)
        for number, claim in enumerate(claims)
        for other, known in enumerate(known_transactions)
        if _is_compatible(claim, known)
    )
    free = _Free(set(range(len(claims))), set(range(len(known_transactions))))
    for _, group in groupby(candidates, attrgetter("distance")):
        yield from _nearest(list(group), free, claims, known_transactions)


class _Candidate(NamedTuple):
    """A row and a transaction by their numbers, and how far they are apart."""

    distance: tuple[int, ...]
    claim_number: int
    known_number: int


class _Free(NamedTuple):
    claim_numbers: set[int]
    known_numbers: set[int]

    def has(self, candidate: _Candidate) -> bool:
        return (
            candidate.claim_number in self.claim_numbers
            and candidate.known_number in self.known_numbers
        )


def _nearest(
    candidates: Sequence[_Candidate],
    free: _Free,
    claims: Sequence[JournalRow],
    known_transactions: Sequence[KnownTransaction],
) -> Iterator[Pair | Ambiguity]:
    """Assign what is equally near; where the choice would say something else, choose nothing."""
    remaining = [candidate for candidate in candidates if free.has(candidate)]
    while remaining:
        equal = _linked(remaining)
        claim_numbers = sorted({each.claim_number for each in equal})
        known_numbers = sorted({each.known_number for each in equal})
        own_claims = [claims[number] for number in claim_numbers]
        own = [known_transactions[number] for number in known_numbers]
        if len(own_claims) != len(own) and (_differ(own_claims) or _differ(own)):
            yield Ambiguity(tuple(own_claims), tuple(own))
        else:
            partner_by_number = _paired(equal)
            for claim_number, known_number in partner_by_number.items():
                yield Pair(claims[claim_number], known_transactions[known_number], Certainty.LIKELY)
            claim_numbers, known_numbers = [*partner_by_number], [*partner_by_number.values()]
        free.claim_numbers.difference_update(claim_numbers)
        free.known_numbers.difference_update(known_numbers)
        remaining = [candidate for candidate in remaining if candidate not in equal]


def _paired(candidates: Collection[_Candidate]) -> dict[int, int]:
    """Pair the numbers of both sides, each once, as they come."""
    partner_by_number: dict[int, int] = {}
    for candidate in sorted(candidates):
        if (
            candidate.claim_number not in partner_by_number
            and candidate.known_number not in partner_by_number.values()
        ):
            partner_by_number[candidate.claim_number] = candidate.known_number
    return partner_by_number


def _linked(candidates: Sequence[_Candidate]) -> set[_Candidate]:
    """Return the first candidate, with all that share a side with it or with one of them."""
    linked, added = set[_Candidate](), {candidates[0]}
    while added:
        linked |= added
        claim_numbers = {each.claim_number for each in added}
        known_numbers = {each.known_number for each in added}
        added = {
            each
            for each in candidates
            if each not in linked
            and (each.claim_number in claim_numbers or each.known_number in known_numbers)
        }
    return linked


def _moment(side: JournalRow | KnownTransaction) -> str:
    return "" if side.paid_at is None else side.paid_at.isoformat()


def _differ(sides: Sequence[JournalRow] | Sequence[KnownTransaction]) -> bool:
    """Return True if it matters which of these is taken."""
    return len({_said_of(side) for side in sides}) > 1


def _in_order(
    claims: Sequence[JournalRow], known_transactions: Sequence[KnownTransaction]
) -> Iterator[Pair]:
    """Assign so many that each cannot be compared with each: the same first, then as they come."""
    same: dict[tuple[object, ...], list[KnownTransaction]] = defaultdict(list)
    for known in reversed(known_transactions):
        same[known.paid_at, *_said_of(known)].append(known)
    different, used = [], set[str]()
    for claim in claims:
        equal = same[claim.paid_at, *_said_of(claim)]
        if equal and _is_compatible(claim, equal[-1]):
            known = equal.pop()
            used.add(known.reference)
            yield Pair(claim, known, Certainty.LIKELY)
        else:
            different.append(claim)
    remaining = [known for known in known_transactions if known.reference not in used]
    in_time = zip(sorted(different, key=_moment), sorted(remaining, key=_moment), strict=False)
    for claim, known in in_time:
        if _is_compatible(claim, known):
            yield Pair(claim, known, Certainty.LIKELY)


def _said_of(side: JournalRow | KnownTransaction) -> tuple[object, ...]:
    """Return what is compared of one side."""
    return status_class(side.status), side.amount_minor, side.currency


def _is_compatible(claim: JournalRow, known: KnownTransaction) -> bool:
    """Return True if nothing names two different payments, whatever else they share."""
    if claim.uuid and known.uuid:
        return claim.uuid == known.uuid
    names = ["trans_id", "sequence_number", "direction"]
    names += [] if claim.trans_id else ["contract"]
    sides = ((getattr(claim, name), getattr(known, name)) for name in names)
    return all(
        listed is None or own is None or str(listed).lower() == str(own).lower()
        for listed, own in sides
    )


def _distance(claim: JournalRow, known: KnownTransaction) -> tuple[int, ...]:
    """Return how far apart a row and a transaction are: by time, then status, then amount."""
    seconds = _NO_TIME_SECONDS
    if claim.paid_at is not None and known.paid_at is not None:
        seconds = int(abs((claim.paid_at - known.paid_at).total_seconds()))
    return (
        seconds,
        int(status_class(claim.status) != status_class(known.status)),
        int(claim.amount_minor != known.amount_minor),
    )


def status_class(status: str | None) -> str | None:
    """Return the status, or one word for all that mean that it was refused."""
    return "REFUSED" if status in REFUSED else status
