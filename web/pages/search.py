"""Search: one box that takes any name, the filters of the list of transactions, and its export."""

from dataclasses import replace
from functools import cache
from typing import Any

from flask import Response, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from marshmallow import Schema

from ledger import lists
from ledger.access.readers import Reader
from ledger.errors import BadCursorError
from ledger.export import CSV, JSONL, TRANSACTIONS, Export
from ledger.lists import TransactionFilter
from ledger.search import Meaning, meanings
from ledger.statuses import RANKS
from web.context import ledger
from web.downloads import download
from web.pages.asking import (
    Amount,
    Day,
    Question,
    begins,
    choice,
    days_in,
    ends,
    flag,
    minor_units,
    read_question,
    text,
    texts,
    without_blanks,
    zone_of_days,
)
from web.pages.blueprint import bp
from web.pages.languages import translated
from web.pages.navigation import link_to_meaning
from web.pages.rendering import render_in_parts
from web.pages.words import OPERATIONS, STATUSES
from web.security import allowed_shops, caller, shown

SORTS = ("-time", "time", "-amount", "amount")


class SearchForm(Schema):
    """What the page of search may be asked."""

    q = text()
    shop = texts()
    status = texts()
    operation_type = texts(*OPERATIONS)
    payment_method = text()
    order_id = text()
    alias = text()
    subscription_id = text()
    trans_id = text()
    currency = text(limit=3)
    amount_min = Amount()
    amount_max = Amount()
    first_seen_from = Day()
    first_seen_until = Day()
    changed_from = Day()
    changed_until = Day()
    created_from = Day()
    created_until = Day()
    days_in = days_in()
    contradiction = flag()
    late = flag()
    sort = choice(*SORTS, default=SORTS[0])
    cursor = text(limit=4_000)


class ExportForm(SearchForm):
    """The same as a file."""

    format = choice(CSV, JSONL, default=CSV)


_NAMES = ("order_id", "alias", "subscription_id", "trans_id")
_DAYS = ("first_seen", "changed", "created")


@bp.get("/<mode:mode>/search")
def search(mode: str) -> ResponseReturnValue:
    """Find one thing by any of its names, or a list of transactions."""
    cleaned = without_blanks()
    if cleaned is not None:
        return cleaned
    question = read_question(SearchForm())
    found = _meant(question, mode)
    if len(found) == 1 and set(question.told) == {"q"}:
        return redirect(link_to_meaning(found[0]), 303)
    listed = cache(lambda: _listed(question, mode))
    if question.value("cursor") and not found and not question.wrong:
        listed()  # it may belong to another question, which is answered by another status
    told = render_in_parts(
        "search.html",
        question=question,
        meanings=[(one, link_to_meaning(one)) for one in found],
        listed=listed,
        first_address=question.value("cursor") and _address(question, mode, None),
        exports=[(format_, _export_address(question, mode, format_)) for format_ in (CSV, JSONL)],
        known_fields=[*SearchForm().fields],
        status_options=[(one, translated(STATUSES[one])) for one in RANKS],
        operation_options=[(one, translated(told)) for one, told in OPERATIONS.items()],
        shops=_shops(caller()),
        zone_of_days=zone_of_days(),
    )
    return told, 400 if question.wrong else 200


@bp.get("/<mode:mode>/export/transactions")
def export_transactions(mode: str) -> ResponseReturnValue:
    """What the search shows, as a file: all pages of it, nothing about a person."""
    question = read_question(ExportForm())
    if question.wrong:
        return redirect(question.address(url_for("pages.search", mode=mode), "format"), 303)
    filter_ = _filter(question.asked, mode)
    response: Response = download(Export(TRANSACTIONS, filter_), question.asked["format"])
    return response


def _meant(question: Question, mode: str) -> list[Meaning]:
    """What has exactly the name in the box, when nothing but the box was filled in."""
    asked = question.asked.get("q")
    if not asked or question.wrong or set(question.told) - {"q"}:
        return []
    return meanings(ledger(), asked, mode=mode, shops=allowed_shops())


def _listed(question: Question, mode: str) -> dict[str, Any] | None:
    """A page of the list; None when its cursor is of another one."""
    asked = question.asked
    with ledger().database.connect() as connection:
        try:
            found = lists.transactions(
                connection, _filter(asked, mode), sort=asked["sort"], cursor=asked.get("cursor")
            )
        except BadCursorError:
            question.wrong["cursor"] = [gettext("This page belongs to another question.")]
            return None
    return {
        "page": replace(found, items=[shown(one) for one in found.items]),
        "next_address": found.next_cursor and _address(question, mode, found.next_cursor),
    }


def _filter(asked: dict[str, Any], mode: str) -> TransactionFilter:
    zone = asked["days_in"]
    moments: dict[str, Any] = {
        f"{name}_from": begins(asked.get(f"{name}_from"), zone) for name in _DAYS
    }
    moments |= {f"{name}_until": ends(asked.get(f"{name}_until"), zone) for name in _DAYS}
    currency = asked["currency"].upper() if asked.get("currency") else None
    method = asked.get("payment_method")
    return TransactionFilter(
        shops=_asked_shops(asked.get("shop")),
        mode=mode,
        search=asked["q"].strip() if asked.get("q") else None,
        statuses=frozenset(asked.get("status", ())),
        operation_types=frozenset(asked.get("operation_type", ())),
        payment_methods=frozenset({method.upper()} if method else ()),
        currency=currency,
        amount_min=minor_units(asked.get("amount_min"), currency),
        amount_max=minor_units(asked.get("amount_max"), currency),
        contradiction=asked["contradiction"],
        late=asked["late"],
        **{name: asked.get(name) for name in _NAMES},
        **moments,
    )


def _asked_shops(asked: list[str] | None) -> frozenset[str] | None:
    """The shops asked for, as far as they are allowed; else all that are."""
    allowed = allowed_shops()
    if not asked:
        return allowed
    return frozenset(asked) if allowed is None else allowed & frozenset(asked)


def _shops(reader: Reader) -> list[tuple[str, str]]:
    """The shops that the reader may choose from. Shape: id, how it is called."""
    known = ledger().shops.shop_by_id
    ids = known if reader.shops is None else reader.shops
    return [(id_, f"{known[id_].name} {id_}" if id_ in known else id_) for id_ in ids]


def _address(question: Question, mode: str, cursor: str | None) -> str:
    return question.address(url_for("pages.search", mode=mode), cursor=cursor)


def _export_address(question: Question, mode: str, format_: str) -> str:
    to = url_for("pages.export_transactions", mode=mode)
    return question.address(to, "cursor", "sort", format=format_)
