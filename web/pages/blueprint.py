"""The blueprint of all pages that need somebody signed in, and how they are let in."""

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter

from web.pages import refusals
from web.pages.languages import remember_choice
from web.pages.rendering import complete
from web.pages.session import has_key, person, protect
from web.pages.signing_in import ask_to_sign_in
from web.security import MODES, admit, log_read

bp = Blueprint("pages", __name__)


class Mode(BaseConverter):
    """The world that an address is about."""

    regex = "|".join(MODES)


@bp.record_once
def _add_converter(state: object) -> None:
    state.app.url_map.converters["mode"] = Mode  # type: ignore[attr-defined]  # a BlueprintSetupState


@bp.before_request
def let_in() -> ResponseReturnValue | None:
    """Let somebody who has signed in pass; show others the way."""
    if not has_key(current_app):
        return refusals.without_key()
    chosen = remember_choice()
    if chosen is not None:
        return chosen
    reader = person()
    if reader is None:
        return ask_to_sign_in(request)
    protect()
    admit(reader)
    return None


bp.after_request(log_read)
bp.after_request(complete)
