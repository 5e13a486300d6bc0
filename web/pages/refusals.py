"""What a person reads when there is no page to show."""

from collections.abc import Mapping

from flask import Request, Response, current_app, request
from flask_babel import gettext

from web.pages.languages import N_
from web.pages.rendering import complete, render
from web.pages.session import has_key

_BLUEPRINTS = ("pages", "door")
_OTHERS = ("/ipn", "/api/", "/docs", "/healthz", "/readyz", "/metrics")

_TITLES = {
    400: N_("That did not work"),
    403: N_("Not for you"),
    404: N_("Not found"),
    405: N_("That did not work"),
    409: N_("Which one?"),
    413: N_("That was too much"),
    429: N_("Too many attempts"),
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
    429: N_("Wait a quarter of an hour, then try again. An operator can help at once."),
    500: N_("The fault is ours and was logged. Nothing that the ledger keeps was changed by it."),
    503: N_("The database or a view does not answer. Try again in a minute."),
}
_FORGED = N_(
    "The form has no valid token: the session ended, cookies are off, or this page was opened "
    "without https. Sign in again over https, or on the machine itself."
)


def is_addressed(asked: Request) -> bool:
    """Whether a call is meant for the pages, even at a path they do not serve: by a browser."""
    if asked.blueprint is not None:
        return asked.blueprint in _BLUEPRINTS
    is_other = asked.path.startswith(_OTHERS)
    return not is_other and "text/html" in asked.headers.get("Accept", "")


def page(status: int, word: str, headers: Mapping[str, str], detail: str = "") -> Response:
    """A refusal as a page. Shape: `word` is ours, stable; `detail` is shown as it is."""
    if not has_key(current_app):
        return without_key()
    known = status if status in _TITLES else (400 if status < 500 else 500)
    meaning = _FORGED if "CSRF" in detail else _MEANINGS[known]
    told = render(
        "refusal.html",
        status=status,
        word=word,
        title=gettext(_TITLES[known]),
        meaning=gettext(meaning),
    )
    response = Response(told, status, mimetype="text/html", headers=dict(headers))
    if "HX-Request" in request.headers and request.method == "GET":
        response.headers["HX-Redirect"] = request.full_path  # as a page of its own
    return response if request.blueprint in _BLUEPRINTS else complete(response)


def without_key() -> Response:
    """What to do before there can be pages."""
    told = render("without_key.html")
    return complete(Response(told, 503, mimetype="text/html"))
