"""The path of a request as it was written: a slash that was escaped belongs to a name."""

from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote
from wsgiref.types import WSGIEnvironment

import flask
from werkzeug.routing import BaseConverter, MapAdapter

PLAIN = ":@!$'()*,;=~"
"""What needs no escape in a part of a path."""
ESCAPED = "\ud82f"
"""Stands for an escaped slash where paths are matched: no path that was decoded holds it."""


def marked_path(environ: WSGIEnvironment) -> str:
    """Return the decoded path with `ESCAPED` for each slash that was written as `%2F`.

    Shape: the path as it is where the server does not say how it was written.
    """
    script_name, path = (_decoded(environ.get(name, "")) for name in ("SCRIPT_NAME", "PATH_INFO"))
    written = str(environ.get("REQUEST_URI") or environ.get("RAW_URI") or "").partition("?")[0]
    parts = written.replace("%2f", "%2F").split("%2F")
    marked = ESCAPED.join(unquote(part) for part in parts)
    is_same = len(parts) > 1 and marked.replace(ESCAPED, "/") == script_name + path
    return marked[len(script_name) :] if is_same else path


def quoted(text: str) -> str:
    """Return a name as a part of a path. Shape: `.` and `..` alone are escaped too."""
    return quote(text, safe=PLAIN) if text.strip(".") else text.replace(".", "%2E")


def _decoded(variable: str) -> str:
    return variable.encode("latin-1").decode(errors="replace")


class Request(flask.Request):
    """A request that knows how its path was written."""

    @cached_property
    def marked_path(self) -> str:
        """Return the path by which its view is looked up."""
        return "/" + marked_path(self.environ).lstrip("/")

    @cached_property
    def own_path(self) -> str:
        """Return the path to ask for the same again."""
        whole = self.root_path.rstrip("/") + self.marked_path
        return "/".join(quoted(part.replace(ESCAPED, "/")) for part in whole.split("/"))

    @property
    def own_address(self) -> str:
        """Return the path and the query to ask for the same again."""
        query = self.query_string.decode("latin-1")
        return f"{self.own_path}?{query}" if query else self.own_path


def own_path() -> str:
    """Return the path to ask for the same again."""
    return _request().own_path


def own_address() -> str:
    """Return the path and the query to ask for the same again."""
    return _request().own_address


def _request() -> Request:
    request = flask.request
    assert isinstance(request, Request)
    return request


class Application(flask.Flask):
    """An application whose views are looked up by the path as it was written."""

    request_class = Request

    def create_url_adapter(self, request: flask.Request | None) -> MapAdapter | None:
        """Return what looks a view up."""
        adapter = super().create_url_adapter(request)
        if adapter is not None and isinstance(request, Request):
            adapter.path_info = request.marked_path.lstrip("/")
        return adapter


class StorableText(BaseConverter):
    """One part of a path; one that holds what no database can store leads nowhere."""

    regex = r"[^/\x00\ud800-\udfff]+"
    part_isolating = True


class Name(BaseConverter):
    """A name that a shop or a sender chose: any storable text, slashes and line ends too."""

    regex = r"(?s:[^\x00]+?)"
    weight = 200
    part_isolating = False

    def to_python(self, value: str) -> str:
        """Return the name, whichever way its slashes were written."""
        return value.replace(ESCAPED, "/")

    def to_url(self, value: Any) -> str:
        """Return the name with all its slashes escaped."""
        return quoted(str(value))
