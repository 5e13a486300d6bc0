"""Finds the stream of one object by its name, and everything that has exactly a copied name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.aggregates.alias import Alias
from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.errors import AmbiguousError, NotFoundError
from ledger.ipn.kinds import KINDS
from ledger.ipn.modes import Mode
from ledger.ipn.storable import UNSTORABLE
from ledger.queries.evidence import event_at
from ledger.queries.filter_conditions import Words
from ledger.queries.lists import (
    ALIASES,
    AUDIT_TRAIL,
    ORDERS,
    SUBSCRIPTIONS,
    TRANSACTIONS,
    Listing,
    list_page,
)
from ledger.storage import subscription_index
from ledger.storage.answers import evidence_record
from ledger.storage.event_store import RecordedEvent
from ledger.storage.stream_names import stream_named

TRANSACTION, ALIAS, SUBSCRIPTION = KINDS
ORDER, NOTIFICATION = "order", "notification"

MEANINGS_MAX = 50
"""Of each kind; a trans_id is given again on every day."""

_EVENT = re.compile(r"#[0-9]{1,18}")
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}", re.IGNORECASE)


def find_stream(
    ledger: Ledger, kind: str, shop_id: str, mode: str, name: str, *, alias: str | None = None
) -> UUID:
    """Return the one stream of this name.

    Shape: `mode` in capitals; `alias` tells subscriptions of the same id apart.
    Errors: NotFoundError; AmbiguousError with the aliases to choose from.
    """
    streams = find_streams(ledger, kind, shop_id, mode, name)
    if alias is not None:
        streams = [(own_alias, id_) for own_alias, id_ in streams if own_alias == alias]
    if not streams:
        raise NotFoundError("not found: nothing in this ledger has this name")
    if len(streams) > 1:
        aliases = [own_alias for own_alias, _ in streams]
        raise AmbiguousError(f"{len(streams)} subscriptions have this id: name the alias", aliases)
    return streams[0][1]


def find_streams(
    ledger: Ledger, kind: str, shop_id: str, mode: str, name: str
) -> list[tuple[str, UUID]]:
    """Return every stream that this name may mean. Shape: alias (of subscriptions only) and id."""
    if kind == SUBSCRIPTION:
        with ledger.database.single() as connection:
            return subscription_index.subscriptions_by_id(connection, shop_id, mode, name)
    if kind == ALIAS:
        return [("", Alias.id_of(shop_id, mode, name))]
    with ledger.database.single() as connection:
        return [("", stream_named(connection, Transaction.id_of(shop_id, mode, name)))]


def events_known(
    ledger: Ledger, id_: UUID, *, as_of: datetime | None = None, version: int | None = None
) -> list[RecordedEvent]:
    """Return the events of a stream as they were known then, up to a version.

    Errors: NotFoundError when nothing was known then, or when there is no such version.
    """
    events = ledger.events.history(id_, as_of=as_of)
    if version is None:
        return events
    if version > len(events):
        raise NotFoundError(
            f"no version {version}: the newest is {len(events)}" + (" by then" if as_of else "")
        )
    return events[:version]


# -- everything that has a name -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Meaning:
    """One object or notification that has this name, or the object of an event of this number.

    Shape: `mode` is `test` or `production`; `alias` distinguishes subscriptions of one id; shop and
    mode are None for a notification that did not name them. `position` is that of the event.
    """

    kind: str
    name: str
    shop_id: str | None
    mode: str | None
    alias: str | None = None
    position: int | None = None


def meanings(ledger: Ledger, text: str, *, mode: str, shops: Words | None = None) -> list[Meaning]:
    """Return everything in one mode that has exactly this name: a transaction by its uuid,
    reference, trans_id or authorisation number, an order, an alias, a subscription, a notification
    by its id, and what the event `#412` is about.

    Shape: blanks around it may be part of it or not. `shops` None is every shop.
    Errors: ViewNotBuiltError, BadFilterError.
    """
    if not text or UNSTORABLE.search(text):
        return []
    copied = text.strip()  # but blanks may belong to a name
    named: list[Meaning] = []
    with ledger.database.connect() as connection:
        row = evidence_record(connection, copied.upper()) if _ULID.fullmatch(copied) else None
        if row and row.mode in (None, Mode(mode)) and (shops is None or row.shop_id in shops):
            public = row.mode and Mode(row.mode).public
            named.append(Meaning(NOTIFICATION, row.id, row.shop_id, public))
        for name in filter(None, {text: None, copied: None}):
            named += _objects(connection, name, mode, shops)
    named += _of_event(ledger, copied, mode, shops)
    return list(dict.fromkeys(named))


def _of_event(ledger: Ledger, text: str, mode: str, shops: Words | None) -> list[Meaning]:
    if not _EVENT.fullmatch(text):
        return []
    try:
        event = event_at(ledger, int(text.removeprefix("#"))).event
    except NotFoundError:
        return []
    if event.mode != Mode(mode) or not (shops is None or event.shop_id in shops):
        return []
    kind, position = event.aggregate_class.KIND.value, int(text.removeprefix("#"))
    alias = getattr(event, "alias", None) if kind == SUBSCRIPTION else None
    return [Meaning(kind, event.reference, event.shop_id, mode, alias, position)]


def _objects(
    connection: Connection, text: str, mode: str, shops: Words | None
) -> Iterator[Meaning]:
    by_reference = {"reference": platform_uuid(text), "kind": TRANSACTION}
    lists: tuple[tuple[str, str, Listing, dict[str, str]], ...] = (
        (TRANSACTION, "reference", AUDIT_TRAIL, by_reference),
        (TRANSACTION, "reference", TRANSACTIONS, {"trans_id": text}),
        (TRANSACTION, "reference", TRANSACTIONS, {"authorisation_number": text}),
        (ORDER, "order_id", ORDERS, {"order_id": text}),
        (ALIAS, "alias", ALIASES, {"alias": text}),
        (SUBSCRIPTION, "subscription_id", SUBSCRIPTIONS, {"subscription_id": text}),
    )
    for kind, name, listing, parameters in lists:
        filter_ = listing.filter_class.of({"mode": mode, "shop_id": shops} | parameters)
        for item in list_page(connection, listing, filter_, limit=MEANINGS_MAX).items:
            alias = item["alias"] if kind == SUBSCRIPTION else None
            yield Meaning(kind, item[name], item["shop_id"], item["mode"], alias)


def platform_uuid(text: str) -> str:
    """Return a uuid as the platform writes it, however it was copied; anything else as it is."""
    try:
        return UUID(text).hex
    except ValueError:
        return text
