"""How the platform's names lead to a subscription: its id, or the alias and order behind it."""

from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from ledger.storage.tables import subscription_references


def add_subscription(
    connection: Connection,
    *,
    shop_id: str,
    mode: str,
    subscription_id: str,
    alias: str,
    order_id: str | None,
    originator_id: UUID,
) -> None:
    """Remember a subscription's names; the first order told stands."""
    is_sqlite = connection.dialect.name == "sqlite"
    insert = sqlite.insert if is_sqlite else postgresql.insert
    statement = insert(subscription_references).values(
        shop_id=shop_id,
        mode=mode,
        subscription_id=subscription_id,
        alias=alias,
        order_id=order_id,
        originator_id=originator_id,
    )
    c = subscription_references.c
    fill_in = statement.on_conflict_do_update(
        index_elements=[c.shop_id, c.mode, c.subscription_id, c.alias],
        set_={"order_id": statement.excluded.order_id},
        where=c.order_id.is_(None) & statement.excluded.order_id.is_not(None),
    )
    connection.execute(fill_in)


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
