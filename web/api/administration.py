"""Answers operators: how far the read models are, and who has read what."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import RAISE

from ledger.access.log import accesses
from ledger.instants import write_public_instant
from ledger.projections.engine.status import Status, statuses
from web.api.answers import AccessLogPage, ProjectionsAnswer
from web.api.query_schemas import AccessLogQuery
from web.api.responses import a_blueprint, answer, answer_page, newest_position
from web.authentication import only_for_operators, permitted_shops
from web.context import ledger

bp = a_blueprint("administration", "Views and the access log.")


@bp.route("/projections")
@bp.response(200, ProjectionsAnswer)
def list_projections() -> Response:
    """List every generation of every read model, and how far it has followed the events."""
    items = [_generation_data(status) for status in statuses(ledger())]
    return answer({"items": items, "newest_position": newest_position()})


def _generation_data(standing: Status) -> dict[str, Any]:
    generation, fields = standing.generation, asdict(standing)
    del fields["generation"]
    return {
        "name": generation.name,
        "generation": generation.id,
        "state": generation.state,
        "fingerprint": generation.fingerprint,
        **fields,
    }


@bp.route("/access-log")
@bp.arguments(AccessLogQuery, location="query", unknown=RAISE)
@bp.response(200, AccessLogPage)
@only_for_operators
def list_accesses(parameters: dict[str, Any]) -> Response:
    """List who has read personal or raw data, or was refused it, newest first."""
    limit, shop_id = parameters["limit"], parameters["shop_id"]
    shops = permitted_shops(frozenset({shop_id}) if shop_id else None)
    with ledger().database.connect() as connection:
        log = accesses(
            connection,
            limit=limit + 1,
            before_id=parameters["cursor"],
            shops=None if shops is None else sorted(shops),
            token_id=parameters["token_id"],
            kind=parameters["kind"],
        )
    cursor = str(log[limit - 1].id) if len(log) > limit else None
    items = [asdict(access) | {"at": write_public_instant(access.at)} for access in log[:limit]]
    return answer_page(items, cursor)
