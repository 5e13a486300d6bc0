"""The files that pages come with: their addresses, and how they are sent."""

import gzip
import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path

from flask import Response, request, url_for

STATIC = str(Path(__file__).resolve().parents[1] / "static")

_TEXTS = frozenset({"text/css", "text/javascript"})
"""What compression makes smaller. Pages are not compressed: one that shows what somebody else wrote
beside the token of its forms would tell of the token by its length (BREACH)."""


def static_url(name: str) -> str:
    """Return the address of a file of ours; it changes with the file."""
    return url_for("auth.static", filename=name, v=_digest(name))


def compress_file(response: Response) -> Response:
    """Send a file of ours compressed to whoever takes gzip."""
    if response.mimetype not in _TEXTS:
        return response
    response.vary.add("Accept-Encoding")
    if response.status_code != HTTPStatus.OK or not request.accept_encodings["gzip"]:
        return response
    response.direct_passthrough = False
    tag, _ = response.get_etag()
    response.set_data(_compressed(response.get_data()))
    response.content_encoding = "gzip"
    response.set_etag(f"{tag}-gzip")
    response.make_conditional(request)
    return response


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((Path(STATIC) / name).read_bytes()).hexdigest()[:12]


@cache
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)
