"""The addresses of pages: the menu, and the link to any object of the ledger."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, request, url_for

from ledger.ipn.card_data import HIDDEN
from ledger.queries.find_by_name import ALIAS, NOTIFICATION, ORDER, SUBSCRIPTION, TRANSACTION
from ledger.queries.lists import Item
from ledger.queries.state import State
from web.authentication import caller, is_open_to
from web.pages.languages import N_, zone_name

DEFAULT_MODE = "production"
MENU = {
    "pages.overview": N_("Overview"),
    "pages.to_look_at": N_("To look at"),
    "pages.search": N_("Search"),
    "pages.events": N_("Events"),
    "pages.notifications": N_("Notifications"),
    "pages.quarantine": N_("Quarantine"),
    "pages.completeness": N_("Completeness"),
    "pages.suspects": N_("Suspects"),
    "pages.settlement": N_("Settlement"),
    "pages.proof": N_("Proof"),
    "pages.privacy": N_("Privacy"),
    "pages.projections": N_("Data freshness"),
    "pages.readers": N_("Access"),
    "pages.access_log": N_("Access log"),
}
"""The pages that the menu of each mode names. Shape: endpoint -> title."""

_KIND_BY_FACT = {
    "uuid": TRANSACTION,
    "parent_uuid": TRANSACTION,
    "transaction_uuid": TRANSACTION,
    "order_id": ORDER,
    "alias": ALIAS,
    "subscription_id": SUBSCRIPTION,
}


def menu() -> dict[str, str]:
    """Return the pages that the reader may open."""
    reader, views = caller(), current_app.view_functions
    return {name: title for name, title in MENU.items() if is_open_to(reader, views[name])}


def link_to(
    kind: str,
    name: str,
    *,
    shop_id: str | None,
    mode: str | None,
    position: int | None = None,
    **more: str | None,
) -> str:
    """Return the address of a transaction, order, alias, subscription or notification.

    Shape: `name` is its uuid or reference, its id; `position` is that of an event in its history;
    `more` go to the query (`alias` of a subscription, `as_of`).
    """
    arguments: dict[str, Any] = {"mode": mode, "shop_id": shop_id, "name": name, **more}
    if position is not None:
        arguments["_anchor"] = f"event-{position}"
    if kind == NOTIFICATION:
        arguments |= {"mode": mode or current_mode(), "shop_id": None}
    return url_for(f"pages.{kind}", **arguments)


def address_of(item: Item, *, position: int | None = None) -> str | None:
    """Return the address of the object that a row names; None where its name is masked.

    Shape: `position` is that of an event in the object's history.
    """
    alias = item.get("alias") or None
    if HIDDEN in (item["reference"], alias):
        return None
    more = {"alias": alias} if alias else {}
    names = {"shop_id": item["shop_id"], "mode": item["mode"]}
    return link_to(item["kind"], item["reference"], position=position, **names, **more)


def links_of(state: State) -> dict[str, str]:
    """Return the address of each object that a fact of this state names. Shape: fact -> address."""
    shop_id, mode = state["shop_id"], state["mode"]
    return {
        fact: link_to(kind, str(state[fact]), shop_id=shop_id, mode=mode)
        for fact, kind in _KIND_BY_FACT.items()
        if state.get(fact)
    }


def known_on(at: date) -> str:
    """Return the address of all that became known on the day of an instant, on the reader's clock;
    of a bare day, on that day in UTC."""
    zone = zone_name() if isinstance(at, datetime) else "UTC"
    day = (at.astimezone(ZoneInfo(zone)).date() if isinstance(at, datetime) else at).isoformat()
    more: dict[str, Any] = {} if zone == "UTC" else {"days_in": zone}
    more |= {"recorded_from": day, "recorded_until": day}
    return url_for("pages.events", mode=current_mode(), **more)


def in_mode(mode: str) -> str:
    """Return the address of the same page in another mode, or else its overview."""
    arguments = request.view_args or {}
    if request.blueprint == "pages" and set(arguments) == {"mode"} and request.method == "GET":
        return url_for(request.endpoint or "", mode=mode)
    return url_for("pages.overview", mode=mode)


def current_mode() -> str:
    """Return the mode of this page."""
    return str((request.view_args or {}).get("mode") or DEFAULT_MODE)
