"""The signed log over HTTP: checkpoints, tiles, and the proof of each entry.

Below `/api/v1/log` it is served as C2SP tlog-tiles says, so that any monitor can follow it.
"""

import base64
from typing import Any

from flask import Response
from marshmallow import RAISE

from ledger.errors import NotFoundError
from ledger.proof.signed_log import ProvenEntry, signed_log
from ledger.proof.tiles import ENTRIES, tile_at
from ledger.storage.answers import evidence_record
from web.api.answers import ConsistencyAnswer
from web.api.query_schemas import ConsistencyQuery
from web.api.responses import a_blueprint, answer
from web.authentication import caller, only_for_all_shops
from web.context import ledger

bp = a_blueprint("log", "What proves that nothing recorded was changed, removed or put in.")

BYTES = {"type": "string", "format": "binary"}
TEXT = {"type": "string"}


@bp.route("/log/checkpoint")
@bp.response(200, TEXT, content_type="text/plain")
def get_checkpoint() -> Response:
    """Send the newest signed checkpoint. Keep it: whatever is changed later contradicts it."""
    with ledger().database.connect() as connection:
        return _text(signed_log(connection).checkpoint.note)


@bp.route("/log/consistency")
@bp.arguments(ConsistencyQuery, location="query", unknown=RAISE)
@bp.response(200, ConsistencyAnswer)
def get_consistency(parameters: dict[str, Any]) -> Response:
    """Prove that the log has only grown from one size to another."""
    with ledger().database.connect() as connection:
        signed = signed_log(connection)
        sizes = parameters["from"], parameters["to"] or signed.size
        hashes = signed.consistency(*sizes)
    written = [base64.b64encode(hash_).decode() for hash_ in hashes]
    return answer({"from": sizes[0], "to": sizes[1], "hashes": written})


@bp.route("/log/tile/<int:level>/<name:tile>")
@bp.response(200, BYTES, content_type="application/octet-stream")
@only_for_all_shops
def get_tile(level: int, tile: str) -> Response:
    """Send a tile of hashes of the signed log. Source: C2SP tlog-tiles."""
    return _tile(level, tile)


@bp.route("/log/tile/entries/<name:tile>")
@bp.response(200, BYTES, content_type="application/octet-stream")
@only_for_all_shops
def get_entries(tile: str) -> Response:
    """Send the entries of a tile, each behind its length in two bytes."""
    return _tile(ENTRIES, tile)


@bp.route("/notifications/<notification_id>/proof")
@bp.response(200, TEXT, content_type="text/plain")
def get_notification_proof(notification_id: str) -> Response:
    """Send the proof that the entry of a notification is in the log. Source: C2SP tlog-proof."""
    return _text(_proven(notification_id).proof)


@bp.route("/notifications/<notification_id>/entry")
@bp.response(200, BYTES, content_type="application/octet-stream")
def get_notification_entry(notification_id: str) -> Response:
    """Send the entry of a notification in the log, byte for byte as it was hashed."""
    return _bytes(_proven(notification_id).logged.entry)


def _tile(level: int | str, path: str) -> Response:
    with ledger().database.connect() as connection:
        signed = signed_log(connection)
        return _bytes(tile_at(signed.log, signed.size, level, path))


def _proven(notification_id: str) -> ProvenEntry:
    """Return the entry of a notification that the caller may see. Errors: NotFoundError."""
    with ledger().database.connect() as connection:
        row = evidence_record(connection, notification_id)
        if row is None or not caller().allows_shop(row.shop_id):
            raise NotFoundError("no such delivery")
        return signed_log(connection).proven(row.id)


def _text(text: str) -> Response:
    return Response(text, mimetype="text/plain")


def _bytes(content: bytes) -> Response:
    return Response(content, mimetype="application/octet-stream")
