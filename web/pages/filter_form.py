"""Derives from the declarations of filters the form of a page, as people fill it in."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import Schema, fields

from ledger.aggregates.basis import ASKED, TOLD
from ledger.instants import beginning_of, end_of
from ledger.queries.filter_conditions import Comparison, Condition, Filter, conditions_of
from ledger.queries.filter_words import spell_currency
from web.authentication import caller
from web.context import ledger
from web.pages.languages import N_, translated
from web.pages.request_parameters import (
    Amount,
    Question,
    choice,
    day,
    flag,
    minor_units,
    text,
    texts,
    zone_of_days,
)
from web.paths import own_path

LABELS = {
    "order_id": N_("Order"),
    "alias": N_("Alias"),
    "subscription_id": N_("Subscription"),
    "trans_id": N_("Transaction number"),
    "payment_method": N_("Means of payment"),
    "authorisation_result": N_("Answer of the issuer"),
    "authorisation_number": N_("Authorisation number"),
    "currency": N_("Currency"),
    "amount_min": N_("Amount, at least"),
    "amount_max": N_("Amount, at most"),
    "first_seen": N_("Known since"),
    "changed": N_("Last changed"),
    "created": N_("Created by the platform"),
    "operation_type": N_("Operation"),
    "status": N_("Status"),
    "basis": N_("Known by"),
    "shop_id": N_("Shop"),
    "doubtful": N_("doubtful"),
    "contradiction": N_("contradictory"),
    "late": N_("received out of order"),
    "recorded": N_("Known to us"),
    "occurred": N_("Occurred"),
    "type": N_("What happened"),
    "kind": N_("Object"),
    "rule": N_("Notification rule"),
    "reference": N_("Reference"),
    "surprising": N_("any anomaly"),
    "odd": N_("never seen before"),
    "suspected": N_("seems to hold card data"),
}
"""What a form calls a filter, and a pair of days."""
HINTS = {"currency": N_("e.g. EUR"), "authorisation_result": N_("The code, as 51")}

_DAYS = (Comparison.SINCE, Comparison.UNTIL)
_AMOUNTS = (Comparison.AT_LEAST, Comparison.AT_MOST)
_FLAGS = (Comparison.IS_POSITIVE, Comparison.IS_SET)
_ELSEWHERE = ("mode", "search")
"""No fields of the form: the mode is in the address, the search has its own box."""
_NO_FILTERS = ("q", "cursor", "sort", "days_in", "columns")

Choices = Mapping[str, Sequence[tuple[str, str]]]
"""The values that a form offers for a filter, with their labels."""


def title_of(name: str) -> str:
    """Return what a form calls a field, also one of a pair of days."""
    return LABELS.get(name.removesuffix("_from").removesuffix("_until"), LABELS.get(name, name))


def form_of(filter_class: type[Filter], choices: Choices) -> dict[str, Any]:
    """Return the names of filters by how a form asks for them.

    Shape: `days` without `_from`; `choices` are (value, label) pairs by name.
    """

    def named(*comparisons: Comparison) -> list[str]:
        return [
            name
            for name, condition in conditions_of(filter_class).items()
            if condition.comparison in comparisons and name not in (*_ELSEWHERE, *choices)
        ]

    return {
        "texts": named(Comparison.EQUAL, Comparison.AMONG),
        "amounts": named(*_AMOUNTS),
        "days": [name.removesuffix("_from") for name in named(Comparison.SINCE)],
        "choices": choices,
        "flags": named(*_FLAGS),
    }


def form_parts(filter_class: type[Filter], choices: Choices) -> dict[str, Any]:
    """Return what the template of a form of filters needs."""
    return {
        "form": form_of(filter_class, choices),
        "labels": LABELS,
        "hints": HINTS,
        "zone_of_days": zone_of_days(),
    }


def basis_choices() -> list[tuple[str, str]]:
    """Return on what something may rest, with labels."""
    return [(TOLD, translated(N_("notified"))), (ASKED, translated(N_("queried")))]


def chosen_filters(
    question: Question, choices: Choices, *without: str
) -> list[tuple[str, str, str]]:
    """Return what narrows a list. Shape: title, what is asked for, the address without it.

    What a page says in another place is left out: the filters named in `without`.
    """
    return [
        (
            title_of(name),
            translated(N_("yes")) if word == "true" else label_of(choices, name, word),
            question.address(own_path(), name, "cursor", **{name: [w for w in words if w != word]}),
        )
        for name, words in question.written.items()
        if name not in (*_NO_FILTERS, *without)
        for word in words
    ]


def label_of(choices: Choices, name: str, value: str) -> str:
    """Return how a form shows a value of a filter."""
    return dict(choices.get(name, ())).get(value, value)


def shop_choices() -> list[tuple[str, str]]:
    """Return the shops that a form offers: those of the reader, none where there is no choice."""
    known, mine = ledger().shops.shop_by_id, caller().shops
    ids = known if mine is None else mine
    shops = [(id_, f"{known[id_].name} {id_}" if id_ in known else id_) for id_ in ids]
    return shops if len(shops) > 1 else []


def form_schema(filter_class: type[Filter]) -> type[Schema]:
    """Return the schema of what a page's address may say of a class of filters."""
    named_fields = {
        name: _field(condition)
        for name, condition in conditions_of(filter_class).items()
        if name not in _ELSEWHERE
    }
    return Schema.from_dict(named_fields, name=f"{filter_class.__name__}Form")


def filter_parameters(filter_class: type[Filter], form: dict[str, Any]) -> dict[str, Any]:
    """Return what a form says as the parameters of its filter."""
    conditions, parameters = conditions_of(filter_class), dict(form)
    for name in form.keys() & conditions.keys():
        comparison = conditions[name].comparison
        if comparison is Comparison.SINCE:
            parameters[name] = beginning_of(form[name], form["days_in"])
        elif comparison is Comparison.UNTIL:
            parameters[name] = end_of(form[name], form["days_in"])
        elif comparison in _AMOUNTS:
            currency = form.get("currency")
            parameters[name] = minor_units(form[name], currency and spell_currency(currency))
    return parameters


def _field(condition: Condition) -> fields.Field[Any]:
    comparison, choices = condition.comparison, condition.choices
    if comparison in _DAYS:
        return day()
    if comparison in _AMOUNTS:
        return Amount()
    if comparison in _FLAGS:
        return flag()
    if comparison is Comparison.AMONG:
        return texts(*choices, spell=condition.spell)
    return choice(*choices) if choices else text()
