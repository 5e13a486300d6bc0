"""Takes of each movement of money the row of the newest file that lists it: files may overlap."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from operator import attrgetter

from ledger.reconciliation.journal_rows import JournalRow


def newest_money_rows(rows_of_files: Iterable[Sequence[JournalRow]]) -> list[JournalRow]:
    """Return one row for each movement of money.

    Shape: files from the oldest to the newest. Two equal rows of one file are two movements; the
    same row in a later file is the same one.
    """
    rows_by_identity: dict[Hashable, list[JournalRow]] = {}
    for claims in rows_of_files:
        of_this_file: dict[Hashable, list[JournalRow]] = defaultdict(list)
        for claim in claims:
            of_this_file[_identity(claim)].append(claim)
        for identity, same in of_this_file.items():
            known = rows_by_identity.get(identity, [])
            rows_by_identity[identity] = [*same, *known[len(same) :]]
    every = [claim for same in rows_by_identity.values() for claim in same]
    return sorted(every, key=attrgetter("file_id", "line_number"))


def _identity(claim: JournalRow) -> Hashable:
    """Return what the same movement has in each file that lists it."""
    if claim.uuid:
        return claim.uuid
    number = claim.trans_id and claim.trans_id.lower()
    payment = (number, claim.paid_on, claim.direction, claim.sequence_number, claim.order_id)
    remittance = claim.settlement and (
        claim.settlement.remittance_on,
        claim.settlement.remittance_number,
    )
    # a payment may be in two remittances, and be taken back in two parts
    return (*payment, claim.contract, claim.paid_at, remittance, claim.unpaid_amount_minor)
