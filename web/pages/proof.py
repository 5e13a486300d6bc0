"""How far the log is signed, to copy and to print, and the bundles that prove one payment."""

from datetime import datetime

from flask.typing import ResponseReturnValue

from ledger.errors import NotFoundError
from ledger.proof.log import first_covering
from ledger.proof.signed_log import ProvenEntry, log_status, signed_log
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.rendering import render


@bp.get("/<mode:mode>/proof")
def proof(mode: str) -> ResponseReturnValue:
    """Show the newest checkpoint and how far the log is; it is of both modes."""
    with ledger().database.connect() as connection:
        standing = log_status(connection)
    return render("proof.html", standing=standing, now=context().clock())


def proven_entry(origin_id: str) -> tuple[ProvenEntry, datetime] | None:
    """Return the entry of an origin, and since when it is signed; None before that."""
    with ledger().database.connect() as connection:
        try:
            signed = signed_log(connection)
            proven = signed.proven(origin_id)
        except NotFoundError:
            return None
        return proven, first_covering(connection, signed.log.number, proven.logged.index)
