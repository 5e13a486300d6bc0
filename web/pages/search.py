"""Search: one box that takes any name, the filters of the list of transactions, and its export."""

from dataclasses import asdict, replace
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ledger.aggregates.basis import ASKED, TOLD
from ledger.errors import BadCursorError, BadFilterError
from ledger.ipn.modes import PUBLIC_MODES
from ledger.ipn.statuses import RANKS
from ledger.queries import lists
from ledger.queries.accounting_files import XLSX, ZIP
from ledger.queries.export import TRANSACTIONS, Export
from ledger.queries.export_formats import CSV, JSONL
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.find_by_name import Meaning, meanings
from ledger.queries.lists import Page, list_page
from web.authentication import allowed_shops, caller, filter_of_caller, redact_items
from web.context import ledger
from web.downloads import download
from web.pages.blueprint import bp
from web.pages.filter_form import HINTS, LABELS, filter_parameters, form_of, form_schema, title_of
from web.pages.languages import N_, translated
from web.pages.navigation import link_to
from web.pages.rendering import render
from web.pages.request_parameters import (
    NO_SUCH_CHOICE,
    Question,
    choice,
    days_in,
    read_question,
    read_written,
    text,
    zone_of_days,
)
from web.pages.translations import OPERATIONS, STATUSES
from web.pages.unverified import Unverified, unverified

SORTS = ("-time", "time", "-created", "created", "-amount", "amount")
BY_AMOUNT = ("-amount", "amount")
"""Orders of one currency: minor units of several cannot be compared."""


class SearchForm(form_schema(TransactionFilter)):  # type: ignore[misc]  # made from the declarations
    """What the page of search may be asked."""

    q = text()
    days_in = days_in()
    sort = choice(*SORTS, default=SORTS[0])
    cursor = text(limit=4_000)


class ExportForm(SearchForm):
    """The same as a file."""

    file_format = choice(CSV, JSONL, default=CSV)


@bp.get("/<mode:mode>/search")
def search(mode: str) -> ResponseReturnValue:
    """Find one object by any of its names, or a list of transactions."""
    question = read_question(SearchForm())
    known = _meanings(question, mode)
    links = [link_to(**asdict(meaning)) for meaning in known]
    if len(links) == 1:
        return redirect(links[0], 303)
    found_page = None if known or question.wrong else _page(question, mode)
    page = render(
        "search.html",
        question=question,
        meanings=list(zip(known, links, strict=True)),
        page=found_page,
        unverified=_unverified(question, found_page, mode),
        other_mode=_other_mode(question, found_page, mode),
        exports=_export_addresses(question, "transactions", mode, CSV, JSONL),
        accounting_exports=_export_addresses(question, "accounting", mode, XLSX, ZIP, CSV),
        known_fields=[*SearchForm().fields],
        form=form_of(TransactionFilter, _choices()),
        labels=LABELS,
        hints=HINTS,
        zone_of_days=zone_of_days(),
        is_mixed=_is_mixed(question.parameters),
        chosen=_chosen(question),
    )
    return page, question.status


@bp.get("/<mode:mode>/export/transactions")
def export_transactions(mode: str) -> ResponseReturnValue:
    """Send what the search shows as a file: all pages of it, nothing about a person."""
    question = read_written(ExportForm())
    if question.wrong:
        return redirect(question.address(url_for("pages.search", mode=mode), "file_format"), 303)
    export = Export(TRANSACTIONS, filter_of_search(question.parameters, mode))
    return download(export, question.parameters["file_format"])


def _meanings(question: Question, mode: str) -> list[Meaning]:
    """Return what has exactly the name in the box, when nothing but the box was filled in."""
    name = question.parameters.get("q")
    if not name or question.wrong or set(question.written) != {"q"}:
        return []
    return meanings(ledger(), name, mode=mode, shops=allowed_shops())


def _page(question: Question, mode: str) -> Page | None:
    """Return a page of the list; None for the cursor of another one, or a currency that is none."""
    form = question.parameters
    filter_ = filter_of_search(form, mode)
    with ledger().database.connect() as connection:
        try:
            page = list_page(
                connection,
                lists.TRANSACTIONS,
                filter_,
                sort=SORTS[0] if _is_mixed(form) else form["sort"],
                cursor=form.get("cursor"),
            )
        except BadCursorError:
            question.wrong["cursor"] = [N_("This page belongs to another question.")]
            return None
        except BadFilterError:
            question.wrong["currency"] = [NO_SUCH_CHOICE]
            return None
    return replace(page, items=redact_items(page.items, filter_))


def _unverified(question: Question, found_page: Page | None, mode: str) -> Unverified | None:
    """Return which calls wait when a name finds nothing; None when there is nothing to ask."""
    name = question.parameters.get("q")
    return unverified(name, mode) if name and found_page and not found_page.items else None


def _other_mode(question: Question, found_page: Page | None, mode: str) -> str | None:
    """Return the other mode if what a name does not find here is there."""
    if found_page is None or found_page.items:
        return None
    other = next(each for each in PUBLIC_MODES if each != mode)
    return other if _meanings(question, other) else None


def _chosen(question: Question) -> list[tuple[str, str, str]]:
    """Return what narrows the list. Shape: title, what is asked for, the address without it."""
    words_by_value = {
        value: word for pairs in _choices().values() for value, word in pairs if value != word
    }
    path = url_for("pages.search", **(request.view_args or {}))
    return [
        (
            title_of(name),
            translated(N_("yes")) if word == "true" else words_by_value.get(word, word),
            question.address(path, name, "cursor", **{name: [w for w in words if w != word]}),
        )
        for name, words in question.written.items()
        if name not in ("q", "cursor", "sort", "days_in")
        for word in words
    ]


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
    known = ledger().shops.shop_by_id
    mine = caller().shops
    ids = known if mine is None else mine
    shops = [(id_, f"{known[id_].name} {id_}" if id_ in known else id_) for id_ in ids]
    return {
        "operation_type": [(code, translated(word)) for code, word in OPERATIONS.items()],
        "status": [(status, translated(STATUSES[status])) for status in RANKS],
        "basis": [(TOLD, translated(N_("notified"))), (ASKED, translated(N_("queried")))],
        "shop_id": shops if len(shops) > 1 else [],
    }


def _export_addresses(
    question: Question, kind: str, mode: str, *formats: str
) -> list[tuple[str, str]]:
    """Return the formats of a file of what the search shows, each with its address."""
    to = url_for(f"pages.export_{kind}", mode=mode)
    return [
        (format_, question.address(to, "cursor", "sort", file_format=format_))
        for format_ in formats
    ]
