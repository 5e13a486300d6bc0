"""Names in addresses: a path that holds what no database can store leads nowhere."""

from flask import Flask
from werkzeug.routing import BaseConverter


class StorableText(BaseConverter):
    """One part of a path."""

    regex = r"[^/\x00]+"
    part_isolating = True


class Name(BaseConverter):
    """A name that a shop or a sender chose: any storable text, slashes and line ends too."""

    regex = r"(?s:[^\x00]+?)"
    weight = 200
    part_isolating = False


def register(app: Flask) -> None:
    """Let every route that is added from now on refuse what no database can store."""
    app.url_map.converters.update(default=StorableText, name=Name)
