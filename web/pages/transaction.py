"""The page of one transaction: its facts, its related transactions, and its history."""

from typing import Any
from uuid import UUID

from flask.typing import ResponseReturnValue

from ledger.queries.find_by_name import TRANSACTION
from ledger.queries.orders import RelatedTransactions, related_transactions
from ledger.queries.state import State
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.history import ExtraContext, render_object
from web.pages.history_lines import KnownHistory

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
    """Show a transaction, by its uuid or reference, as known now or then."""
    return render_object(TRANSACTION, mode, shop_id, name, "transaction.html", _EXTRA)


def _related(_: State, history: KnownHistory, id_: UUID) -> RelatedTransactions | None:
    return related_transactions(ledger(), history.states[0], id_, as_of=history.at)


def _groups(state: State, *_: Any) -> dict[str, dict[str, Any]]:
    facts = dict(state)
    if facts["requested_currency"] in (None, facts["currency"]) and (
        facts["requested_amount_minor"] in (None, facts["amount_minor"])
    ):
        facts["requested_amount_minor"] = None
    return {group: {name: facts[name] for name in names} for group, names in GROUPS.items()}


_EXTRA: ExtraContext = {"groups": _groups, "related": _related}
