"""The id of a request: in its answer, in its line of the log, and in a problem document."""

import re
from secrets import token_hex

from flask import request

from web.addresses import read_address
from web.context import context

HEADER = "X-Request-Id"

_ID = "ipn-ledger-request-id"
"""Its name in the environment of a request."""
_SAFE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id() -> str:
    """Return the id of this request: a fresh one, or that of a proxy that is trusted.

    A caller could name the id of somebody else's request: its word is not taken.
    """
    id_: str | None = request.environ.get(_ID)
    if id_ is None:
        id_ = request.environ[_ID] = _id_of_proxy() or token_hex(8)
    return id_


def _id_of_proxy() -> str | None:
    written = request.environ.get("HTTP_X_REQUEST_ID", "")
    if not _SAFE.fullmatch(written):
        return None
    peer, trusted = read_address(request.remote_addr or ""), context().settings.trusted_proxies
    is_trusted = peer is not None and any(peer in network for network in trusted)
    return written if is_trusted else None
