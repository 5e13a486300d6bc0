"""What is related to one transaction: what it gives back or repeats, what repeats it, its order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, union

from ledger.application import Ledger
from ledger.errors import UnavailableError
from ledger.ipn.modes import Mode
from ledger.queries.orders import is_of_shop, lines_of_order, order_lines_table
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
    rest_of_order: list[State]
    is_cut: bool

    @property
    def all_refunds(self) -> list[State] | None:
        """Return every refund of it; None when there may be more than these."""
        return None if self.is_cut else self.refunds


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
    lines, _ = order_lines_table(connection)
    c = lines.c
    shop = transaction["shop_id"], Mode(transaction["mode"])
    shared_names = {c.parent_uuid: transaction["uuid"], c.uuid: transaction["parent_uuid"]}
    queries = [
        select(c.id).where(is_of_shop(lines, *shop), column == name)
        for column, name in shared_names.items()
        if name
    ]
    if transaction["order_id"]:
        queries += lines_of_order(lines, *shop, transaction["order_id"])
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
