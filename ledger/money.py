"""Amounts in minor units with their currency, and the currency codes of both formats."""

from dataclasses import dataclass

from iso4217 import Currency

_BY_NUMBER = {f"{one.number:03d}": one.code for one in Currency if one.number is not None}
_CODES = frozenset(one.code for one in Currency)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency. Units: `amount_minor` counts minor units of `currency`."""

    amount_minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __str__(self) -> str:
        return f"{decimal_text(self.amount_minor, self.currency)} {self.currency}"


def currency_code(told: str) -> str | None:
    """Letters of an ISO 4217 currency told as three digits or three letters; None when unknown."""
    if told in _CODES:
        return told
    return _BY_NUMBER.get(told)


def decimal_text(amount_minor: int, currency: str) -> str:
    """Write an amount in major units, with as many decimals as its currency has (2 if unknown)."""
    digits = (Currency(currency).exponent or 0) if currency in _CODES else 2
    if digits == 0:
        return str(amount_minor)
    sign = "-" if amount_minor < 0 else ""
    whole, rest = divmod(abs(amount_minor), 10**digits)
    return f"{sign}{whole}.{rest:0{digits}d}"
