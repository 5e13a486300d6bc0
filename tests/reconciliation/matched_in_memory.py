"""A second matching, of lists in memory, that the one of temporary tables has to agree with."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import attrgetter

from ledger.reconciliation.assignment import Ambiguity, Pair, assign
from ledger.reconciliation.journal_rows import JournalKind, JournalRow
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


def match_in_memory(
    claims: Sequence[JournalRow], known_transactions: Sequence[KnownTransaction]
) -> Matching:
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


def _is_payment(transaction: KnownTransaction) -> bool:
    """Return True if a file may list it: who left without paying has a number, and no payment."""
    return transaction.uuid is not None or transaction.status != "ABANDONED"


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

    def transaction_key(transaction: KnownTransaction) -> Key:
        return _key(
            transaction,
            transaction.trans_id and transaction.trans_id.lower(),
            names,
            transaction.paid_on,
        )

    return _Level(row_key, transaction_key, is_sure=not shift)


def _by_order(names: Sequence[str], shift: timedelta) -> _Level:
    def row_key(claim: JournalRow) -> Key:
        return _key(claim, claim.order_id, names, _day(claim.paid_on, shift))

    def transaction_key(transaction: KnownTransaction) -> Key:
        return _key(transaction, transaction.order_id, names, transaction.paid_on)

    return _Level(row_key, transaction_key, is_sure=not shift)


def _key(
    side: JournalRow | KnownTransaction,
    reference: str | None,
    names: Sequence[str],
    paid_on: date | None,
) -> Key:
    """Return the key of one side; None where a part of it is missing."""
    parts = [getattr(side, name) for name in names]
    if not reference or paid_on is None or None in parts:
        return None
    return (reference, paid_on, *parts)


def _day(paid_on: date | None, shift: timedelta) -> date | None:
    return None if paid_on is None else paid_on + shift


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


Identity = Hashable


def newest_in_memory(
    rows_of_files: Iterable[tuple[JournalKind, Sequence[JournalRow]]],
) -> list[JournalRow]:
    """Return one row for each listed payment.

    Shape: files from the oldest to the newest. Two equal rows of one file are two payments; the
    same row in a later file is the same payment. A payment that the merchant journal lists, with
    its uuid, is left out of the others.
    """
    with_uuid, without = _Listing(), _Listing()
    for journal_kind, claims in rows_of_files:
        listing = with_uuid if journal_kind is JournalKind.MERCHANT else without
        listing.take_in(claims)
    return with_uuid.claims() + _without(without.claims(), with_uuid.claims())


def _without(claims: Sequence[JournalRow], with_uuid: Sequence[JournalRow]) -> list[JournalRow]:
    """Return the rows about other payments than those that are listed with their uuid.

    Shape: of several with the same number and day, those of the same second go first.
    """
    remaining = list(claims)
    for identity_of in (_exact, _short):
        numbers: dict[Identity, list[int]] = defaultdict(list)
        for number, claim in reversed([*enumerate(remaining)]):
            numbers[identity_of(claim)].append(number)
        crossed_out, unmatched = set[int](), []
        for claim in with_uuid:
            same = numbers.get(identity_of(claim), [])
            if same and None not in _short(claim):
                crossed_out.add(same.pop())
            else:
                unmatched.append(claim)
        remaining = [each for number, each in enumerate(remaining) if number not in crossed_out]
        with_uuid = unmatched
    return remaining


class _Listing:
    """The rows of files of one kind of key."""

    def __init__(self) -> None:
        self._rows_by_identity: dict[Identity, list[JournalRow]] = {}

    def take_in(self, claims: Sequence[JournalRow]) -> None:
        """Take in the rows of one file; a later file replaces as many as it has."""
        of_this_file: dict[Identity, list[JournalRow]] = defaultdict(list)
        for claim in claims:
            of_this_file[_identity(claim)].append(claim)
        for identity, same in of_this_file.items():
            known = self._rows_by_identity.get(identity, [])
            self._rows_by_identity[identity] = [*same, *known[len(same) :]]

    def claims(self) -> list[JournalRow]:
        every = [claim for same in self._rows_by_identity.values() for claim in same]
        return sorted(every, key=attrgetter("file_id", "line_number"))


def _identity(claim: JournalRow) -> Identity:
    """Return what the same payment has in each file that lists it."""
    if claim.uuid:
        return claim.uuid
    return (*_short(claim), claim.sequence_number, claim.order_id, claim.contract, claim.paid_at)


def _short(claim: JournalRow) -> tuple[str | None, object, str | None]:
    return (claim.trans_id and claim.trans_id.lower(), claim.paid_on, claim.direction)


def _exact(claim: JournalRow) -> Identity:
    return (*_short(claim), claim.paid_at)
