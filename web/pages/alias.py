"""The page of one stored means of payment: how it stands, what it was used for, its history."""

from typing import Any

from flask.typing import ResponseReturnValue

from ledger.errors import ViewNotBuiltError
from ledger.items import Item
from ledger.lists import Page, list_page
from ledger.lookup import ALIAS
from ledger.queries.listings import SUBSCRIPTIONS, TRANSACTIONS, Listing
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.history import tell_object

USES_MAX = 20
"""Newest transactions and subscriptions on the page; the search lists all."""


@bp.get("/<mode:mode>/shops/<shop_id>/aliases/<name:name>")
def alias(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """A stored means of payment, as known now or then."""
    return tell_object(ALIAS, mode, shop_id, name, "alias.html", _MORE)


def _uses(item: Item, *_: Any) -> Page | None:
    return _page(TRANSACTIONS, item)


def _plans(item: Item, *_: Any) -> Page | None:
    return _page(SUBSCRIPTIONS, item)


_MORE = {"uses": _uses, "plans": _plans}


def _page(listing: Listing, item: Item) -> Page | None:
    """Return the newest that use this alias; None while their read model is not built."""
    filter_ = listing.filter_class.of(
        {"shop_id": [item["shop_id"]], "mode": item["mode"], "alias": item["alias"]}
    )
    with ledger().database.connect() as connection:
        try:
            return list_page(connection, listing, filter_, limit=USES_MAX)
        except ViewNotBuiltError:
            return None
