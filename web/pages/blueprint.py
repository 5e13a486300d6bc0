"""The blueprint of all pages that need somebody signed in."""

from flask import Blueprint, current_app, redirect, request, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter

from ledger.ipn.modes import PUBLIC_MODES
from web.authentication import admit, log_read
from web.pages import refusals
from web.pages.languages import remember_choice
from web.pages.session import csrf, owes_second_factor, signed_in_user
from web.pages.signing_in import ask_to_sign_in
from web.security_headers import set_page_headers

SECOND_FACTOR_PAGES = ("pages.second_factor", "pages.enrol_second_factor")
"""What is open to somebody who must set up a second factor before anything else."""

bp = Blueprint("pages", __name__)


class Mode(BaseConverter):
    """The mode that an address is about."""

    regex = "|".join(PUBLIC_MODES)


@bp.record_once
def _add_converter(setup_state: BlueprintSetupState) -> None:
    setup_state.app.url_map.converters["mode"] = Mode


@bp.before_request
def require_login() -> ResponseReturnValue | None:
    """Let somebody who has signed in pass; send others to sign in."""
    if not current_app.secret_key:
        return refusals.without_key()
    chosen = remember_choice()
    if chosen is not None:
        return chosen
    user = signed_in_user()
    if user is None:
        return ask_to_sign_in()
    csrf.protect()
    admit(user)
    if owes_second_factor(user) and request.endpoint not in SECOND_FACTOR_PAGES:
        return redirect(url_for("pages.second_factor"), 303)
    return None


bp.after_request(log_read)
bp.after_request(set_page_headers)
