"""What operators look at: how far the views are, and who has read what."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import RAISE

from ledger.access.log import accesses
from ledger.items import instant
from ledger.projections.status import statuses
from web.api.administration_answers import AccessLogAnswer, ProjectionsAnswer
from web.api.answers import a_blueprint, answer
from web.api.query_schemas import AccessLogQuery
from web.context import ledger
from web.security import only_for_operators, permitted_shops

bp = a_blueprint("administration", "Views and the access log.")


@bp.route("/projections")
@bp.response(200, ProjectionsAnswer)
def list_projections() -> Response:
    """Every generation of every view, and how far it has followed the log."""
    told = [
        {
            "name": one.generation.name,
            "generation": one.generation.id,
            "state": one.generation.state,
            "fingerprint": one.generation.fingerprint,
            "is_current": one.is_current,
            "is_followed": one.is_followed,
            "position": one.position,
            "lag": one.lag,
            "lag_seconds": one.lag_seconds,
            "poison": [
                {"position": each.position, "topic": each.topic, "error": each.error}
                for each in one.poison
            ],
        }
        for one in statuses(ledger())
    ]
    return answer({"items": told})


@bp.route("/access-log")
@bp.arguments(AccessLogQuery, location="query", unknown=RAISE)
@bp.response(200, AccessLogAnswer)
@only_for_operators
def list_accesses(asked: dict[str, Any]) -> Response:
    """Who has read personal or raw data, or was refused it, newest first."""
    limit, shop_id = asked["limit"], asked["shop_id"]
    shops = permitted_shops(frozenset({shop_id}) if shop_id else None)
    with ledger().database.connect() as connection:
        found = accesses(
            connection,
            limit=limit + 1,
            before_id=asked["cursor"],
            shops=None if shops is None else sorted(shops),
            token_id=asked["token_id"],
            kind=asked["kind"],
            shop_id=shop_id,
        )
    cursor = str(found[limit - 1].id) if len(found) > limit else None
    items = [asdict(one) | {"at": instant(one.at)} for one in found[:limit]]
    told = {"items": items, "next_cursor": cursor}
    return answer(told, next_={"cursor": cursor} if cursor else None)
