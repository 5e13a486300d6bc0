"""Reads what a form says of a person, and which of the deliveries about them are to be erased."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from ledger.errors import BadIdentifierError
from ledger.ipn.currencies import CURRENCIES
from ledger.ipn.signature import digest
from ledger.privacy.find import Found
from ledger.privacy.identifiers import IdentifierKind, Identifiers, identifier
from ledger.privacy.selection import Names, Selection
from ledger.queries.filter_conditions import TEXT_MAX
from ledger.queries.filter_words import spell_currency
from web.context import ledger
from web.pages.languages import N_
from web.pages.request_parameters import NO_SUCH_CHOICE, Amount, day, flag, text, texts

SHOWN_MAX = 300
"""So many deliveries are listed, each with a box; the others are chosen together or not at all."""
REASON = "art17"
PERSON = (
    *("shop_id", "email", "phone", "customer", "card_end", "amount", "currency", "day"),
    *("order", "alias", "transaction"),
)
"""The fields that say who is to be found; each later form repeats them."""
CHOICE = ("delivery", "rest", "reason")
"""The fields that say what is to be erased, and why."""


def _checked(is_right: Callable[[str], bool], message: str) -> fields.Field[Any]:
    def check(word: str) -> None:
        if not is_right(word):
            raise ValidationError(message)

    too_long = validate.Length(max=TEXT_MAX, error=N_("This is too long."))
    return fields.String(validate=[too_long, check])


def _identifies(kind: str) -> Callable[[str], bool]:
    def is_right(word: str) -> bool:
        try:
            return bool(identifier(kind, word))
        except BadIdentifierError:
            return False

    return is_right


class PersonForm(Schema):
    """What an operator says of a person, and then of the deliveries that were listed.

    Shape: `rest` are those beyond the listed ones; `seen` is the fingerprint of what was shown.
    """

    shop_id = _checked(lambda word: word in ledger().shops.shop_by_id, NO_SUCH_CHOICE)
    email = _checked(_identifies(IdentifierKind.EMAIL), N_("This is no e-mail address."))
    phone = _checked(_identifies(IdentifierKind.PHONE), N_("This is no phone number."))
    customer, order, alias, transaction = text(), text(), text(), text()
    card_end = _checked(
        lambda word: len(word) == len("1234") and word.isascii() and word.isdecimal(),
        N_("These are no four digits."),
    )
    amount = Amount()
    currency = _checked(
        lambda word: spell_currency(word) in CURRENCIES, N_("Write a currency as EUR.")
    )
    day = day()
    delivery = texts()
    rest = flag()
    reason, seen = text(limit=100), text(limit=100)

    @validates_schema
    def _name_somebody(self, parameters: Mapping[str, Any], **_: Any) -> None:
        if "shop_id" not in parameters:
            raise ValidationError(NO_SUCH_CHOICE, "shop_id")
        if ("card_end" in parameters) != bool(parameters.keys() & {"amount", "day"}):
            raise ValidationError(
                N_("The end of a card belongs together with an amount or a day."), "card_end"
            )
        if "amount" in parameters and "currency" not in parameters:
            raise ValidationError(N_("Write a currency as EUR."), "currency")
        if not parameters.keys() & {*PERSON} - {"shop_id", "currency"}:
            raise ValidationError(
                N_("Name at least one thing by which the person can be found."), "email"
            )
        try:
            identifiers_of(parameters).written()
        except BadIdentifierError as error:  # more decimals than the currency has
            raise ValidationError(N_("Write an amount as 12.50."), "amount") from error


def identifiers_of(parameters: Mapping[str, Any]) -> Identifiers:
    """Return what a form says of a person, as it is looked for."""

    def named(name: str) -> list[Any]:
        return [parameters[name]] if name in parameters else []

    currency = spell_currency(parameters.get("currency", ""))
    return Identifiers(
        emails=named("email"),
        phones=named("phone"),
        customers=named("customer"),
        card_end=parameters.get("card_end"),
        amounts=[(amount, currency) for amount in named("amount")],
        days=named("day"),
        orders=named("order"),
        aliases=named("alias"),
        transaction_names=named("transaction"),
    )


def chosen_names(findings: Found, parameters: Mapping[str, Any]) -> Names:
    """Return which of the deliveries a form has chosen; all others are left out."""
    ids = findings.origin_ids
    ticked = {*parameters.get("delivery", ())}
    chosen = [id_ for id_ in ids[:SHOWN_MAX] if id_ in ticked]
    chosen += ids[SHOWN_MAX:] if parameters["rest"] else []
    return Names(delivery_ids=chosen, excepted=sorted({*ids} - {*chosen}))


def fingerprint(selection: Selection) -> str:
    """Return what tells a selection from every other, so that only what was shown is erased."""
    ids = sorted(selection.origin_ids) + sorted(id_.hex for id_ in selection.stream_ids)
    return digest("\0".join(ids).encode())
