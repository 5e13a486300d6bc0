"""Says which payments are in which remittance to the bank, and what of it this ledger knows.

Source: delivery reference, sections 12.6 and 12.7. Amounts are those of the files; each is compared
with what was told, and no scale is guessed.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection

from ledger.ipn.money import counted_minor
from ledger.reconciliation.journal_rows import JournalKind, JournalRow, Settlement
from ledger.reconciliation.known_transactions import KnownTransaction
from ledger.reconciliation.listed import ListedRow, listed_of_days
from ledger.reconciliation.report_store import Scope

CREDIT = "CREDIT"


class LineResult(StrEnum):
    """What came of one row of a bank journal."""

    MATCHED = "matched"  # this ledger knows the payment, with the same amount
    DIFFERS = "differs"  # it knows it, with another amount or currency
    UNMATCHED = "unmatched"  # it does not know it
    AMBIGUOUS = "ambiguous"  # several payments are equal
    UNREADABLE = "unreadable"  # no scale fits gross, fee and net; or no direction, no currency


@dataclass(frozen=True, slots=True)
class RemittanceKey:
    """What identifies a remittance: a number alone comes again after some time.

    Shape: `remitted_on` is the UTC day, or else the day of the file.
    """

    remitted_on: date
    contract: str | None
    number: str | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class RemittanceLine:
    """One row of a bank journal.

    Units: minor units of the currency of its remittance; a refund is negative, and so are its fee
    and its net. Shape: None where the row does not say it, or nobody can read it.
    """

    listed_row: ListedRow
    line_result: LineResult
    gross_minor: int | None
    fee_minor: int | None
    net_minor: int | None

    @property
    def known(self) -> KnownTransaction | None:
        """Return the payment that it is about."""
        return self.listed_row.match.known

    @property
    def known_minor(self) -> int:
        """Return what this ledger knows of it, a refund negative; 0 when it knows no such payment.

        Units: minor units of the payment's own currency.
        """
        known = self.known
        if known is None or known.currency != self.listed_row.claim.currency:
            return 0
        amount = counted_minor(known.amount_minor) or 0
        return -amount if known.direction == CREDIT else amount


@dataclass(frozen=True, slots=True)
class Remittance:
    """The rows of one remittance. Units: as of its lines."""

    remittance_key: RemittanceKey
    bank_lines: tuple[RemittanceLine, ...]

    @property
    def payments_minor(self) -> int:
        """Return the sum of all that was paid, without refunds."""
        return sum(amount for line in self.bank_lines if (amount := line.gross_minor or 0) > 0)

    @property
    def refunds_minor(self) -> int:
        """Return the sum of all that was given back. Shape: not negative."""
        return -sum(amount for line in self.bank_lines if (amount := line.gross_minor or 0) < 0)

    @property
    def gross_minor(self) -> int:
        return self.payments_minor - self.refunds_minor

    @property
    def fee_minor(self) -> int:
        return sum(line.fee_minor or 0 for line in self.bank_lines)

    @property
    def net_minor(self) -> int | None:
        """Return gross less fees; None while a row says no net, as those of wallets do."""
        nets = [line.net_minor for line in self.bank_lines]
        return None if None in nets else sum(net for net in nets if net is not None)

    @property
    def known_minor(self) -> int:
        """Return what this ledger knows of these payments, less refunds."""
        return sum(line.known_minor for line in self.bank_lines)

    @property
    def difference_minor(self) -> int:
        """Return what the rows say more than this ledger knows."""
        return self.gross_minor - self.known_minor

    def count(self, line_result: LineResult) -> int:
        """Return how many rows came to this."""
        return sum(line.line_result is line_result for line in self.bank_lines)


@dataclass(frozen=True, slots=True)
class SettledDays:
    """All remittances of some days, and what buyers' banks took back on them."""

    scope: Scope
    remittances: tuple[Remittance, ...]
    chargebacks: tuple[ListedRow, ...]

    @property
    def is_explained(self) -> bool:
        """Return True if every row is about a payment that is known with its amount."""
        return all(
            line.line_result is LineResult.MATCHED
            for each in self.remittances
            for line in each.bank_lines
        )


def settled_days(connection: Connection, scope: Scope) -> SettledDays:
    """Return what the kept files say of the money of some UTC days.

    Shape: by day, contract and number. Errors: ViewNotBuiltError, only where files list anything.
    """
    lines_by_key: dict[RemittanceKey, list[RemittanceLine]] = defaultdict(list)
    for listed_row in listed_of_days(connection, scope, JournalKind.BANK):
        lines_by_key[key_of(listed_row)].append(line_of(listed_row))
    remittances = [Remittance(key, tuple(lines)) for key, lines in lines_by_key.items()]
    return SettledDays(
        scope,
        tuple(sorted(remittances, key=_in_order)),
        tuple(listed_of_days(connection, scope, JournalKind.UNPAID)),
    )


def key_of(listed_row: ListedRow) -> RemittanceKey:
    """Return of which remittance a row of a bank journal is."""
    claim = listed_row.claim
    number = None if claim.settlement is None else claim.settlement.remittance_number
    return RemittanceKey(listed_row.moved_on, claim.contract, number, claim.currency)


def _in_order(remittance: Remittance) -> tuple[str, ...]:
    key = remittance.remittance_key
    day = key.remitted_on.isoformat()
    return day, key.contract or "", (key.number or "").zfill(12), key.currency or ""


def line_of(listed_row: ListedRow) -> RemittanceLine:
    """Return a row of a bank journal with what came of it."""
    claim, settlement = listed_row.claim, listed_row.claim.settlement
    if settlement is None or not _is_readable(claim, settlement):
        return RemittanceLine(listed_row, LineResult.UNREADABLE, None, None, None)
    sign = -1 if claim.direction == CREDIT else 1
    gross, fee, net = (
        None if amount_minor is None else sign * amount_minor
        for amount_minor in (settlement.gross_minor, settlement.fee_minor, settlement.net_minor)
    )
    return RemittanceLine(listed_row, _result(listed_row, settlement), gross, fee, net)


def _is_readable(claim: JournalRow, settlement: Settlement) -> bool:
    is_scaled = settlement.is_scale_known and settlement.gross_minor is not None
    return claim.currency is not None and claim.direction in ("DEBIT", CREDIT) and is_scaled


def _result(listed_row: ListedRow, settlement: Settlement) -> LineResult:
    if len(listed_row.match.known_transactions) > 1:
        return LineResult.AMBIGUOUS
    known = listed_row.match.known
    if known is None:
        return LineResult.UNMATCHED
    said = settlement.gross_minor, listed_row.claim.currency
    is_same = said == (known.amount_minor, known.currency)
    return LineResult.MATCHED if is_same else LineResult.DIFFERS
