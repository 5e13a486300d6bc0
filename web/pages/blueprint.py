"""The blueprint of all pages that need somebody signed in."""

from flask import Blueprint, current_app, request, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter

from ledger.access.users import User
from ledger.ipn.modes import PUBLIC_MODES
from web.authentication import admit, limit_body, log_read
from web.pages import refusals
from web.pages.languages import remember_choice
from web.pages.session import csrf, owes_second_factor, signed_in_user
from web.pages.signing_in import ask_to_sign_in, lead_to
from web.security_headers import set_page_headers

OWN_PASSWORD = ("pages.own_password", "pages.change_own_password")
"""All that is open to somebody whose password an operator knows."""
SECOND_FACTOR = ("pages.second_factor", "pages.enrol_second_factor")
"""All that is open to somebody who must set up a second factor, once the password is theirs."""

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
    first = _pages_that_come_first(user)
    if first and request.endpoint not in first:
        return lead_to(url_for(first[0]))
    limit_body(user)  # before the form is read, for its token
    csrf.protect()
    admit(user)
    return None


def _pages_that_come_first(user: User) -> tuple[str, ...]:
    if user.must_change_password:
        return OWN_PASSWORD
    return SECOND_FACTOR if owes_second_factor(user) else ()


bp.after_request(log_read)
bp.after_request(set_page_headers)
