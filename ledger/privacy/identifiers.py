"""Recognises what identifies a person in a delivery, and writes it so that equals are equal.

An e-mail address counts wherever it stands; all else in the fields that the platform has for it.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from ledger.errors import BadIdentifierError
from ledger.ipn.currencies import CURRENCIES
from ledger.ipn.money import minor_of
from ledger.ipn.snapshots import Fact

Scalars = Iterable[Sequence[str]]
"""Texts of a delivery by name: of a field, or the dotted path in an answer."""


class IdentifierKind(StrEnum):
    """What kind of name a person is found by; these words are stored and public."""

    EMAIL = "email"
    PHONE = "phone"
    CUSTOMER = "customer"
    CARD_AMOUNT = "card-amount"
    CARD_DAY = "card-day"
    ORDER = "order"
    ALIAS = "alias"
    TRANSACTION = "transaction"


class Identifier(NamedTuple):
    """What may identify a person. Shape: `value` is written as `identifier` writes it."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifiers:
    """What somebody says of a person who is to be found, as they say it.

    Shape: `card_end` are the last four digits, which find nobody without an amount (`12.34` and
    the letters of its currency) or a day (UTC) beside them.
    """

    emails: Sequence[str] = ()
    phones: Sequence[str] = ()
    customers: Sequence[str] = ()
    card_end: str | None = None
    amounts: Sequence[tuple[str, str]] = ()
    days: Sequence[date] = ()
    orders: Sequence[str] = ()
    aliases: Sequence[str] = ()
    transaction_names: Sequence[str] = ()

    def written(self) -> list[Identifier]:
        """Return them as they are looked for. Shape: at least one. Errors: BadIdentifierError."""
        texts_by_kind = {
            IdentifierKind.EMAIL: self.emails,
            IdentifierKind.PHONE: self.phones,
            IdentifierKind.CUSTOMER: self.customers,
            IdentifierKind.ORDER: self.orders,
            IdentifierKind.ALIAS: self.aliases,
            IdentifierKind.TRANSACTION: self.transaction_names,
        }
        identifiers = [
            identifier(kind, text) for kind, texts in texts_by_kind.items() for text in texts
        ]
        identifiers += self._of_card()
        if not identifiers:
            raise BadIdentifierError("name at least one thing by which the person can be found")
        return list(dict.fromkeys(identifiers))

    def _of_card(self) -> Iterator[Identifier]:
        if (self.card_end is None) == bool(self.amounts or self.days):
            raise BadIdentifierError(
                "the last four digits of a card belong together with an amount or a day"
            )
        if self.card_end is None:
            return
        if not is_card_end(self.card_end):
            raise BadIdentifierError("the end of a card is its last four digits")
        for text, currency in self.amounts:
            letters = currency.upper()
            try:
                minor = minor_of(text, letters)
            except ValueError as error:
                raise BadIdentifierError(str(error)) from error
            if letters not in CURRENCIES:
                raise BadIdentifierError(f"{currency} is no currency of ISO 4217")
            yield card_amount(self.card_end, minor, letters)
        for day in self.days:
            yield card_day(self.card_end, day.isoformat())


def identifier(kind: str, text: str) -> Identifier:
    """Write what somebody says as it is looked for. Errors: BadIdentifierError."""
    value = _WRITTEN.get(kind, str.strip)(text)
    if not value:
        raise BadIdentifierError(f"this is no {_NAMES.get(kind, f'name of a {kind}')}")
    return Identifier(kind, value)


# -- how values are written -----------------------------------------------------------------------


def email(text: str) -> str | None:
    """Write an e-mail address, whatever its case, its blanks and its width; None if it is none."""
    for _ in range(2):  # composing may leave what is to be folded
        text = unicodedata.normalize("NFKC", text).casefold()
    address = unicodedata.normalize("NFKC", "".join(text.split()))
    local, _, domain = address.rpartition("@")
    return address if local and domain else None


def phone(text: str) -> str | None:
    """Write a phone number in digits alone, with a plus before that of a country; None if it is
    none. Shape: `00` is a plus, and `(0)` behind a country is nothing."""
    text = unicodedata.normalize("NFKC", text)
    signs = "".join(sign for sign in text if sign.isdecimal() or sign == "+")
    if signs.startswith(("+", "00")):
        signs = "".join(sign for sign in text.replace("(0)", "") if sign.isdecimal())
        signs = f"+{_in_ascii(signs).lstrip('0')}"
    else:
        signs = _in_ascii(signs.replace("+", ""))
    return signs if len(signs) >= _PHONE_LENGTH_MIN else None


def _in_ascii(digits: str) -> str:
    return "".join(str(int(digit)) for digit in digits)


def is_card_end(digits: str) -> bool:
    """Return True if these are four digits."""
    return len(digits) == len("1234") and digits.isascii() and digits.isdecimal()


def card_amount(digits: str, amount_minor: object, currency: object) -> Identifier:
    """Return the end of a card beside an amount. Units: minor."""
    return Identifier(IdentifierKind.CARD_AMOUNT, f"{digits} {amount_minor} {currency}")


def card_day(digits: str, day: str) -> Identifier:
    """Return the end of a card beside a day of UTC. Shape: `2026-03-10`."""
    return Identifier(IdentifierKind.CARD_DAY, f"{digits} {day}")


# -- what a delivery holds ------------------------------------------------------------------------


def identifiers_of_fields(scalars: Scalars) -> Iterator[Identifier]:
    """Yield what identifies persons in the texts of a delivery, but for the ends of cards."""
    for name, text in scalars:
        last_two = ".".join(name.split(".")[-2:])
        if last_two in _PHONES and (number := phone(text)):
            yield Identifier(IdentifierKind.PHONE, number)
        elif last_two in _CUSTOMERS and (reference := text.strip()):
            yield Identifier(IdentifierKind.CUSTOMER, reference)
        if "@" in text or "\uff20" in text:
            pieces = [text] if last_two in _EMAILS else []
            for piece in (*pieces, *text.translate(_SEPARATORS).split()):
                if address := email(piece.strip(".")):
                    yield Identifier(IdentifierKind.EMAIL, address)


def identifiers_of_cards(facts: Mapping[str, Fact], scalars: Scalars) -> Iterator[Identifier]:
    """Yield the ends of the cards in texts about a transaction, by its amounts and its day."""
    at = facts.get("created_at") or facts.get("trans_date")
    for _, text in scalars:
        digits = text[-4:]
        is_masked = _HIDDEN_DIGITS.issuperset(text[-8:-4]) and len(text) > len("XXXX1234")
        if not is_masked or not is_card_end(digits):
            continue
        if at is not None:
            yield card_day(digits, str(at)[: len("2026-03-10")])
        for amount, currency in (("amount_minor", "currency"), _REQUESTED):
            if amount in facts and currency in facts:
                yield card_amount(digits, facts[amount], facts[currency])


_EMAILS = frozenset({"vads_cust_email", "customer.email"})
_PHONES = frozenset(
    {"vads_cust_phone", "vads_cust_cell_phone", "vads_ship_to_phone_num"}
    | {
        f"{part}.{name}"
        for part in ("billingDetails", "shippingDetails")
        for name in ("phoneNumber", "cellPhoneNumber")
    }
)
_CUSTOMERS = frozenset({"vads_cust_id", "customer.reference"})
_REQUESTED = ("requested_amount_minor", "requested_currency")
_HIDDEN_DIGITS = frozenset("Xx*")
_SEPARATORS = str.maketrans(dict.fromkeys(",;:<>()[]{}\"'/?&=|", " "))
_PHONE_LENGTH_MIN = 4
_WRITTEN: Mapping[str, Callable[[str], str | None]] = {
    IdentifierKind.EMAIL: email,
    IdentifierKind.PHONE: phone,
}
_NAMES: Mapping[str, str] = {
    IdentifierKind.EMAIL: "e-mail address",
    IdentifierKind.PHONE: "phone number",
}
