"""What a name may mean that somebody has copied from anywhere: found exactly, never by guessing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from ledger.application import Ledger
from ledger.lists import (
    AliasFilter,
    EventFilter,
    OrderFilter,
    SubscriptionFilter,
    TransactionFilter,
    Words,
    aliases,
    audit_trail,
    orders,
    subscriptions,
    transactions,
)
from ledger.paging import UNSTORABLE

TRANSACTION = "transaction"
ORDER = "order"
ALIAS = "alias"
SUBSCRIPTION = "subscription"
NOTIFICATION = "notification"

MEANINGS_MAX = 50
"""Of each kind; a trans_id is given again on every day."""

_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Meaning:
    """One thing that has this name.

    Shape: `mode` is `test` or `production`; `alias` tells subscriptions of one id apart; shop and
    mode are None for a delivery that did not tell them.
    """

    kind: str
    name: str
    shop_id: str | None
    mode: str | None
    alias: str | None = None


def meanings(ledger: Ledger, text: str, *, mode: str, shops: Words | None = None) -> list[Meaning]:
    """Everything in one mode that has exactly this name: a transaction by its uuid, reference or
    trans_id, an order, an alias, a subscription, a notification by its id.

    Shape: `shops` None is every shop. Errors: ViewNotBuiltError, BadFilterError.
    """
    text = text.strip()
    if not text or UNSTORABLE.search(text):
        return []
    with ledger.database.connect() as connection:
        found = [
            *_notifications(ledger, connection, text, mode, shops),
            *_transactions(connection, text, mode, shops),
            *_orders(connection, text, mode, shops),
            *_aliases(connection, text, mode, shops),
            *_subscriptions(connection, text, mode, shops),
        ]
    return list(dict.fromkeys(found))


def _notifications(
    ledger: Ledger, connection: Connection, text: str, mode: str, shops: Words | None
) -> Iterator[Meaning]:
    row = ledger.journal.get(connection, text.upper()) if _ULID.fullmatch(text) else None
    if row is None or row.mode not in (None, mode.upper()):
        return
    if shops is None or row.shop_id in shops:
        yield Meaning(NOTIFICATION, row.id, row.shop_id, row.mode and row.mode.lower())


def _transactions(
    connection: Connection, text: str, mode: str, shops: Words | None
) -> Iterator[Meaning]:
    named = EventFilter(reference=_uuid(text), kind=TRANSACTION, mode=mode, shops=shops)
    numbered = TransactionFilter(trans_id=text, mode=mode, shops=shops)
    for page in (
        audit_trail(connection, named, limit=MEANINGS_MAX),
        transactions(connection, numbered, limit=MEANINGS_MAX),
    ):
        for one in page.items:
            yield Meaning(TRANSACTION, one["reference"], one["shop_id"], one["mode"])


def _orders(connection: Connection, text: str, mode: str, shops: Words | None) -> Iterator[Meaning]:
    filter_ = OrderFilter(order_id=text, mode=mode, shops=shops)
    for one in orders(connection, filter_, limit=MEANINGS_MAX).items:
        yield Meaning(ORDER, one["order_id"], one["shop_id"], one["mode"])


def _aliases(
    connection: Connection, text: str, mode: str, shops: Words | None
) -> Iterator[Meaning]:
    filter_ = AliasFilter(alias=text, mode=mode, shops=shops)
    for one in aliases(connection, filter_, limit=MEANINGS_MAX).items:
        yield Meaning(ALIAS, one["alias"], one["shop_id"], one["mode"])


def _subscriptions(
    connection: Connection, text: str, mode: str, shops: Words | None
) -> Iterator[Meaning]:
    filter_ = SubscriptionFilter(subscription_id=text, mode=mode, shops=shops)
    for one in subscriptions(connection, filter_, limit=MEANINGS_MAX).items:
        yield Meaning(
            SUBSCRIPTION, one["subscription_id"], one["shop_id"], one["mode"], one["alias"]
        )


def _uuid(text: str) -> str:
    """A uuid as the platform writes it, however it was copied; anything else as it is."""
    try:
        return UUID(text).hex
    except ValueError:
        return text
