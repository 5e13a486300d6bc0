"""One order: its transactions, what was refunded of which, what is left; and what is related."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, select, union

from ledger.application import Ledger
from ledger.errors import NotFoundError, UnavailableError
from ledger.instants import read_instant
from ledger.ipn.modes import Mode
from ledger.projections.engine.generations import live_generation, tables_of
from ledger.projections.money_outcomes import CAPTURED, COUNTED, HELD, WAITING
from ledger.projections.orders import PROJECTION, order_lines
from ledger.queries.refund_links import link_refunds, original_of
from ledger.queries.state import State, current_state
from ledger.storage.event_store import RecordedEvent
from ledger.storage.tables import generation_positions

RELATED_MAX = 50
"""An order may have thousands of transactions; its own page and the lists show them all."""


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """The streams of an order's transactions, in the order in which they were first seen.

    Shape: `view_position` is how far the read model that named them had followed the events;
    their own events are current.
    """

    histories: list[list[RecordedEvent]]
    view_position: int

    @property
    def position(self) -> int:
        """Return the position of the newest event of all."""
        return max(events[-1].position for events in self.histories)


def order_history(
    ledger: Ledger, shop_id: str, mode: str, order_id: str, *, as_of: datetime | None = None
) -> OrderHistory:
    """Return the events of an order's transactions, as known then.

    Errors: NotFoundError; UnavailableError while the read model of orders is not built.
    """
    with ledger.database.single() as connection:
        ids, position = _transactions_of(connection, shop_id, mode, order_id)
    streams = ledger.events.load(ids, as_of=as_of)
    known = [events for events in streams.values() if events]  # the others came later
    if not known:
        raise NotFoundError("nothing is known about it" + (" by then" if as_of else ""))
    known.sort(key=lambda events: events[0].position)
    return OrderHistory(known, position)


def order(history: OrderHistory, *, shop_id: str, mode: str, order_id: str) -> State:
    """Return the state of an order. Units: balances in minor units, one for each currency."""
    transactions = [
        current_state(events) | {"position": events[-1].position} for events in history.histories
    ]
    link_refunds(transactions)
    currencies = sorted({transaction["currency"] or "" for transaction in transactions})
    return {
        "kind": "order",
        "shop_id": shop_id,
        "mode": Mode(mode).public,
        "order_id": order_id,
        # as instants: one without a fraction sorts behind one with it
        "first_seen_at": min((each["first_seen_at"] for each in transactions), key=read_instant),
        "last_changed_at": max(
            (each["last_changed_at"] for each in transactions), key=read_instant
        ),
        "position": history.position,
        "view_position": history.view_position,
        "balances": [_balance(currency, transactions) for currency in currencies],
        "transactions": transactions,
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
            transaction["amount_minor"] or 0
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
    """Return what is related to a transaction; None while the read model of orders is not built."""
    with ledger.database.connect() as connection:
        try:
            ids = _related_ids(connection, transaction, id_)
        except UnavailableError:
            return None
        streams = ledger.events.load(ids[:RELATED_MAX], as_of=as_of, connection=connection)
    known = [events for events in streams.values() if events]
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
