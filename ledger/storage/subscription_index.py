"""Finds the streams of subscriptions: by the platform's id, or by the alias and order behind it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, select, text

from ledger.storage.tables import subscription_references

SubscriptionRow = dict[str, Any]
"""A row of `subscription_references`."""


def add_all(connection: Connection, subscription_rows: Sequence[SubscriptionRow]) -> None:
    """Store the references of subscriptions; the first order that is known stays."""
    if subscription_rows:
        connection.execute(_ADD, list(subscription_rows))


def subscriptions_by_id(
    connection: Connection, shop_id: str, mode: str, subscription_id: str
) -> list[tuple[str, UUID]]:
    """Find all subscriptions with this id. Shape: (alias, originator id), by alias."""
    c = subscription_references.c
    query = select(c.alias, c.originator_id).where(
        c.shop_id == shop_id, c.mode == mode, c.subscription_id == subscription_id
    )
    return [(row.alias, row.originator_id) for row in connection.execute(query.order_by(c.alias))]


def orders_by_subscription(
    connection: Connection, shop_id: str, mode: str, alias: str
) -> dict[str, str | None]:
    """Return the subscriptions on an alias, each with its order."""
    c = subscription_references.c
    query = select(c.subscription_id, c.order_id).where(
        c.shop_id == shop_id, c.mode == mode, c.alias == alias
    )
    return {row.subscription_id: row.order_id for row in connection.execute(query)}


def size_of(connection: Connection, shop_id: str, mode: str, alias: str) -> int:
    """Return a number that grows with each subscription on an alias, and with each new order."""
    return sum(
        1 + (order_id is not None)
        for order_id in orders_by_subscription(connection, shop_id, mode, alias).values()
    )


def adding(source: str) -> str:
    """Build the statement that adds references from a source of rows."""
    return (
        f"INSERT INTO subscription_references ({', '.join(_COLUMNS)}) {source}"
        f" ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET order_id = excluded.order_id"
        " WHERE subscription_references.order_id IS NULL AND excluded.order_id IS NOT NULL"
    )


_COLUMNS = list(subscription_references.c.keys())
_KEY = [column.name for column in subscription_references.primary_key]
_ADD = text(adding(f"VALUES ({', '.join(f':{name}' for name in _COLUMNS)})")).bindparams(
    *(bindparam(column.name, type_=column.type) for column in subscription_references.c)
)
