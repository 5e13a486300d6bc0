"""One order: its transactions as they stand, what was refunded of which, and what is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, Table, and_, func, select, union

from ledger.application import Ledger
from ledger.errors import NotFoundError, UnavailableError
from ledger.items import Item, item
from ledger.projections import generations as g
from ledger.projections.orders import order_lines
from ledger.projections.outcomes import CAPTURED, COUNTED, HELD, WAITING
from ledger.projections.registry import projection
from ledger.storage.event_store import RecordedEvent
from ledger.storage.tables import generation_positions

TOLD, INFERRED = "told", "inferred"

VIEW = "orders"


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """The streams of an order's transactions. Shape: as first seen; `view_position` is how far
    the view had followed the log that named them, their events are current."""

    streams: list[list[RecordedEvent]]
    view_position: int

    @property
    def position(self) -> int:
        """Of the newest event of all."""
        return max(one[-1].position for one in self.streams)


def check_order(ledger: Ledger, shop_id: str, mode: str, order_id: str) -> None:
    """See whether anything was told of an order, and no more.

    Errors: NotFoundError; UnavailableError while the view of orders is not built.
    """
    _check_storable(shop_id, order_id)
    with ledger.database.single() as connection:
        lines, _ = lines_of(connection)
        if connection.scalar(_own(lines, shop_id, mode, order_id).limit(1)) is None:
            raise NotFoundError("nothing was ever told about it")


def order_history(
    ledger: Ledger, shop_id: str, mode: str, order_id: str, *, as_of: datetime | None = None
) -> OrderHistory:
    """Everything told of an order's transactions, as known then. Errors: as `check_order`."""
    _check_storable(shop_id, order_id)
    with ledger.database.single() as connection:
        ids, position = _transactions_of(connection, shop_id, mode, order_id)
    streams = ledger.events.histories(ids, as_of=as_of)
    found = [events for events in streams.values() if events]  # others were told later
    if not found:
        raise NotFoundError("nothing was ever told about it" + (" by then" if as_of else ""))
    found.sort(key=lambda events: events[0].position)
    return OrderHistory(found, position)


def order(history: OrderHistory, *, shop_id: str, mode: str, order_id: str) -> Item:
    """The state of an order. Units: balances in minor units, one for each currency."""
    transactions = [item(events) | {"position": events[-1].position} for events in history.streams]
    link_refunds(transactions)
    return {
        "kind": "order",
        "shop_id": shop_id,
        "mode": mode.lower(),
        "order_id": order_id,
        "first_seen_at": min(one["first_seen_at"] for one in transactions),
        "last_changed_at": max(one["last_changed_at"] for one in transactions),
        "position": history.position,
        "view_position": history.view_position,
        "balances": _balances(transactions),
        "transactions": transactions,
    }


def lines_of(connection: Connection) -> tuple[Table, int]:
    """The table of all transactions with their orders, and its generation.

    Errors: UnavailableError while the view of orders is not built.
    """
    view = projection(VIEW)
    generation = g.live_generation(connection, view)
    if generation is None:
        raise UnavailableError("the view of orders is not built: run `ledger rebuild orders`")
    return g.tables_of(view, generation.id)[order_lines], generation.id


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
    found = connection.execute(select(ids.c.id, reached.scalar_subquery())).all()
    return [UUID(id_) for id_, _ in found], found[0][1] if found else 0


def _own(lines: Table, shop_id: str, mode: str, order_id: str) -> Select[Any]:
    """The transactions that name the order themselves."""
    return select(lines.c.id).where(is_of(lines, shop_id, mode), lines.c.order_id == order_id)


def _check_storable(*names: str) -> None:
    """No database keeps such a name, so none is asked."""
    if any("\x00" in one for one in names):
        raise NotFoundError("nothing was ever told about it")


def is_of(lines: Any, shop_id: str, mode: str) -> Any:
    """Whether a line is of this shop and mode."""
    return and_(lines.c.shop_id == shop_id, lines.c.mode == mode)


def link_refunds(transactions: Sequence[Item]) -> None:
    """Say of each refund which debit it gives back: as told, or when only one can be meant."""
    captured = [
        one
        for one in transactions
        if one["operation_type"] == "DEBIT" and one["status"] in CAPTURED and one["uuid"]
    ]
    left = {one["uuid"]: one["amount_minor"] or 0 for one in captured}
    refunds = [one for one in transactions if one["operation_type"] == "CREDIT"]
    for one in refunds:
        if one["parent_uuid"]:
            one["original"] = {"uuid": one["parent_uuid"], "certainty": TOLD}
            _take(left, one)
    for one in refunds:
        if not one["parent_uuid"]:
            able = [
                each["uuid"]
                for each in captured
                if each["currency"] == one["currency"]
                and left[each["uuid"]] >= (one["amount_minor"] or 0)
            ]
            is_clear = len(able) == 1 and one["amount_minor"] is not None
            one["original"] = {"uuid": able[0], "certainty": INFERRED} if is_clear else None
            _take(left, one)


def _take(left: dict[str, int], refund: Item) -> None:
    """A refund that counts uses up what it gives back."""
    original = refund["original"]
    if original and original["uuid"] in left and refund["status"] in COUNTED:
        left[original["uuid"]] -= refund["amount_minor"] or 0


def _balances(transactions: Sequence[Item]) -> list[Item]:
    """As the view of orders adds up, but of the state asked for."""
    currencies = sorted({one["currency"] or "" for one in transactions})
    return [_balance(currency, transactions) for currency in currencies]


def _balance(currency: str, transactions: Sequence[Item]) -> Item:
    mine = [one for one in transactions if (one["currency"] or "") == currency]

    def total(operation: str, statuses: Sequence[str]) -> int:
        return sum(
            one["amount_minor"] or 0
            for one in mine
            if one["operation_type"] == operation and one["status"] in statuses
        )

    return {
        "currency": currency or None,
        "transactions": len(mine),
        "authorised_minor": total("DEBIT", (*HELD, *CAPTURED)),
        "captured_minor": total("DEBIT", CAPTURED),
        "refunded_minor": total("CREDIT", COUNTED),
        "open_minor": total("DEBIT", (*HELD, *WAITING)),
        "balance_minor": total("DEBIT", COUNTED) - total("CREDIT", COUNTED),
    }
