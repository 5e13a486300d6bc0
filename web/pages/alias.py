"""The page of one stored means of payment: how it stands, what it was used for, its history."""

from typing import Any

from flask.typing import ResponseReturnValue

from ledger.errors import ViewNotBuiltError
from ledger.queries.find_by_name import ALIAS
from ledger.queries.lists import SUBSCRIPTIONS, TRANSACTIONS, Listing, Page, list_page
from ledger.queries.state import State
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.history import render_object

USES_MAX = 20
"""Newest transactions and subscriptions on the page; the search lists all."""


@bp.get("/<mode:mode>/shops/<shop_id>/aliases/<name:name>")
def alias(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """Show a stored means of payment, as known now or then."""
    return render_object(ALIAS, mode, shop_id, name, "alias.html", _EXTRA)


def _transactions(state: State, *_: Any) -> Page | None:
    return _page(TRANSACTIONS, state)


def _subscriptions(state: State, *_: Any) -> Page | None:
    return _page(SUBSCRIPTIONS, state)


_EXTRA = {"transactions": _transactions, "subscriptions": _subscriptions}


def _page(listing: Listing, state: State) -> Page | None:
    """Return the newest that use this alias; None while their read model is not built."""
    filter_ = listing.filter_class.of(
        {"shop_id": [state["shop_id"]], "mode": state["mode"], "alias": state["alias"]}
    )
    with ledger().database.connect() as connection:
        try:
            return list_page(connection, listing, filter_, limit=USES_MAX)
        except ViewNotBuiltError:
            return None
