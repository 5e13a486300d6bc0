"""Search: one box that takes any name, the filters of the list of transactions, and its export."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema

from ledger.ipn.money import decimal_text
from ledger.ipn.statuses import RANKS
from ledger.privacy.identifiers import is_card_end
from ledger.privacy.person_search import DELIVERIES_MAX
from ledger.queries import lists
from ledger.queries.accounting_files import XLSX, ZIP
from ledger.queries.export import TRANSACTIONS, Export
from ledger.queries.export_formats import CSV, JSONL
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.find_by_name import Meaning
from ledger.queries.find_by_text import PaymentsMeant
from ledger.queries.lists import Page
from ledger.queries.transaction_sums import READ_MAX, Summary, summarise
from web.authentication import caller, filter_of_caller
from web.context import ledger
from web.downloads import download
from web.pages.blueprint import bp
from web.pages.filter_form import (
    Choices,
    basis_choices,
    chosen_filters,
    filter_parameters,
    form_parts,
    form_schema,
    shop_choices,
)
from web.pages.languages import translated, zone_name
from web.pages.list_parts import (
    COLUMNS,
    api_address,
    chosen_columns,
    column_choices,
    value_links,
)
from web.pages.list_reading import read_list
from web.pages.navigation import link_to
from web.pages.periods import period_links
from web.pages.rendering import render
from web.pages.request_parameters import (
    Question,
    choice,
    days_in,
    read_form,
    read_question,
    read_written,
    text,
    texts,
)
from web.pages.translations import OPERATIONS, STATUSES
from web.searching import TextFindings, about_person, find_text, other_mode_with
from web.unverified import Unverified, unverified

SORTS = ("-time", "time", "-created", "created", "-amount", "amount")
BY_AMOUNT = ("-amount", "amount")
"""Orders within each currency: minor units of several cannot be compared."""


class SearchForm(form_schema(TransactionFilter)):  # type: ignore[misc]  # made from the declarations
    """What the page of search may be asked."""

    q = text()
    days_in = days_in()
    sort = choice(*SORTS, default=SORTS[0])
    columns = texts(*COLUMNS)
    cursor = text(limit=4_000)


class ExportForm(SearchForm):
    """The same as a file."""

    file_format = choice(CSV, JSONL, default=CSV)


class BoxForm(Schema):
    """What the box sends."""

    q = text()


@bp.get("/<mode:mode>/search")
def search(mode: str) -> ResponseReturnValue:
    """Find one object by any of its names, or a list of transactions."""
    question = read_question(SearchForm())
    results = _found(question, mode)
    links = _links(results.named) if results else []
    if len(links) == 1:
        return redirect(links[0][1], 303)
    found_page = None if links or question.wrong else _page(question, mode)
    is_empty = (
        found_page is not None and not found_page.items and not (results and results.has_more)
    )
    choices = _choices()
    page = render(
        "search.html",
        question=question,
        meanings=links,
        page=found_page,
        more=results and _more(results, question),
        person=results and about_person(question.value("q"), mode, zone_name(), is_posted=False),
        unverified=_unverified(question, mode) if is_empty else None,
        other_mode=_other_mode(question, mode) if is_empty else None,
        known_fields=[*SearchForm().fields],
        **form_parts(TransactionFilter, choices),
        **_list_parts(question, found_page, mode, choices),
    )
    return page, question.status


@bp.post("/<mode:mode>/search")
def search_typed(mode: str) -> ResponseReturnValue:
    """Find what was typed into the box. What may be about a person is answered at once, without
    an address that holds it; all else has the address of its question."""
    posted = read_form(BoxForm())
    typed = posted.value("q")
    if posted.wrong:
        return render("search_person.html", question=posted), posted.status
    person = about_person(typed, mode, zone_name(), is_posted=True)
    if person is None:
        filters = read_written(SearchForm())
        path = url_for("pages.search", mode=mode)
        return redirect(filters.address(path, "cursor", **({"q": typed} if typed else {})), 303)
    results = find_text(typed, mode, zone_name())
    return render(
        "search_person.html",
        question=Question({}, {}),
        person=person,
        others=_links(person.findings.related) if person.findings else [],
        meanings=_links(results.named),
        more=_more(results, posted),
        searched_max=DELIVERIES_MAX,
    )


def _list_parts(
    question: Question, found_page: Page | None, mode: str, choices: Choices
) -> dict[str, Any]:
    """Return what stands around the list: what narrows it, its sums, its columns, its files."""
    path, form = url_for("pages.search", mode=mode), question.parameters
    summary = _summary(question, found_page, mode)
    columns = chosen_columns(question)
    return {
        "exports": _export_addresses(question, "transactions", mode, CSV, JSONL),
        "accounting_exports": _export_addresses(question, "accounting", mode, XLSX, ZIP, CSV),
        "in_api": found_page and api_address(filter_of_search(form, mode), form["sort"]),
        "is_mixed": _is_mixed(form),
        "chosen": chosen_filters(question, choices),
        "periods": period_links(question, path, "created"),
        "values": value_links(question, path, summary, choices),
        "summary": summary,
        "read_max": READ_MAX,
        "columns": columns,
        "column_choices": column_choices(columns),
    }


@bp.get("/<mode:mode>/export/transactions")
def export_transactions(mode: str) -> ResponseReturnValue:
    """Send what the search shows as a file: all pages of it, nothing about a person."""
    question = read_written(ExportForm())
    if question.wrong:
        return redirect(question.address(url_for("pages.search", mode=mode), "file_format"), 303)
    export = Export(TRANSACTIONS, filter_of_search(question.parameters, mode))
    return download(export, question.parameters["file_format"])


def _found(question: Question, mode: str) -> TextFindings | None:
    """Return what the text in the box finds, when nothing but the box was filled in."""
    typed = question.parameters.get("q")
    if not typed or question.wrong or set(question.written) != {"q"}:
        return None
    return find_text(typed, mode, zone_name())


def _links(results: Sequence[Meaning]) -> list[tuple[Meaning, str]]:
    return [(meaning, link_to(**asdict(meaning))) for meaning in results]


def _more(results: TextFindings, question: Question) -> dict[str, Any]:
    """Return what the part of the page shows that is about other meanings."""
    return {
        "payments": [(each, _address(each)) for each in results.meant],
        "parts": _links(results.partly_named),
        "key": results.key,
        "is_card_end": caller().sees_personal and is_card_end(question.value("q").strip()),
    }


def _address(meant: PaymentsMeant) -> str:
    """Return the address of the list that has all payments of an amount or a day."""
    parameters = {"q": meant.part, "currency": meant.currency}
    if meant.amount_minor is not None:
        amount = decimal_text(meant.amount_minor, meant.currency or "")
        parameters |= {"amount_min": amount, "amount_max": amount}
    if meant.day is not None:
        day, zone = meant.day.isoformat(), zone_name()
        parameters |= {"created_from": day, "created_until": day}
        parameters |= {"days_in": zone} if zone != "UTC" else {}
    filled = {name: [word] for name, word in parameters.items() if word}
    return Question({}, {}).address(url_for("pages.search", **(request.view_args or {})), **filled)


def _page(question: Question, mode: str) -> Page | None:
    """Return a page of the list; None for the cursor of another one, or a currency that is none.

    Shape: amounts of several currencies are not compared: they stand together by currency.
    """
    form = question.parameters
    filter_ = filter_of_search(form, mode)
    with ledger().database.connect() as connection:
        page = read_list(connection, question, lists.TRANSACTIONS, filter_, sort=form["sort"])
    if page and _is_mixed(form):
        page.items.sort(key=lambda item: item["currency"] or "")
    return page


def _summary(question: Question, found_page: Page | None, mode: str) -> Summary | None:
    """Return the sums of the whole list; None when it is too long, or there is none."""
    if found_page is None:
        return None
    with ledger().database.connect() as connection:
        first_page = None if question.value("cursor") else found_page
        return summarise(connection, filter_of_search(question.parameters, mode), first_page)


def _unverified(question: Question, mode: str) -> Unverified | None:
    """Return which calls wait when a name finds nothing; None when there is nothing to ask."""
    name = question.parameters.get("q")
    return unverified(name, mode) if name else None


def _other_mode(question: Question, mode: str) -> str | None:
    """Return the other mode if what the box alone does not find here is there."""
    is_alone = set(question.written) == {"q"} and not question.wrong
    return other_mode_with(question.value("q"), mode, zone_name()) if is_alone else None


def _is_mixed(form: dict[str, Any]) -> bool:
    """Return True if amounts of several currencies would have to be compared."""
    return form.get("sort") in BY_AMOUNT and not form.get("currency")


def filter_of_search(form: dict[str, Any], mode: str) -> TransactionFilter:
    """Return the filter of a form, within the shops of the reader. Errors: Forbidden."""
    parameters = filter_parameters(TransactionFilter, form)
    search = (form.get("q") or "").strip() or None
    return filter_of_caller(TransactionFilter, parameters | {"mode": mode, "search": search})


def _choices() -> dict[str, list[tuple[str, str]]]:
    """Return the values that a form offers, with their labels."""
    return {
        "operation_type": [(code, translated(word)) for code, word in OPERATIONS.items()],
        "status": [(status, translated(STATUSES[status])) for status in RANKS],
        "basis": basis_choices(),
        "shop_id": shop_choices(),
    }


def _export_addresses(
    question: Question, kind: str, mode: str, *formats: str
) -> list[tuple[str, str]]:
    """Return the formats of a file of what the search shows, each with its address."""
    to = url_for(f"pages.export_{kind}", mode=mode)
    return [
        (format_, question.address(to, "cursor", "sort", "columns", file_format=format_))
        for format_ in formats
    ]
