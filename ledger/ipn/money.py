"""Amounts in the decimals of their currency."""

from decimal import Decimal

from ledger.ipn.currencies import decimals_of


def decimal_text(amount_minor: int, currency: str) -> str:
    """Write an amount in major units, with as many decimals as its currency has (2 if unknown)."""
    digits = decimals_of(currency)
    return f"{Decimal(amount_minor).scaleb(-digits):.{digits}f}"
