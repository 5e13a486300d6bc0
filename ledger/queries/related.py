"""Finds the transactions related to one: what it gives back or repeats, its refunds and repeats,
and the rest of its order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, union

from ledger.application import Ledger
from ledger.errors import UnavailableError
from ledger.ipn.modes import Mode
from ledger.queries.orders import is_of, lines_of
from ledger.queries.refund_links import link_refunds, original_of
from ledger.queries.state import State, current_state

RELATED_MAX = 50
"""An order may have thousands of transactions; its own page and the lists show them all."""


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
    others: list[State]
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
    lines, _ = lines_of(connection)
    c = lines.c
    shared_names = {
        c.order_id: transaction["order_id"],
        c.parent_uuid: transaction["uuid"],
        c.uuid: transaction["parent_uuid"],
    }
    is_of_shop = is_of(lines, transaction["shop_id"], Mode(transaction["mode"]))
    queries = [
        select(c.id).where(is_of_shop, column == name).limit(RELATED_MAX + 2).subquery()
        for column, name in shared_names.items()
        if name
    ]
    if not queries:
        return []
    related = connection.scalars(union(*(select(query.c.id) for query in queries)))
    return [uuid for text in related if (uuid := UUID(text)) != id_]


def _by_relation(transaction: State, related: Sequence[State], is_cut: bool) -> RelatedTransactions:
    if transaction["order_id"] and not is_cut:  # a refund is clear only when all are known
        _link_refunds_of_order(transaction["order_id"], [transaction, *related])
    uuid, certainty = original_of(transaction)
    original = next((other for other in related if uuid and other["uuid"] == uuid), None)
    derived = _derived_from(transaction, related)
    shown_elsewhere = {other["reference"] for other in derived}
    if original:
        shown_elsewhere.add(original["reference"])
    return RelatedTransactions(
        original_uuid=uuid,
        certainty=certainty,
        original=original,
        refunds=[other for other in derived if other["operation_type"] == "CREDIT"],
        duplicates=[other for other in derived if other["operation_type"] != "CREDIT"],
        others=[other for other in related if other["reference"] not in shown_elsewhere],
        is_cut=is_cut,
    )


def _link_refunds_of_order(order_id: str, transactions: Sequence[State]) -> None:
    link_refunds([other for other in transactions if other["order_id"] == order_id])


def _derived_from(transaction: State, related: Sequence[State]) -> list[State]:
    """Return the transactions that give this one back or repeat it."""
    if not transaction["uuid"]:
        return []
    return [other for other in related if original_of(other)[0] == transaction["uuid"]]
