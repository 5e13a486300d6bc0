"""Reads a request of an ASGI server into what a WSGI application is given, its body included."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from io import BytesIO, RawIOBase
from typing import Any
from urllib.parse import unquote_to_bytes

BODY_SECONDS_MAX = 30
"""For a whole body, from its first byte to its last."""

_CONSTANT: Mapping[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,  # a stream that ends with the body
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


class UnfinishedBody(RawIOBase):
    """The body of a sender that hung up or was too slow: whoever reads it gets a TimeoutError."""

    def readable(self) -> bool:
        return True

    def readinto(self, _: object) -> int:
        raise TimeoutError("the body did not come to its end")


def wsgi_environ(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of a request, with an empty body.

    Shape: repeated headers are joined; one with an underscore in its name is left out, since it
    would pass for the one with a hyphen, which a proxy may have checked.
    """
    environ = {
        **_CONSTANT,
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "REQUEST_URI": scope["raw_path"].decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(),
    }
    for name, text in scope["headers"]:
        variable = _variable(name)
        if variable in environ:
            separator = b"; " if name == b"cookie" else b","
            text = environ[variable].encode("latin-1") + separator + text
        if variable:
            environ[variable] = text.decode("latin-1")
    return environ


def has_body(environ: Mapping[str, Any]) -> bool:
    """Return True if a request says that a body follows."""
    return "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ


def body_length(environ: Mapping[str, Any]) -> int | None:
    """Return the length that the sender announces; the server has checked that it is a number."""
    announced = environ.get("CONTENT_LENGTH", "").partition(",")[0]
    return int(announced) if announced.isdigit() else None


async def read_body(
    receive: Callable[[], Awaitable[Any]], length: int | None, bytes_max: int
) -> BytesIO | UnfinishedBody:
    """Read a body, at most one byte above the limit; nothing of one that announces more."""
    if length is not None and length > bytes_max:
        return BytesIO()
    parts, left = [], bytes_max + 1 if length is None else length
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            while left > 0:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return UnfinishedBody()
                parts.append(message["body"][:left])
                left -= len(parts[-1])
                if not message["more_body"]:
                    break
    except TimeoutError:
        return UnfinishedBody()
    is_cut_short = length is not None and left > 0
    return UnfinishedBody() if is_cut_short else BytesIO(b"".join(parts))


@lru_cache(1_000)
def _variable(name: bytes) -> str:
    """Return what a header is called; nothing for one that is left out."""
    if b"_" in name:
        return ""
    variable = name.decode("latin-1").upper().replace("-", "_")
    return variable if name in (b"content-type", b"content-length") else f"HTTP_{variable}"
