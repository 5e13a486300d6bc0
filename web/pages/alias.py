"""The page of one stored means of payment: how it stands, what it was used for, its history."""

from typing import Any
from uuid import UUID

from flask.typing import ResponseReturnValue

from ledger.errors import ViewNotBuiltError
from ledger.items import Item
from ledger.lists import Page, SubscriptionFilter, TransactionFilter, subscriptions, transactions
from ledger.lookup import ALIAS
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.history import tell_object
from web.pages.navigation import links_of
from web.pages.story import Story

USES_MAX = 20
"""Newest transactions and subscriptions on the page; the search lists all."""


@bp.get("/<mode:mode>/shops/<shop_id>/aliases/<name:name>")
def alias(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """A stored means of payment, as known now or then."""
    return tell_object(ALIAS, mode, shop_id, name, "alias.html", _more)


def _more(item: Item, story: Story, _: UUID) -> dict[str, Any]:
    own: dict[str, Any] = {
        "shops": frozenset({item["shop_id"]}),
        "mode": item["mode"],
        "alias": item["alias"],
    }

    def uses() -> Page | None:
        return _page(transactions, TransactionFilter(**own))

    def plans() -> Page | None:
        return _page(subscriptions, SubscriptionFilter(**own))

    return {"links": links_of(item), "uses": uses, "plans": plans}


def _page(question: Any, filter_: Any) -> Page | None:
    """What a view lists; None while it is not built."""
    with ledger().database.connect() as connection:
        try:
            found: Page = question(connection, filter_, limit=USES_MAX)
        except ViewNotBuiltError:
            return None
    return found
