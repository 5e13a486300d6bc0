"""Evidence bundles over HTTP: what others need to check one object without us."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response

from ledger.queries.find_by_name import ALIAS, ORDER, SUBSCRIPTION, TRANSACTION
from web.api.log import BYTES
from web.api.objects import PLURAL
from web.api.query_schemas import BundleQuery, SubscriptionBundleQuery
from web.api.responses import a_blueprint, serve
from web.bundles import bundle_response

bp = a_blueprint("bundles", "Evidence to be checked elsewhere, with tools of any make.")

_SUMMARIES = {
    TRANSACTION: "Send the evidence of a transaction as a zip file that checks itself.",
    ALIAS: "Send the evidence of an alias.",
    SUBSCRIPTION: "Send the evidence of a subscription; 409 when its id needs an alias.",
    ORDER: "Send the evidence of all transactions of an order.",
}


def _bundle(kind: str, parameters: dict[str, Any], shop_id: str, mode: str, name: str) -> Response:
    return bundle_response(kind, shop_id, mode, name, **parameters)


def _serve(kind: str, summary: str) -> None:
    is_subscription = kind == SUBSCRIPTION
    handler: Callable[..., Response] = partial(_bundle, kind)
    handler = bp.response(200, BYTES, content_type="application/octet-stream")(handler)
    if is_subscription:
        handler = bp.alt_response(409, "409")(handler)
    path = f"/shops/<shop_id>/<mode>/{PLURAL[kind]}/<name:name>/bundle"
    schema = SubscriptionBundleQuery if is_subscription else BundleQuery
    serve(bp, path, handler, f"get_{kind}_bundle", summary, schema)


for _kind, _summary in _SUMMARIES.items():
    _serve(_kind, _summary)
