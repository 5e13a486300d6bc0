"""How the platform's names lead to a subscription: its id, or the alias and order behind it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, select, text

from ledger.aggregates.observed import Observed
from ledger.aggregates.subscription import Subscription
from ledger.formats.snapshot import Fact
from ledger.storage.tables import subscription_references

Names = dict[str, Any]
"""A row of `subscription_references`."""


def add_all(connection: Connection, names: Sequence[Names]) -> None:
    """Remember the names of subscriptions; an order told first stands."""
    if names:
        connection.execute(_ADD, list(names))


def names_of(changed: Iterable[Observed], order_by_id: Mapping[UUID, Fact]) -> list[Names]:
    """The names of every subscription among what a notification has changed.

    Shape: `order_by_id` tells the order of those that an instalment, not a plan, told of.
    """
    found: list[Names] = []
    for one in changed:
        if isinstance(one, Subscription):
            order_id = one.facts.get("order_id") or order_by_id.get(one.id)
            found.append(
                {
                    "shop_id": one.shop_id,
                    "mode": one.mode,
                    "subscription_id": one.subscription_id,
                    "alias": one.alias,
                    "order_id": None if order_id is None else str(order_id),
                    "originator_id": one.id,
                }
            )
    return found


def subscriptions_by_id(
    connection: Connection, shop_id: str, mode: str, subscription_id: str
) -> list[tuple[str, UUID]]:
    """All subscriptions with this id. Shape: (alias, originator id), by alias."""
    c = subscription_references.c
    query = select(c.alias, c.originator_id).where(
        c.shop_id == shop_id, c.mode == mode, c.subscription_id == subscription_id
    )
    return [(row.alias, row.originator_id) for row in connection.execute(query.order_by(c.alias))]


def orders_by_subscription(
    connection: Connection, shop_id: str, mode: str, alias: str
) -> dict[str, str | None]:
    """The subscriptions on an alias, each with the order it was told for."""
    c = subscription_references.c
    query = select(c.subscription_id, c.order_id).where(
        c.shop_id == shop_id, c.mode == mode, c.alias == alias
    )
    return {row.subscription_id: row.order_id for row in connection.execute(query)}


def adding(source: str) -> str:
    """The statement that adds names from a source of rows; an order told first stands."""
    return (
        f"INSERT INTO subscription_references ({', '.join(_COLUMNS)}) {source}"
        f" ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET order_id = excluded.order_id"
        " WHERE subscription_references.order_id IS NULL AND excluded.order_id IS NOT NULL"
    )


_COLUMNS = list(subscription_references.c.keys())
_KEY = [one.name for one in subscription_references.primary_key]
_ADD = text(adding(f"VALUES ({', '.join(f':{one}' for one in _COLUMNS)})")).bindparams(
    *(bindparam(one.name, type_=one.type) for one in subscription_references.c)
)
