"""Subscriptions are found by the names that the platform gives them."""

from uuid import UUID

from ledger.storage import subscription_index
from ledger.storage.database import Database
from tests.storage.rows import STREAM


def test_a_subscription_is_found_by_its_names(database: Database) -> None:
    subscriptions = [("sub", "alice", "o-1"), ("sub", "bob", "o-2"), ("other", "bob", "o-3")]
    with database.begin() as connection:
        for number, (subscription_id, alias, order_id) in enumerate(
            [*subscriptions, subscriptions[0]]
        ):
            names = {"subscription_id": subscription_id, "alias": alias, "order_id": order_id}
            stream = {"shop_id": "1", "mode": "TEST", "originator_id": UUID(int=number)}
            subscription_index.add_all(connection, [stream | names])

    with database.connect() as connection:
        by_id = subscription_index.subscriptions_by_id(connection, "1", "TEST", "sub")
        orders = [
            subscription_index.orders_by_subscription(connection, "1", mode, alias)
            for mode, alias in [("TEST", "alice"), ("TEST", "bob"), ("PRODUCTION", "alice")]
        ]
    assert by_id == [("alice", UUID(int=0)), ("bob", UUID(int=1))]
    assert orders == [{"sub": "o-1"}, {"sub": "o-2", "other": "o-3"}, {}]


def test_an_order_told_first_stands(database: Database) -> None:
    names = {"shop_id": "1", "mode": "TEST", "subscription_id": "sub", "alias": "alice"}
    with database.begin() as connection:
        for order_id in (None, "o-1", "o-2", None):
            order = {"order_id": order_id, "originator_id": STREAM}
            subscription_index.add_all(connection, [names | order])

        orders = subscription_index.orders_by_subscription(connection, "1", "TEST", "alice")

    assert orders == {"sub": "o-1"}
