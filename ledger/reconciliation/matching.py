"""Matches rows of files with transactions of the ledger, in both directions, each used once.

The amount is compared and never part of the key: a lost call about a changed amount would be one
payment never told and another one not listed.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import attrgetter

from ledger.reconciliation.assignment import Ambiguity, Pair, assign
from ledger.reconciliation.journal_rows import JournalRow
from ledger.reconciliation.known_transactions import KnownTransaction

Key = Hashable
"""What a row and a transaction must share to be compared; None is like nothing."""


@dataclass(frozen=True, slots=True)
class Matching:
    """What became of all rows and transactions: each is in one of these."""

    matched_pairs: list[Pair] = field(default_factory=list)
    ambiguities: list[Ambiguity] = field(default_factory=list)
    unmatched_claims: list[JournalRow] = field(default_factory=list)
    unlisted: list[KnownTransaction] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Level:
    """One way to match, from the strongest on."""

    row_key: Callable[[JournalRow], Key]
    transaction_key: Callable[[KnownTransaction], Key]
    is_sure: bool = True


def match(claims: Sequence[JournalRow], known_transactions: Sequence[KnownTransaction]) -> Matching:
    """Match rows with transactions. Shape: whatever the order of both, the result is the same."""
    matching = Matching()
    open_rows = sorted(claims, key=attrgetter("file_id", "line_number"))
    open_transactions = sorted(
        (known for known in known_transactions if _is_payment(known)), key=attrgetter("reference")
    )
    matching.unlisted.extend(known for known in known_transactions if not _is_payment(known))
    for level in _levels():
        open_rows, open_transactions = _match_level(level, open_rows, open_transactions, matching)
    matching.unmatched_claims.extend(open_rows)
    matching.unlisted.extend(open_transactions)
    return matching


def _is_payment(known: KnownTransaction) -> bool:
    """Return True if a file may list it: who left without paying has a number, and no payment."""
    return known.uuid is not None or known.status != "ABANDONED"


def _levels() -> Iterator[_Level]:
    """Yield the ways to match: by uuid; by short number and day; by order and day; a day beside."""
    yield _Level(attrgetter("uuid"), attrgetter("uuid"))
    for days in (0, -1, 1):
        shift = timedelta(days=days)
        for names in (("sequence_number", "direction"), ("direction",), ()):
            yield _by_number(names, shift)
        for names in (("contract", "direction"), ("direction",), ()):
            yield _by_order(names, shift)


def _by_number(names: Sequence[str], shift: timedelta) -> _Level:
    def row_key(claim: JournalRow) -> Key:
        return _key(
            claim, claim.trans_id and claim.trans_id.lower(), names, _day(claim.paid_on, shift)
        )

    def transaction_key(known: KnownTransaction) -> Key:
        return _key(known, known.trans_id and known.trans_id.lower(), names, known.paid_on)

    return _Level(row_key, transaction_key, is_sure=not shift)


def _by_order(names: Sequence[str], shift: timedelta) -> _Level:
    def row_key(claim: JournalRow) -> Key:
        return _key(claim, claim.order_id, names, _day(claim.paid_on, shift))

    def transaction_key(known: KnownTransaction) -> Key:
        return _key(known, known.order_id, names, known.paid_on)

    return _Level(row_key, transaction_key, is_sure=not shift)


def _key(
    side: JournalRow | KnownTransaction,
    reference: str | None,
    names: Sequence[str],
    day: date | None,
) -> Key:
    """Return the key of one side; None where a part of it is missing."""
    parts = [getattr(side, name) for name in names]
    if not reference or day is None or None in parts:
        return None
    return (reference, day, *parts)


def _day(day: date | None, shift: timedelta) -> date | None:
    return None if day is None else day + shift


def _match_level(
    level: _Level,
    claims: Sequence[JournalRow],
    known_transactions: Sequence[KnownTransaction],
    matching: Matching,
) -> tuple[list[JournalRow], list[KnownTransaction]]:
    """Match what has the same key; return what is still open."""
    by_key: dict[Key, list[KnownTransaction]] = defaultdict(list)
    rows_by_key: dict[Key, list[JournalRow]] = defaultdict(list)
    for known in known_transactions:
        if (key := level.transaction_key(known)) is not None:
            by_key[key].append(known)
    for claim in claims:
        if (key := level.row_key(claim)) in by_key and key is not None:
            rows_by_key[key].append(claim)
    used_rows, used = set[int](), set[str]()
    for key, group in rows_by_key.items():
        for outcome in assign(group, by_key[key], is_sure=level.is_sure):
            if isinstance(outcome, Pair):
                matching.matched_pairs.append(outcome)
                used_rows.add(id(outcome.claim))
                used.add(outcome.known.reference)
            else:
                matching.ambiguities.append(outcome)
                used_rows.update(map(id, outcome.claims))
                used.update(known.reference for known in outcome.known_transactions)
    return (
        [claim for claim in claims if id(claim) not in used_rows],
        [known for known in known_transactions if known.reference not in used],
    )
