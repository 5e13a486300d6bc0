"""Takes of each payment the row of the newest file that lists it: files may overlap."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from operator import attrgetter

from ledger.reconciliation.journal_rows import JournalKind, JournalRow

Identity = Hashable


def newest_rows(
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
    listed = with_uuid.claims()
    remaining = _Remaining(listed)
    return listed + [claim for claim in without.claims() if not remaining.has(claim)]


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


class _Remaining:
    """The payments of a list that others may list once more, each once."""

    def __init__(self, claims: Sequence[JournalRow]) -> None:
        self._count: dict[Identity, int] = defaultdict(int)
        for claim in claims:
            self._count[_short(claim)] += 1

    def has(self, claim: JournalRow) -> bool:
        """Return True, and cross one out, if the payment of this row is among them."""
        key = _short(claim)
        if None in key or not self._count.get(key):
            return False
        self._count[key] -= 1
        return True


def _identity(claim: JournalRow) -> Identity:
    """Return what the same payment has in each file that lists it."""
    if claim.uuid:
        return claim.uuid
    return (*_short(claim), claim.sequence_number, claim.order_id, claim.contract, claim.paid_at)


def _short(claim: JournalRow) -> tuple[str | None, object, str | None]:
    return (claim.trans_id and claim.trans_id.lower(), claim.paid_on, claim.direction)
