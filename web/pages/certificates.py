"""Sends the certificate of an erasure: signed, or in words to print."""

from flask import Response
from flask.typing import ResponseReturnValue

from ledger.privacy.certificate import certificate, printable_certificate
from web.authentication import only_for_all_shops, only_for_operators
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.languages import N_
from web.pages.privacy import RefusedFormError, signer


@bp.get("/<mode:mode>/privacy/certificates/<erasure_id>")
@only_for_operators
@only_for_all_shops
def erasure_certificate(mode: str, erasure_id: str) -> ResponseReturnValue:
    """Download the certificate of an erasure, signed by the key of the log."""
    response = Response(_certificate(erasure_id), mimetype="text/plain")
    disposition = f'attachment; filename="erasure-{erasure_id}.txt"'
    response.headers["Content-Disposition"] = disposition
    return response


@bp.get("/<mode:mode>/privacy/certificates/<erasure_id>/printable")
@only_for_operators
@only_for_all_shops
def printable_erasure(mode: str, erasure_id: str) -> ResponseReturnValue:
    """Show the certificate of an erasure in words, to print."""
    return Response(printable_certificate(_certificate(erasure_id)), mimetype="text/plain")


def _certificate(erasure_id: str) -> str:
    """Return a signed certificate. Errors: NotFoundError; RefusedFormError without the log key."""
    log_signer = signer()
    if log_signer is None:
        raise RefusedFormError(
            N_("The log key is not on this machine: ask for the certificate where it is."),
            status=503,
        )
    return certificate(ledger(), log_signer, erasure_id)
