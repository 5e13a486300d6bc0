"""The addresses of pages: the menu, and the link to any object of the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, request, url_for

from ledger.access.readers import OPERATOR, ROLES
from ledger.queries.find_by_name import NOTIFICATION, ORDER, Meaning
from web.authentication import MODES, caller
from web.pages.languages import N_

DEFAULT_MODE = "production"


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A page that the menu of each mode names, for these roles."""

    endpoint: str
    title: str
    roles: tuple[str, ...] = ROLES


MENU = (
    MenuEntry("pages.overview", N_("Overview")),
    MenuEntry("pages.search", N_("Search")),
    MenuEntry("pages.notifications", N_("Notifications")),
    MenuEntry("pages.quarantine", N_("Quarantine")),
    MenuEntry("pages.projections", N_("Views")),
    MenuEntry("pages.readers", N_("Access"), (OPERATOR,)),
    MenuEntry("pages.access_log", N_("Access log"), (OPERATOR,)),
)


def register(app: Flask) -> None:
    """Let templates lead anywhere."""
    app.jinja_env.globals.update(
        menu=menu, link_to=link_to, in_mode=in_mode, current_mode=current_mode, modes=MODES
    )


def menu() -> list[MenuEntry]:
    """Return the pages that the reader may open."""
    return [entry for entry in MENU if caller().role in entry.roles]


def link_to(
    kind: str, name: str, *, shop_id: str | None, mode: str | None, **more: str | None
) -> str:
    """Return the address of a transaction, order, alias, subscription or notification.

    Shape: `name` is its uuid or reference, its id; `more` go to the query (`alias` of a
    subscription, `as_of`).
    """
    query: dict[str, Any] = {key: text for key, text in more.items() if text is not None}
    if kind == NOTIFICATION:
        return url_for("pages.notification", mode=mode or current_mode(), name=name, **query)
    return url_for(f"pages.{kind}", mode=mode, shop_id=shop_id, name=name, **query)


def link_to_meaning(meaning: Meaning) -> str:
    """Return the address of an object that was searched for."""
    return link_to(
        meaning.kind,
        meaning.name,
        shop_id=meaning.shop_id,
        mode=meaning.mode,
        alias=meaning.alias,
    )


def links_of(state: Mapping[str, Any]) -> dict[str, str]:
    """Return the address of each object that a fact of this state names. Shape: fact -> address."""
    shop_id, mode = state["shop_id"], state["mode"]
    return {
        fact: link_to(kind, str(state[fact]), shop_id=shop_id, mode=mode)
        for fact, kind in _KIND_BY_FACT.items()
        if state.get(fact)
    }


_KIND_BY_FACT = {
    "uuid": "transaction",
    "parent_uuid": "transaction",
    "transaction_uuid": "transaction",
    "order_id": ORDER,
    "alias": "alias",
    "subscription_id": "subscription",
}


def in_mode(mode: str) -> str:
    """Return the address of the same page in another mode, or else its overview."""
    arguments = request.view_args or {}
    if request.blueprint == "pages" and set(arguments) == {"mode"} and request.method == "GET":
        return url_for(request.endpoint or "", mode=mode)
    return url_for("pages.overview", mode=mode)


def current_mode() -> str:
    """Return the mode of this page."""
    return str((request.view_args or {}).get("mode") or DEFAULT_MODE)
