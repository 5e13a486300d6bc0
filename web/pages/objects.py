"""One transaction, order, alias, subscription or notification: its facts."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from ledger.deliveries import notification_data
from ledger.items import item
from ledger.logs import network
from ledger.lookup import known, stream
from ledger.order import order as order_of
from ledger.order import order_history
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.navigation import links_of
from web.pages.rendering import render
from web.security import caller, shown, will_tell_personal


@bp.get("/<mode:mode>/shops/<shop_id>/transactions/<name:name>")
def transaction(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """A transaction, by its uuid or reference."""
    return _object("transaction", mode, shop_id, name)


@bp.get("/<mode:mode>/shops/<shop_id>/aliases/<name:name>")
def alias(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """A stored means of payment."""
    return _object("alias", mode, shop_id, name)


@bp.get("/<mode:mode>/shops/<shop_id>/subscriptions/<name:name>")
def subscription(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """A subscription; `alias` tells those of one id apart."""
    return _object("subscription", mode, shop_id, name)


@bp.get("/<mode:mode>/shops/<shop_id>/orders/<name:name>")
def order(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """An order with its transactions."""
    found = order_history(ledger(), shop_id, mode.upper(), name)
    will_tell_personal("order", shop_id=shop_id, mode=mode, reference=name)
    told = shown(order_of(found, shop_id=shop_id, mode=mode, order_id=name))
    return render("order.html", order=told)


@bp.get("/<mode:mode>/notifications/<name>")
def notification(mode: str, name: str) -> ResponseReturnValue:
    """One delivery, verified or not."""
    with ledger().database.connect() as connection:
        row = ledger().journal.get(connection, name)
    if row is None or row.mode not in (None, mode.upper()) or not caller().allows_shop(row.shop_id):
        raise NotFound
    told = notification_data(row)
    if caller().sees_personal:
        will_tell_personal("notification", shop_id=row.shop_id, mode=mode, reference=row.id)
    else:
        told["peer"] = network(row.peer)
    return _facts("notification", row.id, told)


def _object(kind: str, mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    id_ = stream(
        ledger(), kind, shop_id, mode.upper(), name, alias=request.args.get("alias") or None
    )
    events = known(ledger(), id_)
    will_tell_personal(kind, shop_id=shop_id, mode=mode, reference=name)
    return _facts(kind, name, shown(item(events)))


def _facts(kind: str, name: str, told: Mapping[str, Any]) -> ResponseReturnValue:
    nested = ("kind", "details", "personal", "instalments")
    facts = {key: value for key, value in told.items() if key not in nested}
    return render(
        "object.html", kind=kind, title=name, facts=facts, told=told, links=links_of(told)
    )
