"""Says what the columns of each kind of file mean, and which of them a file cannot do without.

Source: delivery reference, sections 12.4 to 12.8 and 13.
"""

from collections.abc import Mapping, Sequence

from ledger.reconciliation.journal_error import JournalError
from ledger.reconciliation.journal_rows import JournalKind

_OF_ALL = {
    "TRANSACTION_UUID": "uuid",
    "UUID": "uuid",
    "TRANSACTION_ID": "trans_id",
    "ORDER_ID": "order_id",
    "CONTRACT": "contract",
    "PAYMENT_DATE": "paid_on",
    "PAYMENT_TIME": "paid_time",
    "TRANSACTION_TYPE": "direction",
    "OPERATION_DIRECTION": "direction",
    "ORIGIN_AMOUNT": "requested",
    "AMOUNT": "amount",
    "CURRENCY_CODE": "currency",
    "TRANSACTION_STATUS": "status",
    "SEQUENCE_NUMBER": "sequence",
    "ARCHIVE_REFERENCE": "archive",
}
_OF_KIND: Mapping[JournalKind, Mapping[str, str]] = {
    JournalKind.OPERATIONS: {
        "OPERATION_NAME": "operation",
        "OPERATION_AMOUNT": "amount",
        "OPERATION_CURRENCY": "currency",
    },
    JournalKind.BANK: {
        "OPERATION_TYPE": "direction",
        "BRUT_AMOUNT": "gross",
        "NET_AMOUNT": "net",
        "COMMISSION_AMOUNT": "fee",
        "REMITTANCE_NB": "remittance",
        "REMITTANCE_DATE": "remitted_on",
        "MATCH_STATUS": "match_status",
    },
    JournalKind.UNPAID: {"OPERATION_TYPE": "direction", "SOURCE_AMOUNT": "unpaid"},
}
_REFERENCES = ("uuid", "trans_id", "order_id")
_NEEDED: Mapping[JournalKind, Sequence[str]] = {
    JournalKind.TRANSACTIONS: ("paid_on", "status", "amount"),
    JournalKind.MERCHANT: ("uuid", "paid_on", "status"),
    JournalKind.EXPORT: ("paid_on", "status", "amount"),
    JournalKind.OPERATIONS: ("paid_on", "operation"),
    JournalKind.BANK: ("paid_on", "gross"),
    JournalKind.UNPAID: ("paid_on",),
}
_LABEL_BY_MEANING = {
    **{meaning: label for label, meaning in reversed(_OF_ALL.items())},
    **{meaning: label for own in _OF_KIND.values() for label, meaning in own.items()
       if meaning not in ("direction", "amount", "currency")},
}  # fmt: skip
RECORD = "ENTETE"
"""The label of the column that says what kind of record a line is."""
BUILT_IN = frozenset({*_OF_ALL, *(label for own in _OF_KIND.values() for label in own)})
"""The labels that a label of the merchant can stand for."""


def meanings_of(
    journal_kind: JournalKind, labels: Sequence[str], own_labels: Mapping[str, str]
) -> tuple[str, ...]:
    """Return what each column means, empty for those that are not read.

    Shape: `own_labels` are those of the merchant, each with the built-in one that it stands for.
    Errors: JournalError when a column is missing that the file cannot do without.
    """
    renamed = {_plain(label): _plain(means) for label, means in own_labels.items()}
    for label, means in own_labels.items():
        if _plain(means) not in BUILT_IN:
            message = f"the shops file says that {label} means {_plain(means)}: no journal has it"
            raise JournalError(message, reason="unknown-labels")
    known = {**_OF_ALL, **_OF_KIND.get(journal_kind, {})}
    meanings = []
    for label in labels:
        plain = _plain(label)
        meaning = known.get(renamed.get(plain, plain), "")
        meanings.append("" if meaning in meanings else meaning)
    missing = [name for name in _NEEDED[journal_kind] if name not in meanings]
    if not any(name in meanings for name in _REFERENCES):
        missing.append("trans_id")
    if missing:
        unknown = [
            label
            for label, meaning in zip(labels, meanings, strict=True)
            if not meaning and label != RECORD
        ]
        raise JournalError(_advice(unknown, missing), reason="unknown-labels")
    return tuple(meanings)


def _plain(label: str) -> str:
    return label.strip().upper()


def _advice(unknown: Sequence[str], missing: Sequence[str]) -> str:
    needed = [_LABEL_BY_MEANING[name] for name in missing]
    named = ", ".join(filter(None, map(str.strip, unknown))) or "none"
    table = '[[shops.labels]]\nlabel = "the label of your column"\nmeans = '
    tables = "\n".join(f'{table}"{label}"' for label in needed)
    return (
        f"no column means {', '.join(needed)}; unknown labels: {named}. Say in the shops file,"
        f" below the shop, which of them stands for what:\n{tables}"
    )
