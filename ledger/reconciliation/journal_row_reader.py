"""Reads the detail lines of one file into rows, by what was decided for the whole file."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from ledger.reconciliation.journal_cells import (
    fitting_divisors,
    read_amount,
    read_currency,
    read_day,
    read_direction,
    read_integer,
    read_moment,
    read_status,
    read_time,
    sequence_in,
)
from ledger.reconciliation.journal_rows import Heading, JournalRow, Settlement
from ledger.reconciliation.journal_text import Line

Value = TypeVar("Value")

MONEY = ("gross", "net", "fee")
"""What a bank row says of the money, by the meanings of its columns."""


class RowReader:
    """Reads the lines of one file."""

    def __init__(self, heading: Heading, file_id: str = "") -> None:
        self._heading = heading
        self._file_id = file_id
        meanings = enumerate(heading.meanings)
        self._places = {meaning: place for place, meaning in meanings if meaning}
        self._has_money = "gross" in heading.meanings

    def row(self, detail_line: Line) -> JournalRow:
        """Read one line. Shape: what cannot be read is None, and named."""
        cells = _Cells(detail_line.cells, self._places)
        currency = cells.read("currency", read_currency)
        paid_on = cells.read("paid_on", read_day)
        amount = partial(read_amount, scale=self._heading.scale, currency=currency)
        uuid = cells.text("uuid")
        return JournalRow(
            line_number=detail_line.number,
            uuid=uuid and uuid.lower(),
            trans_id=cells.text("trans_id"),
            order_id=cells.text("order_id"),
            contract=cells.text("contract"),
            paid_on=paid_on,
            paid_at=read_moment(paid_on, cells.text("paid_on"), cells.read("paid_time", read_time)),
            direction=cells.read("direction", read_direction),
            sequence_number=_sequence(cells),
            amount_minor=cells.read("amount", amount),
            requested_amount_minor=cells.read("requested", amount),
            currency=currency,
            status=cells.read("status", read_status),
            operation=cells.text("operation"),
            settlement=self._settlement(cells, currency) if self._has_money else None,
            unpaid_amount_minor=cells.read("unpaid", amount),
            unreadable=tuple(cells.unreadable),
            file_id=self._file_id,
        )

    def _settlement(self, cells: "_Cells", currency: str | None) -> Settlement:
        """Read the money of a bank row: by the divisors of the file, or not at all."""
        gross, net, fee = (cells.read(name, read_integer) for name in MONEY)
        net_divisor, fee_divisor = self._heading.net_divisor, self._heading.fee_divisor
        is_known = (
            None not in (gross, net, fee)
            and (net_divisor, fee_divisor) in fitting_divisors(gross or 0, net or 0, fee or 0)
        ) or (net is None and fee is None and gross is not None)
        return Settlement(
            remittance_number=cells.text("remittance"),
            remittance_on=cells.read("remitted_on", read_day),
            match_status=cells.text("match_status"),
            currency=currency,
            gross_minor=gross if is_known else None,
            fee_minor=fee // (fee_divisor or 1) if is_known and fee is not None else None,
            net_minor=net // (net_divisor or 1) if is_known and net is not None else None,
            is_scale_known=is_known,
        )


class _Cells:
    """The cells of one line by their meanings, and which of them could not be read."""

    def __init__(self, cells: Sequence[str], place_by_meaning: Mapping[str, int]) -> None:
        self._text_by_meaning = {
            meaning: unquoted(cells[place]) for meaning, place in place_by_meaning.items()
        }
        self.unreadable: list[str] = []

    def text(self, meaning: str) -> str | None:
        """Return what stands there, or None."""
        return self._text_by_meaning.get(meaning) or None

    def read(self, meaning: str, read_cell: Callable[[str], Value | None]) -> Value | None:
        """Read a cell; note its meaning when something stands there that cannot be read."""
        text = self._text_by_meaning.get(meaning)
        if not text:
            return None
        value = read_cell(text)
        if value is None:
            self.unreadable.append(meaning)
        return value


def unquoted(cell: str) -> str:
    """Return a cell without blanks, and without the quotation marks that a program put around."""
    text = cell.strip()
    if text[:1] != '"' or len(text) == 1 or text[-1] != '"':
        return text
    return text[1:-1].strip()


def _sequence(cells: _Cells) -> int | None:
    own = cells.read("sequence", read_integer)
    return own if own is not None else sequence_in(cells.text("archive") or "")
