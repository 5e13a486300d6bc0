"""Amounts in the decimals of their currency, and how much of money the platform can move."""

from decimal import Decimal, InvalidOperation

from ledger.ipn.currencies import decimals_of

AMOUNT_MINOR_MAX = 10**12 - 1
"""The platform's amounts have at most 12 digits. Source: form-v2 reference, `vads_amount`."""


def counted_minor(amount_minor: int | None) -> int | None:
    """Return what counts of an amount: None for none, and for one that the platform cannot move."""
    is_moved = amount_minor is not None and abs(amount_minor) <= AMOUNT_MINOR_MAX
    return amount_minor if is_moved else None


def decimal_text(amount_minor: int, currency: str) -> str:
    """Write an amount in major units, with as many decimals as its currency has (2 if unknown)."""
    digits = decimals_of(currency)
    return f"{Decimal(amount_minor).scaleb(-digits):.{digits}f}"


def minor_of(text: str, currency: str) -> int:
    """Read an amount in major units, as people write it. Shape: `12.34` or `12,34`.

    Errors: ValueError for what is no such amount, or has more decimals than its currency.
    """
    try:
        minor = Decimal(text.strip().replace(",", ".")).scaleb(decimals_of(currency))
        if 0 <= minor <= AMOUNT_MINOR_MAX and minor == int(minor):
            return int(minor)
    except InvalidOperation:  # no number, or one that is not to be compared
        pass
    raise ValueError(f"{text} is no amount in {currency}")
