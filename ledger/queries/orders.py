"""One order: its transactions, what was refunded of which, what is left; and what is related."""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, select, union

from ledger.application import Ledger
from ledger.errors import NotFoundError, UnavailableError
from ledger.instants import read_instant
from ledger.ipn.modes import Mode
from ledger.ipn.money import counted_minor
from ledger.projections.engine.generations import live_generation, tables_of
from ledger.projections.money_outcomes import ABANDONED_STATUS, CAPTURED, COUNTED, HELD, WAITING
from ledger.projections.orders import PROJECTION, order_lines
from ledger.queries.order_findings import order_findings
from ledger.queries.refund_links import link_refunds
from ledger.queries.state import State, current_state
from ledger.queries.summaries import order_summary
from ledger.storage.event_store import RecordedEvent
from ledger.storage.tables import generation_positions

TRANSACTIONS_DEFAULT = 50
"""On one page of an order."""
STREAMS_AT_ONCE = 200
"""Of an order; what is read of them is dropped before the next."""


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """The streams of an order's transactions, in any order.

    Shape: `view_position` is how far the read model that named them had followed the events;
    their own events are current.
    """

    histories: Iterable[list[RecordedEvent]]
    view_position: int


@dataclass(frozen=True, slots=True)
class _Streams:
    """Streams as known then, read a few at a time whenever somebody goes through them."""

    ledger: Ledger
    ids: Sequence[UUID]
    as_of: datetime | None

    def __iter__(self) -> Iterator[list[RecordedEvent]]:
        yielded: set[UUID] = set()
        for start in range(0, len(self.ids), STREAMS_AT_ONCE):
            chunk = self.ids[start : start + STREAMS_AT_ONCE]
            for id_, events in self.ledger.events.load(chunk, as_of=self.as_of).items():
                if events and id_ not in yielded:  # those without events came later
                    yield events
                yielded.add(id_)


def order_history(
    ledger: Ledger, shop_id: str, mode: str, order_id: str, *, as_of: datetime | None = None
) -> OrderHistory:
    """Return the streams of an order's transactions, as known then; none if it was unknown then.

    Errors: NotFoundError; UnavailableError while the read model of orders is not built.
    """
    with ledger.database.single() as connection:
        ids, position = _transactions_of(connection, shop_id, mode, order_id)
    if not ids:
        raise NotFoundError("not found: nothing in this ledger has this name")
    return OrderHistory(_Streams(ledger, ids, as_of), position)


def order(
    history: OrderHistory,
    *,
    shop_id: str,
    mode: str,
    order_id: str,
    after: int = 0,
    limit: int = TRANSACTIONS_DEFAULT,
    opened: Callable[[Sequence[RecordedEvent]], list[RecordedEvent]] = list,
) -> State:
    """Return the state of an order, with a page of its transactions, as they were first seen.

    Shape: the page begins behind the position `after`; `next_cursor` is that of its last one, or
    None when there are no more. Sums and links are about all transactions, of which only those of
    the page are held as a whole; `opened` opens what is sealed in those.
    Units: balances in minor units, one for each currency.
    Errors: NotFoundError when no stream was known.
    """
    every, page = _lines_and_page(history, after, limit + 1)
    if not every:
        raise NotFoundError("not found: nothing in this ledger had this name by then")
    link_refunds(every)
    whole = _of_all(every)
    return {
        "kind": "order",
        "shop_id": shop_id,
        "mode": Mode(mode).public,
        "order_id": order_id,
        "view_position": history.view_position,
        **whole,
        "summary": order_summary(whole, every),
        "transactions": [current_state(opened(events)) | line for _, events, line in page[:limit]],
        "next_cursor": str(page[limit - 1][0]) if len(page) > limit else None,
    }


def _lines_and_page(
    history: OrderHistory, after: int, limit: int
) -> tuple[list[State], list[tuple[int, list[RecordedEvent], State]]]:
    """Return all transactions without what is large, in order, and the events of some of them.

    Shape: the latter with their first position, and what the former has of them.
    """
    lines: list[tuple[int, State]] = []
    page: list[tuple[int, list[RecordedEvent], State]] = []
    for events in history.histories:
        first, state = events[0].position, current_state(events)
        state |= {"position": events[-1].position}
        line = {name: fact for name, fact in state.items() if name not in _LARGE}
        lines.append((first, line))
        if first > after:
            insort(page, (first, events, line), key=itemgetter(0))
            del page[limit:]
    return [line for _, line in sorted(lines, key=itemgetter(0))], page


_LARGE = ("details", "personal", "sealed")


def _of_all(transactions: Sequence[State]) -> State:
    """Return what all transactions of an order make of it."""
    payments = [other for other in transactions if other["status"] != ABANDONED_STATUS]
    balances = balances_of(transactions)
    return {
        # as instants: one without a fraction sorts behind one with it
        "first_seen_at": min((each["first_seen_at"] for each in transactions), key=read_instant),
        "last_changed_at": max(
            (each["last_changed_at"] for each in transactions), key=read_instant
        ),
        "position": max(transaction["position"] for transaction in transactions),
        "version": sum(transaction["version"] for transaction in transactions),
        "balances": balances,
        "findings": order_findings(payments, balances),
    }


def _transactions_of(
    connection: Connection, shop_id: str, mode: str, order_id: str
) -> tuple[list[UUID], int]:
    """Return the streams of an order's transactions, and the position of the read model."""
    lines, generation_id = order_lines_table(connection)
    ids = union(*lines_of_order(lines, shop_id, mode, order_id)).subquery()
    reached = select(func.min(generation_positions.c.position)).where(
        generation_positions.c.generation_id == generation_id
    )
    id_rows = connection.execute(select(ids.c.id, reached.scalar_subquery())).all()
    return [UUID(id_) for id_, _ in id_rows], id_rows[0][1] if id_rows else 0


def lines_of_order(
    lines: Table, shop_id: str, mode: str, order_id: str
) -> list[Select[tuple[str]]]:
    """Return the queries for an order's lines: a refund may name its original alone."""
    parent = lines.alias("parent")
    own = select(lines.c.id).where(is_of_shop(lines, shop_id, mode), lines.c.order_id == order_id)
    of_parent = (
        select(lines.c.id)
        .select_from(lines.join(parent, lines.c.parent_uuid == parent.c.uuid))
        .where(
            is_of_shop(lines, shop_id, mode),
            is_of_shop(parent, shop_id, mode),
            lines.c.order_id.is_(None),
            parent.c.order_id == order_id,
        )
    )
    return [own, of_parent]


def order_lines_table(connection: Connection) -> tuple[Table, int]:
    """Return the table of all transactions with their orders, and the id of its generation."""
    generation = live_generation(connection, PROJECTION)
    if generation is None:
        raise UnavailableError("the read model of orders is not built: run `ledger rebuild orders`")
    return tables_of(PROJECTION, generation.id)[order_lines], generation.id


def is_of_shop(lines: Any, shop_id: str, mode: str) -> ColumnElement[bool]:
    """Return the condition that a line is of a shop and mode."""
    return and_(lines.c.shop_id == shop_id, lines.c.mode == mode)


def balances_of(transactions: Sequence[State]) -> list[State]:
    """Return the balance of each currency; what was abandoned is in none. Units: minor units."""
    payments = [other for other in transactions if other["status"] != ABANDONED_STATUS]
    currencies = sorted({payment["currency"] or "" for payment in payments})
    return [_balance(currency, payments) for currency in currencies]


def _balance(currency: str, transactions: Sequence[State]) -> State:
    """Add up as the read model of orders does, but from the states given."""
    in_currency = [other for other in transactions if (other["currency"] or "") == currency]

    def total(operation: str, statuses: Sequence[str]) -> int:
        return sum(
            counted_minor(transaction["amount_minor"]) or 0
            for transaction in in_currency
            if not transaction["doubtful"]
            and transaction["operation_type"] == operation
            and transaction["status"] in statuses
        )

    return {
        "currency": currency or None,
        "transactions": len(in_currency),
        "doubtful": sum(transaction["doubtful"] for transaction in in_currency),
        "authorised_minor": total("DEBIT", (*HELD, *CAPTURED)),
        "captured_minor": total("DEBIT", CAPTURED),
        "refunded_minor": total("CREDIT", COUNTED),
        "open_minor": total("DEBIT", (*HELD, *WAITING)),
        "balance_minor": total("DEBIT", COUNTED) - total("CREDIT", COUNTED),
    }
