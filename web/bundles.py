"""Sends the evidence bundle of an object, made at the moment that it is asked for."""

from dataclasses import replace

from flask import Response

from ledger.proof.bundle import bundle_files, zipped
from ledger.proof.collect import bundle_name, bundle_of, named_for_filing, streams_of
from ledger.queries.notes import notes_about, stream_of_order, streams_with_notes
from web.authentication import caller, log_personal_read
from web.context import ledger
from web.pages.printed_history import printed_histories


def bundle_response(
    kind: str, shop_id: str, mode: str, name: str, *, facts_only: bool, alias: str | None = None
) -> Response:
    """Return a bundle as a zip file; without the right to personal data it holds facts only.

    Errors: NotFoundError, AmbiguousError, NotSignedYetError, BundleError.
    """
    facts_only = facts_only or not caller().sees_personal
    streams = streams_of(ledger(), kind, shop_id, mode, name, alias=alias)
    title = bundle_name(kind, name)
    order = stream_of_order(kind, shop_id, mode, name)
    notes = notes_about(ledger(), streams_with_notes(streams, order), caller())
    unnamed = bundle_of(ledger(), title, streams, reader=caller(), order_stream_id=order)
    shown = [] if facts_only else notes
    pages = printed_histories(title, streams, unnamed.checkpoint, shown, caller())
    bundle = replace(named_for_filing(ledger(), unnamed, shop_id, mode), pages=pages)
    log_personal_read(f"{kind}-bundle", shop_id=shop_id, mode=mode, reference=name)
    response = Response(zipped(bundle_files(bundle, facts_only=facts_only)))
    response.mimetype = "application/octet-stream"  # generators of clients know no zip files
    response.headers["Content-Disposition"] = f'attachment; filename="{bundle.name}.zip"'
    return response
