"""What there is to ask, and what the token of a caller may see of it."""

from flask import Response, current_app
from werkzeug.routing import Rule

from ledger import __version__
from ledger.instants import write_public_instant
from ledger.ipn.modes import Mode
from ledger.ipn.shops_and_keys import REST_BROWSER
from web.api.answers import IndexAnswer, MeAnswer, ShopPage
from web.api.responses import PREFIX, a_blueprint, answer, answer_page
from web.authentication import caller
from web.context import context, ledger

_SEARCH = f"{PREFIX}/search"

bp = a_blueprint("readers", "What there is to ask, and what your token may see of it.")


@bp.route("")
@bp.response(200, IndexAnswer)
def get_index() -> Response:
    """Link to everything that can be asked without a name."""
    links = {
        rule.rule.removeprefix(f"{PREFIX}/").replace("/", "_").replace("-", "_"): rule.rule
        for rule in current_app.url_map.iter_rules()
        if rule.rule.startswith(f"{PREFIX}/") and _is_asked_without_a_name(rule)
    }
    document = {"openapi": links.pop("openapi.json"), "docs": "/docs"}
    return answer({"version": __version__, "links": {"self": PREFIX} | links | document})


def _is_asked_without_a_name(rule: Rule) -> bool:
    """Return True if the address alone is a question; a search needs what is searched for."""
    return not rule.arguments and "GET" in (rule.methods or ()) and rule.rule != _SEARCH


@bp.route("/me")
@bp.response(200, MeAnswer)
def get_me() -> Response:
    """Return what this token is: its name, its role, its shops, and when it expires."""
    reader = caller()
    return answer(
        {
            "id": reader.id,
            "name": reader.name,
            "role": reader.role,
            "shops": None if reader.shops is None else list(reader.shops),
            "expires_at": reader.expires_at and write_public_instant(reader.expires_at),
            "sees_personal": reader.sees_personal,
        }
    )


@bp.route("/shops")
@bp.response(200, ShopPage)
def list_shops() -> Response:
    """List the shops that this token may see, each with the modes for which it has a valid key."""
    known, own = ledger().shops.shop_by_id, caller().shops
    ids = sorted(known if own is None else own)
    items = [
        {"shop_id": id_, "name": known[id_].name if id_ in known else None, "modes": _modes(id_)}
        for id_ in ids
    ]
    return answer_page(items, None)


def _modes(shop_id: str) -> list[dict[str, str]]:
    """Return the modes for which a shop has a key now that verifies notifications."""
    now, shop = context().clock(), ledger().shops.shop_by_id.get(shop_id)
    keys = [key for key in shop.keys if key.kind != REST_BROWSER] if shop else []
    modes = {Mode(key.mode).public for key in keys if key.is_valid_at(now)}
    return [{"mode": mode, "ipn_path": f"/ipn/{shop_id}/{mode}"} for mode in sorted(modes)]
