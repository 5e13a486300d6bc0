"""Where pages are: the one place that knows how to lead to anything of the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, request, url_for

from ledger.access.readers import OPERATOR, ROLES
from ledger.search import NOTIFICATION, ORDER, Meaning
from web.pages.languages import N_
from web.security import MODES, caller

DEFAULT_MODE = "production"


@dataclass(frozen=True, slots=True)
class Entry:
    """A page that the menu of each mode names, for these roles."""

    endpoint: str
    title: str
    roles: tuple[str, ...] = ROLES


MENU = (
    Entry("pages.overview", N_("Overview")),
    Entry("pages.search", N_("Search")),
    Entry("pages.notifications", N_("Notifications")),
    Entry("pages.quarantine", N_("Quarantine")),
    Entry("pages.projections", N_("Views")),
    Entry("pages.readers", N_("Access"), (OPERATOR,)),
    Entry("pages.access_log", N_("Access log"), (OPERATOR,)),
)


def register(app: Flask) -> None:
    """Let templates lead anywhere."""
    app.jinja_env.globals.update(
        menu=menu, link_to=link_to, in_mode=in_mode, current_mode=current_mode, modes=MODES
    )


def menu() -> list[Entry]:
    """What the reader may open."""
    return [one for one in MENU if caller().role in one.roles]


def link_to(
    kind: str, name: str, *, shop_id: str | None, mode: str | None, **more: str | None
) -> str:
    """The page of a transaction, order, alias, subscription or notification.

    Shape: `name` is its uuid or reference, its id; `more` go to the query (`alias` of a
    subscription, `as_of`).
    """
    told: dict[str, Any] = {key: value for key, value in more.items() if value is not None}
    if kind == NOTIFICATION:
        return url_for("pages.notification", mode=mode or current_mode(), name=name, **told)
    return url_for(f"pages.{kind}", mode=mode, shop_id=shop_id, name=name, **told)


def link_to_meaning(one: Meaning) -> str:
    """The page of something that was searched for."""
    return link_to(one.kind, one.name, shop_id=one.shop_id, mode=one.mode, alias=one.alias)


def links_of(item: Mapping[str, Any]) -> dict[str, str]:
    """For each fact of an item that names another object of its shop, the page of that."""
    found = {}
    for fact, kind in _NAMING.items():
        if item.get(fact):
            found[fact] = link_to(kind, str(item[fact]), shop_id=item["shop_id"], mode=item["mode"])
    return found


_NAMING = {
    "uuid": "transaction",
    "parent_uuid": "transaction",
    "transaction_uuid": "transaction",
    "order_id": ORDER,
    "alias": "alias",
    "subscription_id": "subscription",
}


def in_mode(mode: str) -> str:
    """The same page in the other world where there is one, else its overview."""
    told = request.view_args or {}
    if request.blueprint == "pages" and set(told) == {"mode"} and request.method == "GET":
        return url_for(request.endpoint or "", mode=mode)
    return url_for("pages.overview", mode=mode)


def current_mode() -> str:
    """The world of this page."""
    return str((request.view_args or {}).get("mode") or DEFAULT_MODE)
