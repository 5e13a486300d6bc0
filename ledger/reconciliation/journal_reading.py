"""Reads files of the platform: what a file is as a whole, and then its rows, one by one."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger.reconciliation.journal_cells import fitting_divisors, is_decimal, read_made_at
from ledger.reconciliation.journal_columns import RECORD, meanings_of
from ledger.reconciliation.journal_error import JournalError
from ledger.reconciliation.journal_names import FileName, read_file_name
from ledger.reconciliation.journal_row_reader import MONEY, RowReader
from ledger.reconciliation.journal_rows import AmountScale, Heading, JournalKind, JournalRow
from ledger.reconciliation.journal_text import (
    Chunks,
    Line,
    encoding_of,
    lines_of,
    separator_of,
)

_TITLE, _LABELS, _END = "TITRE", RECORD, "FIN"
_KIND_BY_RECORD = {
    "TRANSACTION": JournalKind.TRANSACTIONS,
    "OPERATION": JournalKind.OPERATIONS,
    "MATCHING": JournalKind.BANK,
    "DETAIL": JournalKind.UNPAID,
}
_WITHOUT_END = frozenset({JournalKind.TRANSACTIONS, JournalKind.EXPORT})
_AMOUNTS = ("amount", "requested", "unpaid")


class _Head(NamedTuple):
    """The first lines of a file. Shape: `title` is empty for what has none."""

    title: Sequence[str]
    labels: Sequence[str]
    labels_number: int


@dataclass
class _Seen:
    """What the rows of a file have shown so far."""

    row_count: int = 0
    has_end: bool = False
    has_decimals: bool = False
    divisors: Counter[tuple[int, int]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Journal:
    """A file that can be read. Shape: `chunks` yields its bytes whenever it is called."""

    chunks: Chunks
    heading: Heading

    def rows(self) -> Iterator[JournalRow]:
        """Yield every detail row, in the order of the file. Errors: JournalError."""
        heading = self.heading
        reader = RowReader(heading)
        for line in _details(self.chunks, heading.encoding, heading.separator):
            yield reader.row(line)


def read_journal(chunks: Chunks, file_name: str, own_labels: Mapping[str, str]) -> Journal:
    """Read a file for the first time, whole. Shape: `own_labels` as in the shops file.

    Errors: JournalError for what is no file of the platform, was cut, or has unknown labels.
    """
    of_name = read_file_name(file_name)
    encoding = encoding_of(chunks)
    separator = separator_of(chunks, encoding)
    head = _head(chunks, encoding, separator)
    journal_kind = _kind(chunks, encoding, separator, head, of_name)
    meanings = meanings_of(journal_kind, head.labels, own_labels)
    seen = _look_at_rows(lines_of(chunks, encoding, separator), head, meanings)
    if journal_kind not in _WITHOUT_END and not seen.has_end:
        raise JournalError("its last line, FIN, is missing: it was cut", reason="cut-file")
    divisors = seen.divisors.most_common(1)
    net_divisor, fee_divisor = divisors[0][0] if divisors else (None, None)
    is_merchant = journal_kind is JournalKind.MERCHANT
    label = head.title[-1 if is_merchant else 0].strip() if head.title else None
    heading = Heading(
        journal_kind=journal_kind,
        version=_version(head.title),
        encoding=encoding,
        separator=separator,
        labels=tuple(head.labels),
        meanings=meanings,
        scale=AmountScale.DECIMAL if seen.has_decimals else AmountScale.MINOR,
        row_count=seen.row_count,
        shop_label=label,
        shop_id=of_name.shop_id,
        mode=of_name.mode,
        made_at=next(filter(None, map(read_made_at, head.title)), None),
        first_day=of_name.first_day,
        last_day=of_name.last_day,
        net_divisor=net_divisor,
        fee_divisor=fee_divisor,
    )
    return Journal(chunks, heading)


def reopen(chunks: Chunks, heading: Heading) -> Journal:
    """Return a file that was read before, by what was decided of it then."""
    return Journal(chunks, heading)


def _head(chunks: Chunks, encoding: str, separator: str) -> _Head:
    lines = lines_of(chunks, encoding, separator)
    first = next(lines, None)
    if first is None:
        raise JournalError("there is nothing in it", reason="not-a-journal")
    if first.cells[0].strip() != _TITLE:
        return _Head((), _stripped(first.cells), first.number)
    second = next(lines, None)
    if second is None or second.cells[0].strip() != _LABELS:
        raise JournalError("no line of labels follows its title", reason="not-a-journal")
    return _Head(_stripped(first.cells[1:]), _stripped(second.cells), second.number)


def _stripped(cells: Sequence[str]) -> list[str]:
    """Return cells without blanks around them; separators end a line, too."""
    stripped = [cell.strip() for cell in cells]
    while stripped and not stripped[-1]:
        stripped.pop()
    return stripped


def _kind(
    chunks: Chunks, encoding: str, separator: str, head: _Head, of_name: FileName
) -> JournalKind:
    if not head.title:
        return JournalKind.EXPORT
    if any(label.upper() == "TRANSACTION_UUID" for label in head.labels):
        return JournalKind.MERCHANT
    first = next(_details(chunks, encoding, separator), None)
    by_record = None if first is None else _KIND_BY_RECORD.get(first.cells[0].strip())
    journal_kind = by_record or of_name.journal_kind
    if journal_kind is None:
        message = "neither its rows nor its name say which journal it is"
        raise JournalError(message, reason="not-a-journal")
    if of_name.journal_kind not in (None, journal_kind, JournalKind.MERCHANT):
        message = f"its name says {of_name.journal_kind}, its rows {journal_kind}"
        raise JournalError(message, reason="not-a-journal")
    return journal_kind


def _details(chunks: Chunks, encoding: str, separator: str) -> Iterator[Line]:
    """Yield the lines between labels and end."""
    lines = lines_of(chunks, encoding, separator)
    first = next(lines, None)
    has_title = first is not None and first.cells[0].strip() == _TITLE
    for line in lines:
        if not has_title or line.cells[0].strip() not in (_LABELS, _END):
            yield line


def _look_at_rows(file_lines: Iterator[Line], head: _Head, meanings: Sequence[str]) -> _Seen:
    """Go over all rows once: what is decided for the whole file is decided by all of them."""
    seen = _Seen()
    places = {meaning: place for place, meaning in enumerate(meanings) if meaning}
    amounts = [place for meaning, place in places.items() if meaning in _AMOUNTS]
    money = [places.get(name) for name in MONEY]
    for line in file_lines:
        if line.number <= head.labels_number:
            continue
        if seen.has_end:
            raise JournalError(f"line {line.number} stands behind its end", reason="cut-file")
        if head.title and line.cells[0].strip() == _END:
            seen.has_end = True
            continue
        seen.row_count += 1
        if not seen.has_decimals:
            cells = (line.cells[place] for place in amounts if place < len(line.cells))
            seen.has_decimals = any(map(is_decimal, cells))
        if "gross" in places:
            seen.divisors.update(_fitting(line.cells, money))
    return seen


def _fitting(
    cells: Sequence[str], column_numbers: Sequence[int | None]
) -> Sequence[tuple[int, int]]:
    texts = [
        cells[place].strip() if place is not None and place < len(cells) else ""
        for place in column_numbers
    ]
    if not all(text.removeprefix("-").isdecimal() and text.isascii() for text in texts):
        return ()
    gross, net, fee = map(int, texts)
    return fitting_divisors(gross, net, fee)


def _version(title: Sequence[str]) -> str:
    """Return the version that a title names, without the word TABLE before it."""
    words = (cell.removeprefix("TABLE_") for cell in title)
    return next((word for word in words if word[:1] == "V" and len(word) <= 12), "")
