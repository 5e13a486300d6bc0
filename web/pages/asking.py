"""What a page is asked in its address: read as people write it, told back where it is wrong.

The address is the question: it can be kept, sent to somebody else, and asked again. Fields that
were left empty do not belong to it.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import redirect, request
from flask.typing import ResponseReturnValue
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from ledger.lists import TEXT_MAX
from ledger.money import decimal_text
from ledger.paging import INTEGER_MAX, UNSTORABLE
from web.pages.languages import N_, ZONES, zone_name

DAYS_IN = "days_in"

_OF_THE_LIBRARY = (N_("Unknown field."), N_("Not a valid boolean."))
"""What marshmallow may say beside our own words."""

_AMOUNT = re.compile(r"(-?\d{1,16})(?:[.,](\d{1,4}))?")


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked. Shape: `told` is text as it stands in the address, `wrong` says what of it
    cannot be read, `asked` is the rest."""

    asked: dict[str, Any]
    told: dict[str, list[str]]
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """What a field of the form shows again."""
        return (self.told.get(name) or [""])[0]

    def has(self, name: str, value: str) -> bool:
        """Whether a choice was made."""
        return value in self.told.get(name, ())

    def address(self, path: str, *without: str, **changed: str | None) -> str:
        """The same question with something changed."""
        pairs = [
            (name, one)
            for name, values in self.told.items()
            if name not in changed and name not in without
            for one in values
        ]
        pairs += [(name, one) for name, one in changed.items() if one is not None]
        return path + (f"?{urlencode(pairs)}" if pairs else "")


def read_question(schema: Schema) -> Question:
    """Read the address of this request."""
    told = {name: request.args.getlist(name) for name in request.args}
    data = {
        name: values if isinstance(schema.fields.get(name), fields.List) else values[0]
        for name, values in told.items()
    }
    try:
        return Question(schema.load(data, unknown=RAISE), told)
    except ValidationError as error:
        wrong = {str(name): _flat(one) for name, one in error.messages_dict.items()}
        return Question(dict(error.valid_data or {}), told, wrong)


def without_blanks() -> ResponseReturnValue | None:
    """Go on to the same address without what a form left empty."""
    pairs = list(request.args.items(multi=True))
    left = [(name, value) for name, value in pairs if value.strip()]
    if left == pairs:
        return None
    return redirect(request.path + (f"?{urlencode(left)}" if left else ""), 303)


def text(limit: int = TEXT_MAX) -> fields.Field[Any]:
    """Words or a name, as they could be stored."""
    return fields.String(
        validate=[
            validate.Length(max=limit, error=N_("This is too long.")),
            _storable,
        ]
    )


def texts(*of: str) -> fields.Field[Any]:
    """Several choices."""
    known = [validate.OneOf(of, error=N_("There is no such choice."))] if of else [_storable]
    return fields.List(fields.String(validate=known))


def choice(*of: str, default: str | None = None) -> fields.Field[Any]:
    """One choice."""
    known = validate.OneOf(of, error=N_("There is no such choice."))
    return fields.String(validate=known, load_default=default)


def flag() -> fields.Field[Any]:
    """A box that is ticked or not."""
    return fields.Boolean(truthy={"true"}, falsy={"false"}, load_default=False)


class Day(fields.Field[date]):
    """A day of the calendar; `days_in` names the zone in which it begins and ends."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        try:
            return date.fromisoformat(str(value))
        except ValueError as error:
            raise ValidationError(N_("Write a day as 2026-03-10.")) from error


class Amount(fields.Field[str]):
    """An amount in major units, with a point or a comma. Shape: `12.50`."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        match = _AMOUNT.fullmatch("".join(str(value).split()))
        if match is None:
            raise ValidationError(N_("Write an amount as 12.50."))
        return match[1] + (f".{match[2]}" if match[2] else "")


def begins(day: date | None, zone: str | None) -> datetime | None:
    """When a day begins."""
    return None if day is None else _midnight(day, zone)


def ends(day: date | None, zone: str | None) -> datetime | None:
    """When a day is over: the first instant that is not in it."""
    if day is None or day == date.max:
        return None
    return _midnight(day + timedelta(days=1), zone)


def minor_units(amount: str | None, currency: str | None) -> int | None:
    """Shape: in the minor units of a currency, or of one with two decimals.

    What is between two minor units is rounded down, so that it bounds the same rows.
    """
    if amount is None:
        return None
    digits = len(decimal_text(0, currency or "").partition(".")[2])
    exact = int((Decimal(amount) * 10**digits).to_integral_value(rounding="ROUND_FLOOR"))
    return max(-INTEGER_MAX, min(INTEGER_MAX, exact))


def zone_of_days() -> str:
    """The zone that a form's days are to be in: as in the address, else the reader's."""
    told = request.args.get(DAYS_IN)
    return told if told in ZONES else zone_name()


def days_in() -> fields.Field[Any]:
    """The zone of all days of a question; without it UTC."""
    return choice(*ZONES, default="UTC")


def _midnight(day: date, zone: str | None) -> datetime:
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone or "UTC"))
    try:
        return local.astimezone(UTC)
    except OverflowError:
        return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _storable(told: str) -> None:
    if UNSTORABLE.search(told):
        raise ValidationError(N_("No name in the ledger has such a character."))


def _flat(told: Any) -> list[str]:
    if isinstance(told, dict):
        return [one for value in told.values() for one in _flat(value)]
    return [str(one) for one in told]
