"""Files of the platform for tests: valid by default, one difference per call."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from ledger.reconciliation.journal_error import JournalError
from ledger.reconciliation.journal_reading import Journal, read_journal
from ledger.reconciliation.journal_rows import JournalRow

JT_NAME = "JT_BOUTIQUE_12345678_260310.csv"
JRB_NAME = "JRB_BOUTIQUE_12345678_260310.csv"
_VALUES = {
    "TRANSACTION_ID": "410001",
    "CONTRACT": "1234567",
    "TRANSACTION_TYPE": "DEBIT",
    "ORIGIN_AMOUNT": "2990",
    "AMOUNT": "2990",
    "CURRENCY_CODE": "978",
    "PAYMENT_DATE": "20260310",
    "PAYMENT_TIME": "091504",
    "ORDER_ID": "CMD-1",
    "TRANSACTION_STATUS": "CAPTURED",
}
_BANK_VALUES = {
    "PAYMENT_DATE": "20260310",
    "TRANSACTION_ID": "410001",
    "CURRENCY_CODE": "978",
    "OPERATION_TYPE": "DT",
    "BRUT_AMOUNT": "2990",
    "NET_AMOUNT": "295500",
    "COMMISSION_AMOUNT": "35",
}
_TITLE = ("BOUTIQUE", "26/03/11_02:04:00", "TABLE_V_CUSTOM")


def a_file(
    *differences: Mapping[str, str],
    title: Sequence[str] | None = _TITLE,
    labels: Mapping[str, str] | None = None,
    end: str = "",
) -> str:
    """A transactions journal with a row for each mapping of labels to what is different in it.

    Shape: `labels` are further columns with their values; no `title`, no line of it.
    """
    return _written("TRANSACTION", {**_VALUES, **(labels or {})}, differences or ({},), title, end)


def a_bank_file(*differences: Mapping[str, str], end: str = "FIN;\n") -> str:
    """A bank journal with a row for each mapping of labels to what is different in it."""
    title = ("BOUTIQUE", "26/03/11_12:00:00", "TABLE_V2")
    return _written("MATCHING", _BANK_VALUES, differences or ({},), title, end)


def read(text: str | bytes, name: str = JT_NAME, chunk_bytes: int = 1 << 18) -> Journal:
    """The file of this text, read in pieces of this size."""
    content = text if isinstance(text, bytes) else text.encode()
    return read_journal(_in_pieces(content, chunk_bytes), name, {})


def rows_of(text: str | bytes, name: str = JT_NAME, chunk_bytes: int = 1 << 18) -> list[JournalRow]:
    """Its rows."""
    return list(read(text, name, chunk_bytes).rows())


def refusal_of(text: str | bytes, name: str = JT_NAME) -> tuple[str, str]:
    """Why it is refused: the reason, and the message."""
    try:
        read(text, name)
    except JournalError as refusal:
        return refusal.reason, str(refusal)
    raise AssertionError("it was read")


def _written(
    record: str,
    values: Mapping[str, str],
    differences: Sequence[Mapping[str, str]],
    title: Sequence[str] | None,
    end: str,
) -> str:
    lines = [] if title is None else [("TITRE", *title)]
    lines.append(("ENTETE", *values))
    lines += [(record, *{**values, **difference}.values()) for difference in differences]
    return "".join(f"{';'.join(cells)};\n" for cells in lines) + end


def _in_pieces(content: bytes, chunk_bytes: int) -> Callable[[], Iterator[bytes]]:
    starts = range(0, len(content), chunk_bytes)
    return lambda: (content[start : start + chunk_bytes] for start in starts)
