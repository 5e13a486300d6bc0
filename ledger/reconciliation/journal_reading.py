"""Reads files of the platform: what a file is as a whole, and then its rows, one by one."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger.reconciliation.journal_cells import (
    fitting_divisors,
    is_decimal,
    read_integer,
    read_made_at,
)
from ledger.reconciliation.journal_columns import RECORD, meanings_of
from ledger.reconciliation.journal_error import JournalError
from ledger.reconciliation.journal_names import FileName, read_file_name
from ledger.reconciliation.journal_row_reader import MONEY, RowReader, unquoted
from ledger.reconciliation.journal_rows import AmountScale, Heading, JournalKind, JournalRow
from ledger.reconciliation.journal_text import (
    Chunks,
    Line,
    Spelling,
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
_OF_MERCHANT = {"TRANSACTION_UUID", "OPERATION_DIRECTION"}
"""What no other journal has together."""
_WITHOUT_END = frozenset({JournalKind.TRANSACTIONS, JournalKind.EXPORT})
_AMOUNTS = ("amount", "requested", "unpaid")


class _Head(NamedTuple):
    """The first lines of a file.

    Shape: `title` is empty for what has none; `cell_count` counts the cells of the labels' line,
    with an empty one where a separator ends it.
    """

    title: Sequence[str]
    labels: Sequence[str]
    labels_number: int
    cell_count: int


@dataclass
class _Seen:
    """What the rows of a file have shown so far."""

    row_count: int = 0
    has_end: bool = False
    has_decimals: bool = False
    record: str = ""
    divisors: Counter[tuple[int, int]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Journal:
    """A file that was read once, and can be read again by what was decided of it then.

    Shape: `chunks` yields its bytes whenever it is called; `file_id` is empty until it is kept.
    """

    chunks: Chunks
    heading: Heading
    file_id: str = ""

    def rows(self) -> Iterator[JournalRow]:
        """Yield every detail row, in the order of the file. Errors: JournalError."""
        heading = self.heading
        reader = RowReader(heading, self.file_id)
        is_quoted = heading.journal_kind is JournalKind.EXPORT
        spelling = Spelling(heading.encoding, heading.separator, is_quoted)
        for line in _details(self.chunks, spelling):
            yield reader.row(line)


def read_journal(chunks: Chunks, file_name: str, own_labels: Mapping[str, str]) -> Journal:
    """Read a file for the first time, whole. Shape: `own_labels` as in the shops file.

    Errors: JournalError for what is no file of the platform, was cut, or has unknown labels.
    """
    of_name = read_file_name(file_name)
    encoding = encoding_of(chunks)
    separator = separator_of(chunks, encoding)
    head = _head(chunks, Spelling(encoding, separator, is_quoted=False))
    spelling = Spelling(encoding, separator, is_quoted=not head.title)
    if spelling.is_quoted:
        head = _head(chunks, spelling)
    journal_kind = _kind(chunks, spelling, head, of_name)
    meanings = meanings_of(journal_kind, head.labels, own_labels)
    seen = _look_at_rows(lines_of(chunks, spelling), head, meanings)
    if journal_kind not in _WITHOUT_END and not seen.has_end:
        raise JournalError("its last line, FIN, is missing: it was cut", reason="cut-file")
    divisors = seen.divisors.most_common(1)
    net_divisor, fee_divisor = divisors[0][0] if divisors else (None, None)
    is_merchant = journal_kind is JournalKind.MERCHANT
    title, label = _without_label(head.title, is_last=is_merchant)
    heading = Heading(
        journal_kind=journal_kind,
        version=_version(title),
        encoding=encoding,
        separator=separator,
        labels=tuple(head.labels),
        meanings=meanings,
        scale=AmountScale.DECIMAL if seen.has_decimals else AmountScale.MINOR,
        row_count=seen.row_count,
        shop_label=label,
        shop_id=of_name.shop_id,
        mode=of_name.mode,
        made_at=next(filter(None, map(read_made_at, title)), None),
        first_day=of_name.first_day,
        last_day=of_name.last_day,
        net_divisor=net_divisor,
        fee_divisor=fee_divisor,
    )
    return Journal(chunks, heading)


def _head(chunks: Chunks, spelling: Spelling) -> _Head:
    lines = lines_of(chunks, spelling)
    first = next(lines, None)
    if first is None:
        raise JournalError("there is nothing in it", reason="not-a-journal")
    if _record_of(first) != _TITLE:
        return _Head((), _stripped(first.cells), first.number, len(first.cells))
    second = next(lines, None)
    if second is None or _record_of(second) != _LABELS:
        raise JournalError("no line of labels follows its title", reason="not-a-journal")
    title, labels = _stripped(first.cells[1:]), _stripped(second.cells)
    return _Head(title, labels, second.number, len(second.cells))


def _record_of(detail_line: Line) -> str:
    """Return what kind of record a line of a journal says that it is."""
    return unquoted(detail_line.cells[0])


def _stripped(cells: Sequence[str]) -> list[str]:
    """Return cells without blanks around them; separators end a line, too."""
    stripped = list(map(unquoted, cells))
    while stripped and not stripped[-1]:
        stripped.pop()
    return stripped


def _kind(chunks: Chunks, spelling: Spelling, head: _Head, of_name: FileName) -> JournalKind:
    if not head.title:
        if head.labels[:1] == [_LABELS]:
            raise JournalError("its first line, TITRE, is missing: it was cut", reason="cut-file")
        return JournalKind.EXPORT
    said = of_name.journal_kind
    labels = {label.upper() for label in head.labels}
    if said is JournalKind.MERCHANT or (said is None and labels >= _OF_MERCHANT):
        return JournalKind.MERCHANT
    first = next(_details(chunks, spelling), None)
    by_record = None if first is None else _KIND_BY_RECORD.get(_record_of(first))
    journal_kind = by_record or said
    if journal_kind is None:
        message = "neither its rows nor its name say which journal it is"
        raise JournalError(message, reason="not-a-journal")
    if said not in (None, journal_kind):
        message = f"its name says {said}, its rows {journal_kind}"
        raise JournalError(message, reason="not-a-journal")
    return journal_kind


def _details(chunks: Chunks, spelling: Spelling) -> Iterator[Line]:
    """Yield the lines between labels and end."""
    lines = lines_of(chunks, spelling)
    next(lines, None)  # the title of a journal, the labels of an export
    for line in lines:
        if spelling.is_quoted or _record_of(line) not in (_LABELS, _END):
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
        record = _record_of(line)
        if head.title and record == _END:
            seen.has_end = True
            continue
        _refuse_broken(line, record, head, seen)
        seen.row_count += 1
        if not seen.has_decimals:
            seen.has_decimals = any(is_decimal(line.cells[place]) for place in amounts)
        if "gross" in places:
            seen.divisors.update(_fitting(line.cells, money))
    return seen


def _refuse_broken(detail_line: Line, record: str, head: _Head, seen: _Seen) -> None:
    """Refuse a line that was cut, or that belongs to another file. Errors: JournalError."""
    if len(detail_line.cells) < head.cell_count:
        message = (
            f"line {detail_line.number} has {len(detail_line.cells)} cells of {head.cell_count}"
        )
        raise JournalError(message, reason="cut-file")
    if head.title:
        if record == _LABELS:
            message = f"line {detail_line.number} has labels again"
            raise JournalError(message, reason="not-a-journal")
        seen.record = seen.record or record
        if record != seen.record:
            message = f"line {detail_line.number} is a {record} among lines of {seen.record}"
            raise JournalError(message, reason="not-a-journal")


def _fitting(
    cells: Sequence[str], column_numbers: Sequence[int | None]
) -> Sequence[tuple[int, int]]:
    gross, net, fee = (
        None if place is None else read_integer(unquoted(cells[place])) for place in column_numbers
    )
    if gross is None or net is None or fee is None:
        return ()
    return fitting_divisors(gross, net, fee)


def _without_label(title: Sequence[str], *, is_last: bool) -> tuple[Sequence[str], str | None]:
    """Return a title without the label of the shop, which may look like anything, and the label."""
    if not title:
        return (), None
    return (title[:-1], title[-1]) if is_last else (title[1:], title[0])


def _version(title: Sequence[str]) -> str:
    """Return the version that a title names, without the word TABLE before it."""
    words = (cell.removeprefix("TABLE_") for cell in title)
    return next((word for word in words if word[:1] == "V" and len(word) <= 12), "")
