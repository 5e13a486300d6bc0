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
    payment = (*_short(claim), claim.sequence_number, claim.order_id, claim.contract)
    remittance = claim.settlement and (
        claim.settlement.remittance_on,
        claim.settlement.remittance_number,
    )
    # a payment may be in two remittances, and be taken back in two parts
    return (*payment, claim.paid_at, remittance, claim.unpaid_amount_minor)


def _short(claim: JournalRow) -> tuple[str | None, object, str | None]:
    return (claim.trans_id and claim.trans_id.lower(), claim.paid_on, claim.direction)


def _exact(claim: JournalRow) -> Identity:
    return (*_short(claim), claim.paid_at)
