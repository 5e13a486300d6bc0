"""Reads the parameters in a page's address as people write them, and says what is wrong with them.

The address is the question: it can be kept, sent to somebody else, and opened again. Fields that
were left empty do not belong to it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from flask import abort, redirect, request
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from ledger.instants import end_of
from ledger.ipn.money import decimal_text
from ledger.ipn.storable import INTEGER_MAX, UNSTORABLE
from ledger.queries.filter_conditions import TEXT_MAX
from web.pages.languages import N_, ZONES, zone_name
from web.paths import own_path

_OF_THE_LIBRARY = (N_("Not a valid boolean."),)
"""What marshmallow may say beside our own words."""

NO_SUCH_FILTER = N_("There is no such filter.")

NO_SUCH_CHOICE = N_("There is no such choice.")
OTHER_QUESTION = N_("This page belongs to another question.")
_AMOUNT = re.compile(r"(-?\d{1,16})(?:[.,](\d{1,4}))?")


@dataclass(frozen=True, slots=True)
class Question:
    """The parameters of a page.

    Shape: `written` is text as it stands in the address, `wrong` says what of it cannot be read,
    `parameters` are the rest, as values.
    """

    parameters: dict[str, Any]
    written: dict[str, list[str]]
    wrong: dict[str, list[str]] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The status of the answer: the same as in the API when something cannot be read."""
        return 422 if self.wrong else 200

    def value(self, name: str) -> str:
        """Return what a field of the form shows again."""
        return (self.written.get(name) or [""])[0]

    def has(self, name: str, word: str) -> bool:
        """Return True if a choice was made."""
        return word in self.written.get(name, ())

    def address(self, path: str, *without: str, **changed: str | list[str]) -> str:
        """Return the address of the same question with something changed."""
        left_out = {*without, *changed}
        kept = {name: words for name, words in self.written.items() if name not in left_out}
        query = urlencode(kept | changed, doseq=True)
        return f"{path}?{query}" if query else path

    def paging(self, rows_read: Sequence[Any], limit: int) -> dict[str, Any]:
        """Return one page of rows, of which one more was read, and the addresses around it."""
        last = rows_read[limit - 1] if len(rows_read) > limit else None
        return {
            "rows": rows_read[:limit],
            "next_address": last and self.address(own_path(), cursor=str(last.id)),
            "first_address": self.value("cursor") and self.address(own_path(), "cursor"),
        }


def read_question(schema: Schema) -> Question:
    """Read the address of this request; redirect it when a form left something empty."""
    pairs = list(request.args.items(multi=True))
    filled = [(name, word) for name, word in pairs if word.strip()]
    if filled != pairs:
        abort(redirect(own_path() + (f"?{urlencode(filled)}" if filled else ""), 303))
    return read_written(schema)


def read_written(schema: Schema) -> Question:
    """Read the address of this request as it is written."""
    return _read(schema, {name: request.args.getlist(name) for name in request.args})


def read_form(schema: Schema) -> Question:
    """Read the form of this request, without the fields that were left empty."""
    texts = {
        name: [word for word in request.form.getlist(name) if word.strip()]
        for name in request.form
        if name != "csrf_token"
    }
    return _read(schema, {name: words for name, words in texts.items() if words})


def _read(schema: Schema, written: dict[str, list[str]]) -> Question:
    data = {
        name: words if isinstance(schema.fields.get(name), fields.List) else words[0]
        for name, words in written.items()
    }
    schema.error_messages["unknown"] = NO_SUCH_FILTER
    try:
        return Question(schema.load(data, unknown=RAISE), written)
    except ValidationError as error:
        wrong = {str(name): _flat(messages) for name, messages in error.messages_dict.items()}
        return Question(dict(error.valid_data or {}), written, wrong)


def text(limit: int = TEXT_MAX) -> fields.Field[Any]:
    """Return a field of words or a name, as they could be stored."""
    short = validate.Length(max=limit, error=N_("This is too long."))
    return fields.String(validate=[short, _storable])


def texts(*of: str, spell: Callable[[str], str] | None = None) -> fields.Field[Any]:
    """Return a field of several words, among choices, or of those that can be spelled, if any."""

    def readable(word: str) -> None:
        try:
            _ = spell and spell(word)
        except ValueError as error:
            raise ValidationError(NO_SUCH_CHOICE) from error

    known = [validate.OneOf(of, error=NO_SUCH_CHOICE)] if of else [_storable, readable]
    return fields.List(fields.String(validate=known))


def choice(*of: str, default: str | None = None) -> fields.Field[Any]:
    """Return a field of one choice."""
    known = validate.OneOf(of, error=NO_SUCH_CHOICE)
    return fields.String(validate=known, load_default=default)


def integer() -> fields.Field[Any]:
    """Return a field of a whole number from 0 on."""
    in_range = validate.Range(0, INTEGER_MAX, error=OTHER_QUESTION)
    return fields.Integer(validate=in_range, error_messages={"invalid": OTHER_QUESTION})


def flag() -> fields.Field[Any]:
    """Return a field of a box that is ticked or not: the same words as in the API."""
    return fields.Boolean(truthy={"true"}, falsy={"false"}, load_default=False)


def notification_cursor() -> fields.Field[Any]:
    """Return a field of the id of the last notification on the page before."""
    return fields.String(validate=validate.Regexp(r"[0-9A-Z]{26}\Z", error=OTHER_QUESTION))


def day() -> fields.Field[Any]:
    """Return a field of a day of the calendar; `days_in` says in which zone it begins and ends."""
    return fields.Date(
        format="%Y-%m-%d", error_messages={"invalid": N_("Write a day as 2026-03-10.")}
    )


class Amount(fields.Field[str]):
    """An amount in major units, with a point or a comma. Shape: `12.50`."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        match = _AMOUNT.fullmatch("".join(str(value).split()))
        if match is None:
            raise ValidationError(N_("Write an amount as 12.50."))
        return match[1] + (f".{match[2]}" if match[2] else "")


def ends(day: date | None, zone: str | None) -> datetime | None:
    """Return the first instant after a day; None when the calendar ends with it."""
    return None if day is None or day == date.max else end_of(day, zone or "UTC")


def minor_units(amount: str, currency: str | None) -> int:
    """Return an amount in the minor units of a currency, or of one with two decimals.

    What is between two minor units is rounded down, so that it bounds the same rows.
    """
    digits = len(decimal_text(0, (currency or "").upper()).partition(".")[2])
    exact = int((Decimal(amount) * 10**digits).to_integral_value(rounding="ROUND_FLOOR"))
    return max(-INTEGER_MAX, min(INTEGER_MAX, exact))


def zone_of_days() -> str:
    """Return the zone that a form's days are in: as in the address, else the reader's."""
    zone = request.args.get("days_in")
    return zone if zone in ZONES else zone_name()


def days_in() -> fields.Field[Any]:
    """Return the field of the zone of all days; without it they are in UTC."""
    return choice(*ZONES, default="UTC")


def _storable(word: str) -> None:
    if UNSTORABLE.search(word):
        raise ValidationError(N_("No name in the ledger has such a character."))


def _flat(messages: Any) -> list[str]:
    if isinstance(messages, dict):
        return [text for nested in messages.values() for text in _flat(nested)]
    return [str(message) for message in messages]
