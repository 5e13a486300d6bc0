"""Matches rows about money with the payments that they are about: those first that moved money."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ledger.projections.money_outcomes import COUNTED
from ledger.reconciliation.assignment import Ambiguity, Certainty, Pair
from ledger.reconciliation.compared_sides import ComparedSides
from ledger.reconciliation.journal_rows import JournalKind, JournalRow
from ledger.reconciliation.known_transactions import KnownTransaction
from ledger.reconciliation.matching import match

MATCHES_MAX = 100
"""So many chargebacks of one payment are recognised."""

RowPlace = tuple[str, int]
"""A row by its file and line."""


@dataclass(frozen=True, slots=True)
class MoneyMatch:
    """A row and what it is about.

    Shape: no transaction when nothing here has its number and day; several when nothing tells them
    apart, and then `certainty` is ambiguous.
    """

    known_transactions: tuple[KnownTransaction, ...] = ()
    certainty: Certainty | None = None

    @property
    def known(self) -> KnownTransaction | None:
        """Return the one payment that it is about."""
        return self.known_transactions[0] if len(self.known_transactions) == 1 else None


_UNMATCHED = MoneyMatch()


def match_money(
    claims: Sequence[JournalRow],
    known_transactions: Sequence[KnownTransaction],
    journal_kind: JournalKind,
) -> dict[RowPlace, MoneyMatch]:
    """Match the rows of bank or unpaid journals. Shape: every row has its match, by its place.

    A payment is in one row of a bank journal; it may be taken back in several parts.
    """
    matches = {place_of(claim): _UNMATCHED for claim in claims}
    remaining = [_as_payment(claim) for claim in claims]
    counted = [known for known in known_transactions if known.status in COUNTED]
    uncounted = [known for known in known_transactions if known.status not in COUNTED]
    is_of_bank = journal_kind is JournalKind.BANK
    rounds = [counted, uncounted] if is_of_bank else [counted] * MATCHES_MAX
    for candidates in rounds:
        new = dict(_matched(remaining, candidates))
        if not new and not is_of_bank:
            break
        matches |= new
        remaining = [claim for claim in remaining if place_of(claim) not in new]
    return matches


def place_of(claim: JournalRow) -> RowPlace:
    """Return where a row stands."""
    return claim.file_id, claim.line_number


def _matched(
    claims: Sequence[JournalRow], known_transactions: Sequence[KnownTransaction]
) -> Iterator[tuple[RowPlace, MoneyMatch]]:
    with ComparedSides() as sides:
        sides.add_claims(claims, age=0, has_uuids=False)
        sides.add_known(known_transactions)
        for outcome in match(sides):
            if isinstance(outcome, Pair):
                yield place_of(outcome.claim), MoneyMatch((outcome.known,), outcome.certainty)
            elif isinstance(outcome, Ambiguity):
                for claim in outcome.claims:
                    ambiguous = MoneyMatch(outcome.known_transactions, Certainty.AMBIGUOUS)
                    yield place_of(claim), ambiguous


def _as_payment(claim: JournalRow) -> JournalRow:
    """Return the row with the amount by which it is told from others of its number and day."""
    settlement = claim.settlement
    amount_minor = claim.unpaid_amount_minor if settlement is None else settlement.gross_minor
    return replace(claim, amount_minor=amount_minor, status="CAPTURED")
