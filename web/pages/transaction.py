"""The page of one transaction: its facts, its relatives, and everything that was told of it."""

from typing import Any
from uuid import UUID

from flask.typing import ResponseReturnValue

from ledger.items import Item
from ledger.lookup import TRANSACTION
from ledger.relatives import Relatives, relatives
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.history import More, tell_object
from web.pages.story import Story

GROUPS = {
    "money": ("amount_minor", "requested_amount_minor", "payment_method", "wallet", "network"),
    "time": ("created_at", "capture_at", "captured_at", "first_seen_at", "last_changed_at"),
    "acquirer": (
        "contract",
        "authorisation_number",
        "authorisation_result",
        "payment_source",
        "trans_date",
    ),
    "names": ("trans_id", "sequence_number", "occurrence_type", "instalment_number", "version"),
}
"""The facts at the top, by what they are about; names of other objects are links below."""


@bp.get("/<mode:mode>/shops/<shop_id>/transactions/<name:name>")
def transaction(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """A transaction, by its uuid or reference, as known now or then."""
    return tell_object(TRANSACTION, mode, shop_id, name, "transaction.html", _MORE)


def _related(_: Item, story: Story, id_: UUID) -> Relatives | None:
    return relatives(ledger(), story.items[0], id_, as_of=story.at)


def _groups(item: Item, *_: Any) -> dict[str, dict[str, Any]]:
    told = dict(item)
    if told["requested_currency"] in (None, told["currency"]) and (
        told["requested_amount_minor"] in (None, told["amount_minor"])
    ):
        told["requested_amount_minor"] = None
    return {group: {name: told[name] for name in names} for group, names in GROUPS.items()}


_MORE: More = {"groups": _groups, "kin": _related}
