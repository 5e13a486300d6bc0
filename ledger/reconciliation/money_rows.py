"""Writes what a file of the platform lists about money beside it, so that nobody has to open it.

The rows are derived: whoever reads files better makes them anew (`ledger import --again`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import Connection, insert

from ledger.reconciliation.journal_reading import Journal
from ledger.reconciliation.journal_rows import JournalKind, JournalRow
from ledger.storage.columns import lower_ascii
from ledger.storage.listed_money import listed_money

MONEY_KINDS = frozenset({JournalKind.BANK, JournalKind.UNPAID})
"""The files whose rows are kept so: what the bank was sent, and what buyers took back."""
_BATCH = 1_000

MoneyRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Whose a file is. Shape: `day` is the last UTC day that it is of, or else when it was made."""

    file_id: str
    shop_id: str
    mode: str
    day: date


def add_money_rows(connection: Connection, file_place: FilePlace, journal: Journal) -> None:
    """Write the rows of a file that is about money; of every other file nothing.

    Errors: JournalError, UnsealableError while its rows are read.
    """
    rows = money_rows(file_place, journal)
    while batch := list(islice(rows, _BATCH)):
        connection.execute(insert(listed_money), batch)


def money_rows(file_place: FilePlace, journal: Journal) -> Iterator[MoneyRow]:
    """Yield the rows of a file as the table has them. Errors: as `add_money_rows`."""
    journal_kind = journal.heading.journal_kind
    if journal_kind not in MONEY_KINDS:
        return
    for claim in journal.rows():
        yield {
            "file_id": file_place.file_id,
            "line": claim.line_number,
            "shop_id": file_place.shop_id,
            "mode": file_place.mode,
            "kind": journal_kind.value,
            "moved_on": _moved_on(claim, file_place.day).isoformat(),
            "trans_id": claim.trans_id and lower_ascii(claim.trans_id),
            "order_id": claim.order_id,
            "uuid": claim.uuid,
            "claim": claim.to_json(),
        }


def _moved_on(claim: JournalRow, file_day: date) -> date:
    remitted_on = None if claim.settlement is None else claim.settlement.remittance_on
    return remitted_on or file_day
