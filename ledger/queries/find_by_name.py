"""Finds the stream of one object by the names that the platform and the shops use."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from ledger.aggregates.alias import Alias
from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.errors import AmbiguousError, NotFoundError
from ledger.ipn.kinds import KINDS
from ledger.storage import subscription_index
from ledger.storage.event_store import RecordedEvent

TRANSACTION, ALIAS, SUBSCRIPTION = KINDS


Streams = list[tuple[str, UUID]]
"""Alias (of subscriptions only) and stream id."""


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
        raise NotFoundError("nothing was ever told about it")
    if len(streams) > 1:
        aliases = [own_alias for own_alias, _ in streams]
        raise AmbiguousError(f"{len(streams)} subscriptions have this id: name the alias", aliases)
    return streams[0][1]


def find_streams(ledger: Ledger, kind: str, shop_id: str, mode: str, name: str) -> Streams:
    """Return every stream that this name may mean."""
    return _FINDERS[kind](ledger, shop_id, mode, name)


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
        raise NotFoundError(f"it had only {len(events)} versions" + (" by then" if as_of else ""))
    return events[:version]


def _transaction(_: Ledger, shop_id: str, mode: str, name: str) -> Streams:
    return [("", Transaction.id_of(shop_id, mode, name))]


def _alias(_: Ledger, shop_id: str, mode: str, name: str) -> Streams:
    return [("", Alias.id_of(shop_id, mode, name))]


def _subscription(ledger: Ledger, shop_id: str, mode: str, name: str) -> Streams:
    with ledger.database.single() as connection:
        return subscription_index.subscriptions_by_id(connection, shop_id, mode, name)


_FINDERS: dict[str, Callable[[Ledger, str, str, str], Streams]] = {
    TRANSACTION: _transaction,
    ALIAS: _alias,
    SUBSCRIPTION: _subscription,
}
