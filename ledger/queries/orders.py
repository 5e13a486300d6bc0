"""One order: its transactions as they stand, what was refunded of which, and what is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, Table, and_, func, select, union

from ledger.application import Ledger
from ledger.errors import NotFoundError, UnavailableError
from ledger.ipn.modes import Mode
from ledger.projections.engine.generations import live_generation, tables_of
from ledger.projections.engine.registry import projection
from ledger.projections.money_outcomes import CAPTURED, COUNTED, HELD, WAITING
from ledger.projections.orders import order_lines
from ledger.queries.refund_links import link_refunds
from ledger.queries.state import State, current_state
from ledger.storage.event_store import RecordedEvent
from ledger.storage.tables import generation_positions


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """The streams of an order's transactions, in the order in which they were first seen.

    Shape: `view_position` is how far the read model that named them had followed the events;
    their own events are current.
    """

    streams: list[list[RecordedEvent]]
    view_position: int

    @property
    def position(self) -> int:
        """Return the position of the newest event of all."""
        return max(events[-1].position for events in self.streams)


def check_order(ledger: Ledger, shop_id: str, mode: str, order_id: str) -> None:
    """Refuse an order that no notification named.

    Errors: NotFoundError; UnavailableError while the read model of orders is not built.
    """
    with ledger.database.single() as connection:
        lines, _ = lines_of(connection)
        if connection.scalar(_own(lines, shop_id, mode, order_id).limit(1)) is None:
            raise NotFoundError("nothing was ever told about it")


def order_history(
    ledger: Ledger, shop_id: str, mode: str, order_id: str, *, as_of: datetime | None = None
) -> OrderHistory:
    """Return the events of an order's transactions, as known then. Errors: as `check_order`."""
    with ledger.database.single() as connection:
        ids, position = _transactions_of(connection, shop_id, mode, order_id)
    streams = ledger.events.load(ids, as_of=as_of)
    known = [events for events in streams.values() if events]  # the others came later
    if not known:
        raise NotFoundError("nothing was ever told about it" + (" by then" if as_of else ""))
    known.sort(key=lambda events: events[0].position)
    return OrderHistory(known, position)


def order(history: OrderHistory, *, shop_id: str, mode: str, order_id: str) -> State:
    """Return the state of an order. Units: balances in minor units, one for each currency."""
    transactions = [
        current_state(events) | {"position": events[-1].position} for events in history.streams
    ]
    link_refunds(transactions)
    return {
        "kind": "order",
        "shop_id": shop_id,
        "mode": Mode(mode).public,
        "order_id": order_id,
        "first_seen_at": min(transaction["first_seen_at"] for transaction in transactions),
        "last_changed_at": max(transaction["last_changed_at"] for transaction in transactions),
        "position": history.position,
        "view_position": history.view_position,
        "balances": _balances(transactions),
        "transactions": transactions,
    }


def lines_of(connection: Connection) -> tuple[Table, int]:
    """Return the table of all transactions with their orders, and the id of its generation.

    Errors: UnavailableError while the read model of orders is not built.
    """
    read_model = projection("orders")
    generation = live_generation(connection, read_model)
    if generation is None:
        raise UnavailableError("the view of orders is not built: run `ledger rebuild orders`")
    return tables_of(read_model, generation.id)[order_lines], generation.id


def _transactions_of(
    connection: Connection, shop_id: str, mode: str, order_id: str
) -> tuple[list[UUID], int]:
    lines, generation_id = lines_of(connection)
    own = _own(lines, shop_id, mode, order_id)
    # a refund may name its original and no order
    parent = lines.alias("parent")
    of_parent = (
        select(lines.c.id)
        .select_from(lines.join(parent, lines.c.parent_uuid == parent.c.uuid))
        .where(
            is_of(lines, shop_id, mode),
            is_of(parent, shop_id, mode),
            lines.c.order_id.is_(None),
            parent.c.order_id == order_id,
        )
    )
    ids = union(own, of_parent).subquery()
    reached = select(func.min(generation_positions.c.position)).where(
        generation_positions.c.generation_id == generation_id
    )
    id_rows = connection.execute(select(ids.c.id, reached.scalar_subquery())).all()
    return [UUID(id_) for id_, _ in id_rows], id_rows[0][1] if id_rows else 0


def _own(lines: Table, shop_id: str, mode: str, order_id: str) -> Select[Any]:
    """Return the query for the transactions that name the order themselves."""
    return select(lines.c.id).where(is_of(lines, shop_id, mode), lines.c.order_id == order_id)


def is_of(lines: Any, shop_id: str, mode: str) -> Any:
    """Return the condition that a line is of this shop and mode."""
    return and_(lines.c.shop_id == shop_id, lines.c.mode == mode)


def _balances(transactions: Sequence[State]) -> list[State]:
    """Add up as the read model of orders does, but from the states given."""
    currencies = sorted({transaction["currency"] or "" for transaction in transactions})
    return [_balance(currency, transactions) for currency in currencies]


def _balance(currency: str, transactions: Sequence[State]) -> State:
    in_currency = [other for other in transactions if (other["currency"] or "") == currency]

    def total(operation: str, statuses: Sequence[str]) -> int:
        return sum(
            transaction["amount_minor"] or 0
            for transaction in in_currency
            if transaction["operation_type"] == operation and transaction["status"] in statuses
        )

    return {
        "currency": currency or None,
        "transactions": len(in_currency),
        "authorised_minor": total("DEBIT", (*HELD, *CAPTURED)),
        "captured_minor": total("DEBIT", CAPTURED),
        "refunded_minor": total("CREDIT", COUNTED),
        "open_minor": total("DEBIT", (*HELD, *WAITING)),
        "balance_minor": total("DEBIT", COUNTED) - total("CREDIT", COUNTED),
    }
