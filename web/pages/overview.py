"""Where the pages begin."""

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from web.pages.blueprint import bp
from web.pages.navigation import DEFAULT_MODE
from web.pages.rendering import render


@bp.get("/")
def beginning() -> ResponseReturnValue:
    """Lead to the real world."""
    return redirect(url_for("pages.overview", mode=DEFAULT_MODE), 303)


@bp.get("/<mode:mode>")
def overview(mode: str) -> ResponseReturnValue:
    """What happens in one mode."""
    return render("overview.html")
