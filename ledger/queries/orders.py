"""One order: its transactions, what was refunded of which, what is left; and what is related."""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
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
from ledger.queries.refund_links import link_refunds, original_of
from ledger.queries.state import State, current_state
from ledger.storage.event_store import RecordedEvent
from ledger.storage.tables import generation_positions

TRANSACTIONS_DEFAULT = 50
"""On one page of an order."""
STREAMS_AT_ONCE = 200
"""Of an order; what is read of them is dropped before the next."""
RELATED_MAX = 50
"""An order may have thousands of transactions; its own page and the lists show them all."""


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
        raise NotFoundError("nothing is known about it")
    return OrderHistory(_Streams(ledger, ids, as_of), position)


def order(
    history: OrderHistory,
    *,
    shop_id: str,
    mode: str,
    order_id: str,
    after: int = 0,
    limit: int = TRANSACTIONS_DEFAULT,
) -> State:
    """Return the state of an order, with a page of its transactions, as they were first seen.

    Shape: the page begins behind the position `after`; `next_cursor` is that of its last one, or
    None when there are no more. Sums and links are about all transactions, of which only those of
    the page are held as a whole. Units: balances in minor units, one for each currency.
    Errors: NotFoundError when no stream was known.
    """
    every, page = _lines_and_page(history, after, limit + 1)
    if not every:
        raise NotFoundError("nothing is known about it by then")
    link_refunds(every)
    return {
        "kind": "order",
        "shop_id": shop_id,
        "mode": Mode(mode).public,
        "order_id": order_id,
        "view_position": history.view_position,
        **_of_all(every),
        "transactions": [state | line for _, state, line in page[:limit]],
        "next_cursor": str(page[limit - 1][0]) if len(page) > limit else None,
    }


def _lines_and_page(
    history: OrderHistory, after: int, limit: int
) -> tuple[list[State], list[tuple[int, State, State]]]:
    """Return all transactions without what is large, in order, and some of them as a whole.

    Shape: the latter with their first position, and what the former has of them.
    """
    lines: list[tuple[int, State]] = []
    page: list[tuple[int, State, State]] = []
    for events in history.histories:
        first, state = events[0].position, current_state(events)
        state |= {"position": events[-1].position}
        line = {name: fact for name, fact in state.items() if name not in _LARGE}
        lines.append((first, line))
        if first > after:
            insort(page, (first, state, line), key=itemgetter(0))
            del page[limit:]
    return [line for _, line in sorted(lines, key=itemgetter(0))], page


_LARGE = ("details", "personal")


def _of_all(transactions: Sequence[State]) -> State:
    """Return what all transactions of an order make of it."""
    payments = [other for other in transactions if other["status"] != ABANDONED_STATUS]
    currencies = sorted({payment["currency"] or "" for payment in payments})
    return {
        # as instants: one without a fraction sorts behind one with it
        "first_seen_at": min((each["first_seen_at"] for each in transactions), key=read_instant),
        "last_changed_at": max(
            (each["last_changed_at"] for each in transactions), key=read_instant
        ),
        "position": max(transaction["position"] for transaction in transactions),
        "version": sum(transaction["version"] for transaction in transactions),
        "balances": [_balance(currency, payments) for currency in currencies],
    }


def _transactions_of(
    connection: Connection, shop_id: str, mode: str, order_id: str
) -> tuple[list[UUID], int]:
    """Return the streams of an order's transactions, and the position of the read model."""
    lines, generation_id = _lines(connection)
    ids = union(*_of_order(lines, shop_id, mode, order_id)).subquery()
    reached = select(func.min(generation_positions.c.position)).where(
        generation_positions.c.generation_id == generation_id
    )
    id_rows = connection.execute(select(ids.c.id, reached.scalar_subquery())).all()
    return [UUID(id_) for id_, _ in id_rows], id_rows[0][1] if id_rows else 0


def _of_order(lines: Table, shop_id: str, mode: str, order_id: str) -> list[Select[tuple[str]]]:
    """Return the queries for an order's lines: a refund may name its original and no order."""
    parent = lines.alias("parent")
    own = select(lines.c.id).where(_is_of(lines, shop_id, mode), lines.c.order_id == order_id)
    of_parent = (
        select(lines.c.id)
        .select_from(lines.join(parent, lines.c.parent_uuid == parent.c.uuid))
        .where(
            _is_of(lines, shop_id, mode),
            _is_of(parent, shop_id, mode),
            lines.c.order_id.is_(None),
            parent.c.order_id == order_id,
        )
    )
    return [own, of_parent]


def _lines(connection: Connection) -> tuple[Table, int]:
    """Return the table of all transactions with their orders, and the id of its generation."""
    generation = live_generation(connection, PROJECTION)
    if generation is None:
        raise UnavailableError("the view of orders is not built: run `ledger rebuild orders`")
    return tables_of(PROJECTION, generation.id)[order_lines], generation.id


def _is_of(lines: Any, shop_id: str, mode: str) -> ColumnElement[bool]:
    return and_(lines.c.shop_id == shop_id, lines.c.mode == mode)


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


# -- what is related to one transaction ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RelatedTransactions:
    """Other transactions, each as known then, in the order in which this ledger first saw them.

    Shape: `original_uuid` is what this one gives back or repeats, `original` the same when the
    ledger knows it, `certainty` whether that was told or inferred. `is_cut` says that there are
    more.
    """

    original_uuid: str | None
    certainty: str | None
    original: State | None
    refunds: list[State]
    duplicates: list[State]
    rest_of_order: list[State]
    is_cut: bool


def related_transactions(
    ledger: Ledger, transaction: State, id_: UUID, *, as_of: datetime | None
) -> RelatedTransactions | None:
    """Return what is related to a transaction; None while the read model of orders is not built.

    Shape: `id_` is that of the stream in which it goes on.
    """
    with ledger.database.connect() as connection:
        try:
            ids = _related_ids(connection, transaction, id_)
        except UnavailableError:
            return None
        streams = ledger.events.load(ids[:RELATED_MAX], as_of=as_of, connection=connection)
    known = [events for own_id, events in streams.items() if events and own_id != id_]
    known.sort(key=lambda events: events[0].position)
    is_cut = len(ids) > RELATED_MAX
    return _by_relation(dict(transaction), [current_state(events) for events in known], is_cut)


def _related_ids(connection: Connection, transaction: State, id_: UUID) -> list[UUID]:
    lines, _ = _lines(connection)
    c = lines.c
    shop = transaction["shop_id"], Mode(transaction["mode"])
    shared_names = {c.parent_uuid: transaction["uuid"], c.uuid: transaction["parent_uuid"]}
    queries = [
        select(c.id).where(_is_of(lines, *shop), column == name)
        for column, name in shared_names.items()
        if name
    ]
    if transaction["order_id"]:
        queries += _of_order(lines, *shop, transaction["order_id"])
    if not queries:
        return []
    limited = [query.limit(RELATED_MAX + 2).subquery() for query in queries]
    related = connection.scalars(union(*(select(query.c.id) for query in limited)))
    return [uuid for text in related if (uuid := UUID(text)) != id_]


def _of_same_order(order_id: str, transactions: Sequence[State]) -> list[State]:
    """Return those that belong to an order, by its name or by that of their original."""
    uuids = {other["uuid"] for other in transactions if other["order_id"] == order_id}
    return [
        other
        for other in transactions
        if other["order_id"] == order_id
        or (other["order_id"] is None and other["parent_uuid"] in uuids)
    ]


def _by_relation(transaction: State, related: Sequence[State], is_cut: bool) -> RelatedTransactions:
    if transaction["order_id"] and not is_cut:  # a refund is clear only when all are known
        link_refunds(_of_same_order(transaction["order_id"], [transaction, *related]))
    uuid, certainty = original_of(transaction)
    original = next((other for other in related if uuid and other["uuid"] == uuid), None)
    own_uuid = transaction["uuid"]
    derived = [other for other in related if own_uuid and original_of(other)[0] == own_uuid]
    shown_elsewhere = {other["reference"] for other in (*derived, original) if other}
    return RelatedTransactions(
        original_uuid=uuid,
        certainty=certainty,
        original=original,
        refunds=[other for other in derived if other["operation_type"] == "CREDIT"],
        duplicates=[other for other in derived if other["operation_type"] != "CREDIT"],
        rest_of_order=[other for other in related if other["reference"] not in shown_elsewhere],
        is_cut=is_cut,
    )
