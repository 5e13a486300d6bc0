"""What somebody should look at, counted, with the address of the list behind each."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import Response
from marshmallow import RAISE

from ledger.instants import write_public_instant
from ledger.ipn.kinds import KINDS
from ledger.ipn.modes import MODES, PUBLIC_MODES, Mode
from ledger.queries.filter_conditions import Filter
from ledger.queries.filter_declarations import (
    EventFilter,
    NotificationFilter,
    SubscriptionFilter,
    SuspectFilter,
    TransactionFilter,
)
from ledger.queries.lists import Item
from ledger.queries.look_at import LookAt, LookAtCode
from web.api.answer_fields import answer_schema, flag, instant, many, nested, number, text
from web.api.object_answers import Links
from web.api.objects import links_of
from web.api.parameter_names import Query, parameters_of
from web.api.query_schemas import schema_of
from web.api.responses import PREFIX, a_blueprint, answer
from web.authentication import filter_of_caller, redact_for_reader, scope_of
from web.to_look_at import entries_of

bp = a_blueprint("to_look_at", "What somebody should look at.")

_LISTS: dict[type[Filter], str] = {
    TransactionFilter: "transactions",
    SubscriptionFilter: "subscriptions",
    EventFilter: "audit-trail",
    SuspectFilter: "suspects",
    NotificationFilter: "notifications",
}


class _NoMore(Query):
    """Nothing but the mode and the shops of every filter."""


LookAtQuery = schema_of(Filter, _NoMore, name="LookAtQuery")


LookAtObject = answer_schema(
    "LookAtObject",
    kind=text(choices=KINDS),
    shop_id=text(),
    mode=text(choices=PUBLIC_MODES),
    reference=text(),
    alias=text("of a subscription, where it has one", none=True),
    links=nested(Links),
)
LookAtAnswer = answer_schema(
    "LookAtAnswer",
    code=text("what there is to look at", vocabulary=tuple(LookAtCode)),
    mode=text(choices=PUBLIC_MODES),
    count=number("null while the read model behind it is being built", none=True),
    is_bounded=flag("there are more than were counted"),
    oldest_at=instant("since when the oldest waits, as far as they were counted", none=True),
    list=text("address of the list behind it; null where there is none", none=True),
    objects=many(LookAtObject, "the first of them, where no list has exactly these"),
)
LookAtPage = answer_schema("LookAtPage", items=many(LookAtAnswer))


@bp.route("/to-look-at")
@bp.arguments(LookAtQuery, location="query", unknown=RAISE)
@bp.response(200, LookAtPage)
def list_to_look_at(parameters: dict[str, Any]) -> Response:
    """List what somebody should look at, by mode; also what counts nothing."""
    filter_ = filter_of_caller(Filter, parameters)
    named_shops = sorted(parameters.get("shop_id") or ())
    items = []
    for mode in [filter_.mode] if filter_.mode else MODES:
        scope = scope_of(mode)
        if named_shops:
            scope = replace(scope, shops=tuple(named_shops), is_limited=True)
        items += [_item(look_at, Mode(mode).public, named_shops) for look_at in entries_of(scope)]
    return answer({"items": items})


def _item(look_at: LookAt, mode: str, shops: list[str]) -> dict[str, Any]:
    oldest_at = None if look_at.oldest_at is None else write_public_instant(look_at.oldest_at)
    return {
        "code": look_at.code.value,
        "mode": mode,
        "count": look_at.count,
        "is_bounded": look_at.is_bounded,
        "oldest_at": oldest_at,
        "list": None if look_at.filters is None else _address(look_at.filters, mode, shops),
        "objects": [_object(item) for item in look_at.objects],
    }


def _object(item: Item) -> Item:
    names = (item[name] for name in ("kind", "shop_id", "mode", "reference", "alias"))
    return redact_for_reader(item | {"links": links_of(*names)})


def _address(filters: Filter, mode: str, shops: list[str]) -> str:
    """Return the address of a list; the caller's own limits need not be said."""
    query = urlencode(parameters_of(filters) | {"mode": mode, "shop_id": shops}, doseq=True)
    return f"{PREFIX}/{_LISTS[type(filters)]}?{query}"
