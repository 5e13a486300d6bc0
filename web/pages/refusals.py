"""Refusals and faults as pages: what a person reads when there is nothing to show."""

from collections.abc import Mapping

from flask import Request, Response, current_app, request

from ledger.errors import ReadOnlyError, TooManyAtOnceError
from ledger.proof.collect import BundleTooLargeError, NotSignedYetError
from web.pages.languages import N_
from web.pages.rendering import render
from web.paths import own_address
from web.security_headers import set_page_headers

_BLUEPRINTS = ("pages", "auth")
_OTHERS = ("/ipn", "/api/", "/docs", "/healthz", "/readyz", "/metrics")

_TITLES = {
    400: N_("That failed"),
    403: N_("Access denied"),
    404: N_("Not found"),
    405: N_("That failed"),
    409: N_("Which one?"),
    413: N_("Too large"),
    429: N_("Too many requests"),
    500: N_("Something went wrong here"),
    503: N_("Not available now"),
}
_MEANINGS = {
    400: N_("The address or the form could not be read. Go back, load the page again and retry."),
    403: N_("Your role or your shops do not include this page. An operator can change that."),
    404: N_(
        "The ledger holds nothing under this address, in this mode, for the shops you may see."
    ),
    405: N_("This address cannot be used that way."),
    409: N_("Several things have this name. Open it from a list to choose one."),
    413: N_("The form held more than a page can take."),
    429: N_(
        "Wait a minute, or after wrong passwords a quarter of an hour, then try again. In a "
        "browser where you have signed in before, nobody else can make you wait."
    ),
    500: N_("An error on our side; it was logged. Nothing in the ledger was changed by it."),
    503: N_("The database or a read model does not answer. Try again in a minute."),
}
_BY_CODE = {
    TooManyAtOnceError.code: N_("Others are before you. Wait a moment, then try again."),
    NotSignedYetError.code: N_(
        "The newest of it is not in the signed log yet. Wait a moment, then try again."
    ),
    ReadOnlyError.code: N_(
        "This service reads a copy that cannot be written to. Nobody can sign in or change "
        "anything here, and personal data is not shown, since its reading cannot be logged. Open "
        "the pages of the main service."
    ),
    BundleTooLargeError.code: N_(
        "More stands behind it than fits into one file. Ask for one payment instead."
    ),
}
"""What is said better than by the status alone."""
_FORGED = N_(
    "The form has no valid token: the session ended, cookies are off, or this page was opened "
    "without https. Sign in again over https, or on the machine itself."
)


def is_addressed(call: Request) -> bool:
    """Return True if a call is meant for the pages, even at a path they do not serve."""
    if call.blueprint is not None:
        return call.blueprint in _BLUEPRINTS
    is_other = call.path.startswith(_OTHERS)
    return not is_other and "text/html" in call.headers.get("Accept", "")


def page(status: int, code: str, headers: Mapping[str, str], detail: str = "") -> Response:
    """Return a refusal as a page. Shape: `code` is ours, stable; `detail` is what was refused."""
    if not current_app.secret_key:
        return without_key()
    known = status if status in _TITLES else (400 if status < 500 else 500)
    meaning = _FORGED if "CSRF" in detail else _BY_CODE.get(code, _MEANINGS[known])
    title = _TITLES[503 if code == TooManyAtOnceError.code else known]
    body = render("refusal.html", status=status, code=code, title=title, meaning=meaning)
    response = Response(body, status, mimetype="text/html", headers=dict(headers))
    if "HX-Request" in request.headers and request.method == "GET":
        response.headers["HX-Redirect"] = own_address()  # as a page of its own
    return response if request.blueprint in _BLUEPRINTS else set_page_headers(response)


def without_key() -> Response:
    """Say what to do before there can be pages."""
    return set_page_headers(Response(render("without_key.html"), 503, mimetype="text/html"))
