"""Makes balanced entries for accounting software of remittances and chargebacks.

An entry is made of what a file lists with gross, fee and net; what cannot be read is left out and
counted. Every entry balances to the minor unit in its one currency.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ledger.reconciliation.accounts import Account, Accounts
from ledger.reconciliation.listed import ListedRow
from ledger.reconciliation.remittances import Remittance, RemittanceLine, SettledDays


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of an entry. Units: `amount_minor` in minor units of its entry's currency.

    Shape: a debit is positive, a credit negative; `uuid` is the payment's where it is known.
    """

    account: Account
    amount_minor: int
    label: str
    uuid: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """Postings of one day that add up to nothing.

    Shape: `piece` names the remittance or the row of a file, the same whenever it is made again.
    """

    booked_on: date
    piece: str
    label: str
    currency: str
    postings: tuple[Posting, ...]


def entries_of(settled: SettledDays, accounts: Accounts) -> Iterator[Entry]:
    """Yield an entry for each remittance and each chargeback, by day."""
    entries = [
        *filter(None, (_of_remittance(each, accounts) for each in settled.remittances)),
        *filter(None, (_of_chargeback(each, accounts) for each in settled.chargebacks)),
    ]
    yield from sorted(entries, key=lambda entry: (entry.booked_on, entry.piece))


def left_out(settled: SettledDays, accounts: Accounts) -> int:
    """Return how many rows are in no entry, since nobody can read their money."""
    lines = [line for each in settled.remittances for line in each.bank_lines]
    return sum(line.gross_minor is None for line in lines) + sum(
        _of_chargeback(each, accounts) is None for each in settled.chargebacks
    )


def _of_remittance(remittance: Remittance, accounts: Accounts) -> Entry | None:
    """Return the entry of a remittance: the bank owes the net, fees are paid, customers have paid.

    Shape: where a row says neither fee nor net, its gross is what the bank owes.
    """
    identity = remittance.remittance_key
    lines = [line for line in remittance.bank_lines if line.gross_minor is not None]
    if not lines or identity.currency is None:
        return None
    number, contract = identity.number or "0", identity.contract or "0"
    piece = f"{identity.remitted_on:%Y%m%d}-{contract}-{number}-{identity.currency}"
    gross = sum(line.gross_minor or 0 for line in lines)
    fees = sum(line.fee_minor or 0 for line in lines)
    label = f"Remittance {number} of {identity.remitted_on.isoformat()}"
    own = [Posting(accounts.bank, gross - fees, label), Posting(accounts.fees, fees, label)]
    payments = [_of_line(line, accounts) for line in lines]
    postings = tuple(each for each in (*own, *payments) if each.amount_minor)
    if not postings:
        return None
    return Entry(identity.remitted_on, piece, label, identity.currency, postings)


def _of_line(bank_line: RemittanceLine, accounts: Accounts) -> Posting:
    claim, known = bank_line.listed_row.claim, bank_line.known
    label = " ".join(filter(None, ("Payment", claim.trans_id, claim.order_id)))
    uuid = claim.uuid or (known and known.uuid) or None
    return Posting(accounts.customers, -(bank_line.gross_minor or 0), label, uuid)


def _of_chargeback(listed_row: ListedRow, accounts: Accounts) -> Entry | None:
    """Return the entry of a chargeback: the bank takes it, and the customer owes it again."""
    claim, known = listed_row.claim, listed_row.match.known
    currency = claim.currency or (None if known is None else known.currency)
    if not claim.unpaid_amount_minor or not currency:
        return None
    amount, day = abs(claim.unpaid_amount_minor), listed_row.moved_on
    label = f"Chargeback {claim.trans_id or ''}".strip()
    uuid = claim.uuid or (known and known.uuid) or None
    postings = (
        Posting(accounts.unpaid, amount, label, uuid),
        Posting(accounts.bank, -amount, label),
    )
    piece = f"{day:%Y%m%d}-{claim.file_id}-{claim.line_number}"
    return Entry(day, piece, label, currency, postings)
