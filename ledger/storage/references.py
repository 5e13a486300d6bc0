"""How the platform's names lead to a subscription: its id, or the alias and order behind it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from ledger.aggregates.observed import Observed
from ledger.aggregates.subscription import Subscription
from ledger.formats.snapshot import Fact
from ledger.storage.tables import subscription_references

Names = dict[str, Any]
"""A row of `subscription_references`."""


def add_all(connection: Connection, names: Sequence[Names]) -> None:
    """Remember the names of subscriptions; an order told first stands."""
    if names:
        connection.execute(_ADD[connection.dialect.name], list(names))


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


def subscription_of(
    connection: Connection, shop_id: str, mode: str, alias: str, order_id: str | None
) -> str | None:
    """The one subscription on this alias, and for this order when one is told.

    Shape: None when there is none, and when there are several: nothing is guessed.
    """
    c = subscription_references.c
    query = select(c.subscription_id).where(c.shop_id == shop_id, c.mode == mode, c.alias == alias)
    if order_id is not None:
        query = query.where(c.order_id == order_id)
    found = connection.scalars(query.limit(2)).all()
    return found[0] if len(found) == 1 else None


def _add(dialect: Any) -> Any:
    statement = dialect.insert(subscription_references)
    known = subscription_references.c.order_id
    return statement.on_conflict_do_update(
        index_elements=["shop_id", "mode", "subscription_id", "alias"],
        set_={"order_id": statement.excluded.order_id},
        where=known.is_(None) & statement.excluded.order_id.is_not(None),
    )


_ADD = {"postgresql": _add(postgresql), "sqlite": _add(sqlite)}
