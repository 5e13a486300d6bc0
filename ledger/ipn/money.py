"""Amounts in the decimals of their currency, and the currency codes of both formats."""

from decimal import Decimal

from iso4217 import Currency

_BY_NUMBER = {
    f"{currency.number:03d}": currency.code for currency in Currency if currency.number is not None
}
_CODES = frozenset(currency.code for currency in Currency)


def currency_code(text: str) -> str | None:
    """Return the letters of an ISO 4217 currency, from its letters or digits; None if unknown."""
    return text if text in _CODES else _BY_NUMBER.get(text)


def decimal_text(amount_minor: int, currency: str) -> str:
    """Write an amount in major units, with as many decimals as its currency has (2 if unknown)."""
    digits = (Currency(currency).exponent or 0) if currency in _CODES else 2
    return f"{Decimal(amount_minor).scaleb(-digits):.{digits}f}"
