"""Derives from the declarations of filters the form of a page, as people fill it in."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from marshmallow import Schema, fields

from ledger.instants import beginning_of, end_of
from ledger.queries.filter_conditions import Comparison, Filter, conditions_of
from web.pages.languages import N_, translated
from web.pages.request_parameters import Amount, Day, choice, flag, minor_units, text, texts

LABELS = {
    "order_id": N_("Order"),
    "alias": N_("Alias"),
    "subscription_id": N_("Subscription"),
    "trans_id": N_("Transaction number"),
    "payment_method": N_("Means of payment"),
    "currency": N_("Currency"),
    "amount_min": N_("Amount, at least"),
    "amount_max": N_("Amount, at most"),
    "first_seen": N_("First heard of"),
    "changed": N_("Last changed"),
    "created": N_("Created by the platform"),
    "operation_type": N_("Operation"),
    "status": N_("Status"),
    "shop_id": N_("Shop"),
    "contradiction": N_("contradicted"),
    "late": N_("late news"),
}
"""What a form calls a filter, and a pair of days."""
HINTS = {"currency": N_("As EUR.")}

_DAYS = (Comparison.SINCE, Comparison.UNTIL)
_AMOUNTS = (Comparison.AT_LEAST, Comparison.AT_MOST)
_FLAGS = (Comparison.IS_POSITIVE, Comparison.IS_SET)
_ELSEWHERE = ("mode", "search")
"""No fields of the form: the mode is in the address, the search has its own box."""


@dataclass(frozen=True, slots=True)
class FilterForm:
    """The filters of a form by how they are filled in. Shape: names; `days` without `_from`."""

    texts: list[str]
    amounts: list[str]
    days: list[str]
    choices: dict[str, list[tuple[str, str]]]
    flags: list[str]


def form_of(filter_class: type[Filter], choices: dict[str, list[tuple[str, str]]]) -> FilterForm:
    """Return the form of a class of filters. Shape: `choices` are (value, label) pairs by name."""

    def named(*comparisons: Comparison) -> list[str]:
        return [
            name
            for name, condition in conditions_of(filter_class).items()
            if condition.comparison in comparisons and name not in (*_ELSEWHERE, *choices)
        ]

    return FilterForm(
        texts=named(Comparison.EQUAL, Comparison.AMONG),
        amounts=named(*_AMOUNTS),
        days=[name.removesuffix("_from") for name in named(Comparison.SINCE)],
        choices=choices,
        flags=named(*_FLAGS),
    )


def label(name: str) -> str:
    """Return what the reader's language calls a filter."""
    return translated(LABELS[name])


def form_schema(filter_class: type[Filter]) -> type[Schema]:
    """Return the schema of what a page's address may say of a class of filters."""
    conditions = conditions_of(filter_class).items()
    return Schema.from_dict(
        {
            name: _field(condition.comparison, condition.choices)
            for name, condition in conditions
            if name not in _ELSEWHERE
        },
        name=f"{filter_class.__name__}Form",
    )


def filter_parameters(
    filter_class: type[Filter], form: dict[str, Any], zone: str
) -> dict[str, Any]:
    """Return what a form says as the parameters of its filter. Shape: days begin in `zone`."""
    parameters: dict[str, Any] = {}
    for name, condition in conditions_of(filter_class).items():
        value = form.get(name)
        if value is not None and condition.comparison in _DAYS:
            value = _instant(condition.comparison, value, zone)
        elif value is not None and condition.comparison in _AMOUNTS:
            value = minor_units(value, form.get("currency"))
        parameters[name] = value
    return parameters


def _instant(comparison: Comparison, day: date, zone: str) -> datetime:
    return (beginning_of if comparison is Comparison.SINCE else end_of)(day, zone)


def _field(comparison: Comparison, choices: tuple[str, ...]) -> fields.Field[Any]:
    if comparison in _DAYS:
        return Day()
    if comparison in _AMOUNTS:
        return Amount()
    if comparison in _FLAGS:
        return flag()
    if comparison is Comparison.AMONG:
        return texts(*choices)
    return choice(*choices) if choices else text()
