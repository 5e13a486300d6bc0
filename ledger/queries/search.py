"""Finds everything that has exactly the name somebody has copied from anywhere."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from ledger.application import Ledger
from ledger.ipn.kinds import Kind
from ledger.ipn.modes import Mode
from ledger.ipn.storable import UNSTORABLE
from ledger.queries.filter_conditions import Filter, Words
from ledger.queries.filter_declarations import (
    AliasFilter,
    EventFilter,
    OrderFilter,
    SubscriptionFilter,
    TransactionFilter,
)
from ledger.queries.lists import (
    ALIASES,
    AUDIT_TRAIL,
    ORDERS,
    SUBSCRIPTIONS,
    TRANSACTIONS,
    Item,
    Listing,
    list_page,
)

TRANSACTION = Kind.TRANSACTION.value
ORDER = "order"
ALIAS = Kind.ALIAS.value
SUBSCRIPTION = Kind.SUBSCRIPTION.value
NOTIFICATION = "notification"

MEANINGS_MAX = 50
"""Of each kind; a trans_id is given again on every day."""

_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Meaning:
    """One object or notification that has this name.

    Shape: `mode` is `test` or `production`; `alias` distinguishes subscriptions of one id; shop and
    mode are None for a notification that did not name them.
    """

    kind: str
    name: str
    shop_id: str | None
    mode: str | None
    alias: str | None = None


def meanings(ledger: Ledger, text: str, *, mode: str, shops: Words | None = None) -> list[Meaning]:
    """Return everything in one mode that has exactly this name: a transaction by its uuid,
    reference or trans_id, an order, an alias, a subscription, a notification by its id.

    Shape: `shops` None is every shop. Errors: ViewNotBuiltError, BadFilterError.
    """
    text = text.strip()
    if not text or UNSTORABLE.search(text):
        return []
    with ledger.database.connect() as connection:
        known = [
            *_notifications(ledger, connection, text, mode, shops),
            *_objects(connection, text, mode, shops),
        ]
    return list(dict.fromkeys(known))


def _notifications(
    ledger: Ledger, connection: Connection, text: str, mode: str, shops: Words | None
) -> Iterator[Meaning]:
    row = ledger.inbox.get(connection, text.upper()) if _ULID.fullmatch(text) else None
    if row is None or row.mode not in (None, Mode(mode)):
        return
    if shops is None or row.shop_id in shops:
        yield Meaning(NOTIFICATION, row.id, row.shop_id, row.mode and Mode(row.mode).public)


def _objects(
    connection: Connection, text: str, mode: str, shops: Words | None
) -> Iterator[Meaning]:
    shared = {"mode": mode, "shop_id": shops}
    by_reference = EventFilter.of(shared | {"reference": _uuid(text), "kind": TRANSACTION})
    lists: tuple[tuple[str, str, Listing, Filter], ...] = (
        (TRANSACTION, "reference", AUDIT_TRAIL, by_reference),
        (TRANSACTION, "reference", TRANSACTIONS, TransactionFilter.of(shared | {"trans_id": text})),
        (ORDER, "order_id", ORDERS, OrderFilter.of(shared | {"order_id": text})),
        (ALIAS, "alias", ALIASES, AliasFilter.of(shared | {"alias": text})),
        (
            SUBSCRIPTION,
            "subscription_id",
            SUBSCRIPTIONS,
            SubscriptionFilter.of(shared | {"subscription_id": text}),
        ),
    )
    for kind, name, listing, filter_ in lists:
        for item in list_page(connection, listing, filter_, limit=MEANINGS_MAX).items:
            yield _meaning(kind, item[name], item)


def _meaning(kind: str, name: str, item: Item) -> Meaning:
    alias = item["alias"] if kind == SUBSCRIPTION else None
    return Meaning(kind, name, item["shop_id"], item["mode"], alias)


def _uuid(text: str) -> str:
    """Return a uuid as the platform writes it, however it was copied; anything else as it is."""
    try:
        return UUID(text).hex
    except ValueError:
        return text
