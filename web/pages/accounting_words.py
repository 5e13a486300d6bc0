"""What a file for accountants says: its headers, and codes in words, in the language of choice."""

from ledger.aggregates.basis import ASKED, TOLD
from ledger.queries.accounting import INSTANTS
from ledger.queries.accounting_files import AccountingWords
from web.pages.languages import N_, translator
from web.pages.translations import MODES, OPERATIONS, STATUSES

BASES = {TOLD: N_("notified"), ASKED: N_("queried")}
"""By what a transaction is known."""

_HEADERS = {
    "paid_at": N_("Date of payment"),
    "order_id": N_("Order"),
    "uuid": N_("Transaction"),
    "trans_id": N_("Transaction number"),
    "operation_type": N_("Type"),
    "status": N_("Status"),
    "amount": N_("Amount"),
    "counted": N_("Amount that counts"),
    "currency": N_("Currency"),
    "payment_method": N_("Means of payment"),
    "authorisation_number": N_("Authorisation number"),
    "capture_at": N_("Capture due"),
    "captured_at": N_("Captured on"),
    "shop": N_("Shop"),
    "shop_id": N_("Shop number"),
    "mode": N_("Mode"),
    "basis": N_("Basis"),
    "known_at": N_("Known since"),
}
_TOTAL_HEADERS = {
    "currency": N_("Currency"),
    "payments": N_("Payments"),
    "paid": N_("Amount of payments"),
    "refunds": N_("Refunds"),
    "refunded": N_("Amount of refunds"),
    "net": N_("Net"),
    "others": N_("Transactions that do not count"),
}
_SHEETS = (N_("Transactions"), N_("Totals"))
_DECIMAL_COMMA = ("fr",)
"""Languages whose spreadsheets have a decimal comma, divide columns at semicolons, and write the
day first."""


def accounting_words(language: str, zone: str) -> AccountingWords:
    """Return how a file speaks one language; headers of times name the zone that these are of."""
    translate = translator(language)
    has_comma = language in _DECIMAL_COMMA
    codes = {"operation_type": OPERATIONS, "status": STATUSES, "mode": MODES, "basis": BASES}
    return AccountingWords(
        delimiter=";" if has_comma else ",",
        decimal_mark="," if has_comma else ".",
        is_day_first=has_comma,
        headers={
            name: translate(text) + (f" ({zone})" if name in INSTANTS else "")
            for name, text in _HEADERS.items()
        },
        total_headers={name: translate(text) for name, text in _TOTAL_HEADERS.items()},
        sheets=(translate(_SHEETS[0]), translate(_SHEETS[1])),
        words_by_code={
            column: {code: translate(text) for code, text in words.items()}
            for column, words in codes.items()
        },
    )
