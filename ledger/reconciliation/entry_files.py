"""Writes entries as a file for accounting software, or as a journal of hledger."""

from collections.abc import Iterable, Iterator

from ledger.ipn.money import decimal_text
from ledger.queries.export_formats import csv_cell
from ledger.reconciliation.accounts import Accounts
from ledger.reconciliation.entries import Entry, Posting

FEC_COLUMNS = (
    *("JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib"),
    *("CompAuxNum", "CompAuxLib", "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit"),
    *("EcritureLet", "DateLet", "ValidDate", "Montantdevise", "Idevise"),
)
"""The columns of the French file of accounting entries, in their order.

Source: article A47 A-1 of the French book of tax procedures. Accounting software imports files of
this layout; the legal file is of a whole year and made by that software.
"""
BOOK_CURRENCY = "EUR"
"""Debit and Credit are in it; another currency also has its amount in Montantdevise."""


def fec_lines(entries: Iterable[Entry], accounts: Accounts) -> Iterator[str]:
    """Yield the header and a line for each posting of the entries in euros.

    Shape: tabs between columns, days as YYYYMMDD, a comma before the cents, CR LF at the end.
    An entry in another currency is left out: nobody here knows what it was worth in euros.
    """
    yield _fec_line(FEC_COLUMNS)
    in_euros = (entry for entry in entries if entry.currency == BOOK_CURRENCY)
    for number, entry in enumerate(in_euros, 1):
        for posting in entry.postings:
            yield _fec_line(_fec_cells(number, entry, posting, accounts))


def hledger_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield the entries as a journal that hledger reads, each payment with the tag `uuid:`."""
    for entry in entries:
        yield f"{entry.booked_on.isoformat()} ({_plain(entry.piece)}) {_plain(entry.label)}\n"
        for posting in entry.postings:
            amount = decimal_text(posting.amount_minor, entry.currency)
            account = _plain(f"{posting.account.number} {posting.account.label}")
            tags = f"  ; uuid:{posting.uuid}" if posting.uuid else ""
            yield f"    {account}  {amount} {entry.currency}{tags}\n"
        yield "\n"


def _fec_cells(number: int, entry: Entry, posting: Posting, accounts: Accounts) -> list[str]:
    day = f"{entry.booked_on:%Y%m%d}"
    amount = decimal_text(abs(posting.amount_minor), entry.currency).replace(".", ",")
    zero = decimal_text(0, entry.currency).replace(".", ",")
    is_debit = posting.amount_minor > 0
    return [
        *(accounts.journal.number, accounts.journal.label, str(number), day),
        *(posting.account.number, posting.account.label),
        *("", ""),
        *(entry.piece, day, posting.label),
        *((amount, zero) if is_debit else (zero, amount)),
        *("", "", day, "", ""),
    ]


def _fec_line(cells: Iterable[str]) -> str:
    return "\t".join(str(csv_cell(_text(cell))) for cell in cells) + "\r\n"


def _plain(label: str) -> str:
    """Return a text that hledger reads as one: no comment, no bar, no parentheses."""
    return _text(label).translate(_SIGNS_OF_HLEDGER)


def _text(cell: str) -> str:
    """Return a text on one line, with single blanks, that needs no quotation marks."""
    return " ".join(cell.split()).replace('"', "'")


_SIGNS_OF_HLEDGER = str.maketrans({";": ",", "|": "/", "(": "[", ")": "]"})
