"""The page of one order: its money by currency, its transactions, and their joint history."""

from datetime import datetime
from typing import Any

from flask.typing import ResponseReturnValue

from ledger.instants import read_instant
from ledger.ipn.modes import Mode
from ledger.projections.money_outcomes import HELD
from ledger.queries.orders import OrderHistory, order_history
from ledger.queries.orders import order as order_of
from ledger.queries.state import State
from web.authentication import redact_for_reader
from web.context import context, ledger
from web.listed import add_claims, listed_of
from web.pages.answer_line import sentence
from web.pages.blueprint import bp
from web.pages.history import HistoryForm, render_history
from web.pages.history_lines import KnownHistory
from web.pages.request_parameters import integer, read_question

TRANSACTIONS_MAX = 200
"""On one page; another one follows."""


class OrderForm(HistoryForm):
    """The parameters of an order's page; `cursor` is the position behind which its list begins."""

    cursor = integer()


@bp.get("/<mode:mode>/shops/<shop_id>/orders/<name:name>")
def order(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """Show an order with its transactions, as known now or then."""
    question = read_question(OrderForm())
    whole = order_history(ledger(), shop_id, Mode(mode), name)

    def describe(history: KnownHistory) -> dict[str, Any]:
        state = order_of(
            OrderHistory(history.streams, whole.view_position),
            shop_id=shop_id,
            mode=mode,
            order_id=name,
            after=question.parameters.get("cursor") or 0,
            limit=TRANSACTIONS_MAX,
        )
        add_claims(state, history.at)
        shown = redact_for_reader(state)
        return {
            "state": shown,
            "answer": sentence(state["summary"], history.at),
            "listed": listed_of(state, history.at),
            "balances": [
                balance | {"parts": _bar(balance)} | _capture(balance, shown["transactions"])
                for balance in shown["balances"]
            ],
            "transactions": _refunds_below(shown["transactions"]),
        }

    return render_history("order", mode, shop_id, name, question, list(whole.histories), describe)


def _capture(balance: State, transactions: list[State]) -> dict[str, datetime | None]:
    """Return on which day the last capture in a currency is due, or was planned, if any waits.

    Shape: `due_at` while that day is to come, `planned_at` once it is over.
    """
    planned = [
        read_instant(transaction["capture_at"])
        for transaction in transactions
        if transaction["currency"] == balance["currency"]
        and transaction["operation_type"] == "DEBIT"
        and transaction["status"] in HELD
        and transaction["capture_at"]
    ]
    last = max(planned, default=None)
    is_over = last is not None and last <= context().clock()
    return {"due_at": None if is_over else last, "planned_at": last if is_over else None}


def _refunds_below(transactions: list[State]) -> list[State]:
    """Return each refund right after what it gives back, all else as first seen."""
    uuids = {transaction["uuid"] for transaction in transactions if transaction["uuid"]}
    below: dict[str | None, list[State]] = {}
    for transaction in transactions:
        below.setdefault(_original(transaction, uuids), []).append(transaction)
    in_order: list[State] = []
    waiting = below.pop(None, [])[::-1]
    while waiting:
        transaction = waiting.pop()
        in_order.append(transaction)
        waiting += below.pop(transaction["uuid"], [])[::-1] if transaction["uuid"] else []
    return in_order + [transaction for rest in below.values() for transaction in rest]


def _original(transaction: State, uuids: set[str]) -> str | None:
    original = (transaction.get("original") or {}).get("uuid")
    return original if original in uuids and original != transaction["uuid"] else None


def _bar(balance: State) -> list[dict[str, Any]]:
    """Return what became of the money, for a picture. Units: thousandths of the whole.

    Shape: empty when more was given back than captured, which no picture can show.
    """
    kept = balance["captured_minor"] - balance["refunded_minor"]
    amounts = {"kept": kept, "refunded": balance["refunded_minor"], "open": balance["open_minor"]}
    whole = sum(amounts.values())
    if whole <= 0 or kept < 0:
        return []
    start, bar = 0, []
    for name, amount_minor in amounts.items():
        width = round(1000 * amount_minor / whole)
        bar += [{"name": name, "start": start, "width": width}] if width else []
        start += width
    return bar
