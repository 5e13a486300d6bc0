"""One notification: its facts."""

from collections.abc import Mapping
from typing import Any

from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from ledger.deliveries import notification_data
from ledger.logs import network
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.navigation import links_of
from web.pages.rendering import render
from web.security import caller, will_tell_personal


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


def _facts(kind: str, name: str, told: Mapping[str, Any]) -> ResponseReturnValue:
    nested = ("kind", "details", "personal", "instalments")
    facts = {key: value for key, value in told.items() if key not in nested}
    return render(
        "object.html", kind=kind, title=name, facts=facts, told=told, links=links_of(told)
    )
