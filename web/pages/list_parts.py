"""What stands around the list of transactions: chips, counted values, columns, its API address."""

from collections.abc import Sequence

from flask import session, url_for

from ledger.ipn.modes import Mode
from ledger.queries.filter_conditions import Filter
from ledger.queries.transaction_sums import FACETS, Summary
from web.api.parameter_names import parameters_of
from web.pages.filter_form import LABELS, Choices, label_of
from web.pages.languages import N_, translated
from web.pages.request_parameters import Question

COLUMNS = {
    "created": N_("Created"),
    "known": N_("Known since"),
    "order": N_("Order"),
    "operation": N_("Operation"),
    "status": N_("Status"),
    "amount": N_("Amount"),
    "means": N_("Means of payment"),
    "captured": N_("Captured on"),
    "number": N_("Transaction number"),
    "alias": N_("Alias"),
    "shop": N_("Shop"),
}
"""The columns that can be chosen, in their order; the transaction itself always has one."""

COLUMNS_DEFAULT = ("created", "order", "status", "amount", "means")
VALUES_MAX = 8
"""Values of a filter that are counted in sight; the form has all."""


def chosen_columns(question: Question) -> list[str]:
    """Return the columns of the address, which are remembered, or else those remembered."""
    in_address = question.parameters.get("columns")
    if in_address and set(in_address) != set(session.get("columns", COLUMNS_DEFAULT)):
        session["columns"] = in_address
    names = in_address or session.get("columns", COLUMNS_DEFAULT)
    return [name for name in COLUMNS if name in names] or list(COLUMNS_DEFAULT)


def value_links(
    question: Question, path: str, summary: Summary | None, choices: Choices
) -> list[tuple[str, list[tuple[str, int, str]]]]:
    """Return how many rows have each value of some filters, where there are several.

    Shape: title; label, count, and the address narrowed to it, empty for what no filter can say.
    """
    return [
        (
            LABELS[name],
            [
                (
                    label_of(choices, name, value),
                    count,
                    question.address(path, "cursor", **{name: value}) if value else "",
                )
                for value, count in summary.by_value[name][:VALUES_MAX]
            ],
        )
        for name in FACETS
        if summary is not None and len(summary.by_value[name]) > 1
    ]


def api_address(filter_: Filter, sort: str) -> str:
    """Return the address of the same list in the API."""
    parameters = parameters_of(filter_)
    parameters["mode"] = Mode(parameters["mode"]).public
    return url_for("lists.list_transactions", **parameters, sort=sort)


def column_choices(columns: Sequence[str]) -> list[tuple[str, str, bool]]:
    """Return each column that can be chosen. Shape: name, title, whether it is."""
    return [(name, translated(title), name in columns) for name, title in COLUMNS.items()]
