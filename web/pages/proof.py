"""How far the log is signed, to copy and to print, and the bundles that prove one payment."""

from datetime import datetime

from flask import request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from ledger.errors import NotFoundError
from ledger.ipn.kinds import KINDS
from ledger.proof.log import first_covering
from ledger.proof.signed_log import ProvenEntry, log_status, signed_log
from ledger.proof.stamping import newest_timestamp
from ledger.queries.find_by_name import ORDER
from web.bundles import bundle_response
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.rendering import render


@bp.get("/<mode:mode>/proof")
def proof(mode: str) -> ResponseReturnValue:
    """Show the newest checkpoint and how far the log is; it is of both modes."""
    with ledger().database.connect() as connection:
        standing = log_status(connection)
        stamp = newest_timestamp(connection)
    newest = ledger().events.newest_position()
    now = context().clock()
    return render("proof.html", standing=standing, stamp=stamp, now=now, newest_position=newest)


@bp.get("/<mode:mode>/shops/<shop_id>/bundles/<kind>/<name:name>")
def bundle(mode: str, shop_id: str, kind: str, name: str) -> ResponseReturnValue:
    """Download the evidence of an object; with facts only if the reader has no right to more."""
    if kind not in (*KINDS, ORDER):
        raise NotFound
    facts_only = request.args.get("facts_only") == "true"
    alias = request.args.get("alias") or None
    return bundle_response(kind, shop_id, mode, name, facts_only=facts_only, alias=alias)


def proven_entry(origin_id: str) -> tuple[ProvenEntry, datetime] | None:
    """Return the entry of an origin, and since when it is signed; None before that."""
    with ledger().database.connect() as connection:
        try:
            signed = signed_log(connection)
            proven = signed.proven(origin_id)
        except NotFoundError:
            return None
        return proven, first_covering(connection, signed.log.number, proven.logged.index)
