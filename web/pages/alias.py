"""The page of one stored means of payment: how it stands, what it was used for, its history."""

from typing import Any

from flask.typing import ResponseReturnValue

from ledger.errors import ViewNotBuiltError
from ledger.items import Item
from ledger.lists import Page, SubscriptionFilter, TransactionFilter, subscriptions, transactions
from ledger.lookup import ALIAS
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.history import render_object

USES_MAX = 20
"""Newest transactions and subscriptions on the page; the search lists all."""


@bp.get("/<mode:mode>/shops/<shop_id>/aliases/<name:name>")
def alias(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """Show a stored means of payment, as known now or then."""
    return render_object(ALIAS, mode, shop_id, name, "alias.html", _EXTRA)


def _transactions(state: Item, *_: Any) -> Page | None:
    return _page(transactions, TransactionFilter(**_of(state)))


def _subscriptions(state: Item, *_: Any) -> Page | None:
    return _page(subscriptions, SubscriptionFilter(**_of(state)))


_EXTRA = {"transactions": _transactions, "subscriptions": _subscriptions}


def _of(state: Item) -> dict[str, Any]:
    return {
        "shops": frozenset({state["shop_id"]}),
        "mode": state["mode"],
        "alias": state["alias"],
    }


def _page(list_rows: Any, filter_: Any) -> Page | None:
    """Return the first rows of a list; None while its read model is not built."""
    with ledger().database.connect() as connection:
        try:
            page: Page = list_rows(connection, filter_, limit=USES_MAX)
        except ViewNotBuiltError:
            return None
    return page
