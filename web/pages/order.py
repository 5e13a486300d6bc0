"""The page of one order: its money by currency, its transactions, and their joint history."""

from typing import Any

from flask.typing import ResponseReturnValue

from ledger.items import Item
from ledger.order import OrderHistory, check_order, order_history
from ledger.order import order as order_of
from web.context import ledger
from web.pages.asking import read_question, without_blanks
from web.pages.blueprint import bp
from web.pages.history import HistoryForm, is_told, later, moment_of, refuse, tell
from web.pages.story import Story
from web.security import shown, will_tell_personal

TRANSACTIONS_MAX = 200
"""On one page; the search lists all of an order that has more."""


@bp.get("/<mode:mode>/shops/<shop_id>/orders/<name:name>")
def order(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """An order with its transactions, as known now or then."""
    cleaned = without_blanks()
    if cleaned is not None:
        return cleaned
    question = read_question(HistoryForm())
    check_order(ledger(), shop_id, mode.upper(), name)
    found = later(lambda: order_history(ledger(), shop_id, mode.upper(), name))
    story = Story(lambda: found.streams, at=moment_of(question))
    will_tell_personal("order", shop_id=shop_id, mode=mode, reference=name)
    if not is_told(story, question):
        return refuse(story, question, kind="order", title=name)

    def state() -> Item:
        known = OrderHistory(story.streams, found.view_position)
        return shown(order_of(known, shop_id=shop_id, mode=mode, order_id=name))

    item = later(state)
    transactions = later(lambda: _refunds_below(item["transactions"]))
    return tell(
        "order.html",
        story,
        question,
        item=item,
        shop_id=shop_id,
        order_id=name,
        balances=later(lambda: [one | _bar(one) for one in item["balances"]]),
        transactions=later(lambda: transactions[:TRANSACTIONS_MAX]),
        is_cut=later(lambda: len(transactions) > TRANSACTIONS_MAX),
    )


def _refunds_below(transactions: list[Item]) -> list[Item]:
    """Each refund right after what it gives back, all else as first seen."""
    uuids = {one["uuid"] for one in transactions if one["uuid"]}
    below: dict[str | None, list[Item]] = {}
    for one in transactions:
        below.setdefault(_original(one, uuids), []).append(one)
    found: list[Item] = []
    waiting = below.pop(None, [])[::-1]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += below.pop(one["uuid"], [])[::-1] if one["uuid"] else []
    return found + [one for rest in below.values() for one in rest]


def _original(one: Item, uuids: set[str]) -> str | None:
    original = (one.get("original") or {}).get("uuid")
    return original if original in uuids and original != one["uuid"] else None


def _bar(balance: Item) -> dict[str, Any]:
    """What became of the money, for a picture. Units: thousandths of the whole.

    Shape: no parts when more was given back than captured, which no picture tells.
    """
    kept = balance["captured_minor"] - balance["refunded_minor"]
    amounts = {"kept": kept, "refunded": balance["refunded_minor"], "open": balance["open_minor"]}
    whole = sum(amounts.values())
    parts: list[dict[str, Any]] = []
    if whole > 0 and kept >= 0:
        start = 0
        for name, amount_minor in amounts.items():
            width = round(1000 * amount_minor / whole)
            parts += [{"name": name, "start": start, "width": width}] if width else []
            start += width
    return {"parts": parts}
