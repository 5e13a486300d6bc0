"""Finds the stream of one object by the names that the platform and the shops use."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from ledger.aggregates.alias import Alias
from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.errors import AmbiguousError, NotFoundError
from ledger.storage import references
from ledger.storage.event_store import RecordedEvent

TRANSACTION, ALIAS, SUBSCRIPTION = "transaction", "alias", "subscription"


def stream(
    ledger: Ledger, kind: str, shop_id: str, mode: str, name: str, *, alias: str | None = None
) -> UUID:
    """The one stream of this name.

    Shape: `mode` in capitals; `alias` tells subscriptions of the same id apart.
    Errors: NotFoundError; AmbiguousError with the aliases to choose from.
    """
    found = streams(ledger, kind, shop_id, mode, name)
    if alias is not None:
        found = [one for one in found if one[0] == alias]
    if not found:
        raise NotFoundError("nothing was ever told about it")
    if len(found) > 1:
        aliases = [one for one, _ in found]
        raise AmbiguousError(f"{len(found)} subscriptions have this id: name the alias", aliases)
    return found[0][1]


def streams(
    ledger: Ledger, kind: str, shop_id: str, mode: str, name: str
) -> list[tuple[str, UUID]]:
    """Every stream that this name may mean. Shape: alias (of subscriptions only), stream id."""
    return _FINDERS[kind](ledger, shop_id, mode, name)


def known(
    ledger: Ledger, id_: UUID, *, as_of: datetime | None = None, version: int | None = None
) -> list[RecordedEvent]:
    """The history of a stream as it was known then, up to a version.

    Errors: NotFoundError when nothing was known then, or when there is no such version.
    """
    events = ledger.events.history(id_, as_of=as_of)
    if version is None:
        return events
    if version > len(events):
        raise NotFoundError(f"it had only {len(events)} versions" + (" by then" if as_of else ""))
    return events[:version]


Found = list[tuple[str, UUID]]


def _transaction(_: Ledger, shop_id: str, mode: str, name: str) -> Found:
    return [("", Transaction.id_of(shop_id, mode, name))]


def _alias(_: Ledger, shop_id: str, mode: str, name: str) -> Found:
    return [("", Alias.id_of(shop_id, mode, name))]


def _subscription(ledger: Ledger, shop_id: str, mode: str, name: str) -> Found:
    if "\x00" in name + shop_id:  # no database keeps it, so none is asked
        return []
    with ledger.database.single() as connection:
        return references.subscriptions_by_id(connection, shop_id, mode, name)


_FINDERS: dict[str, Callable[[Ledger, str, str, str], Found]] = {
    TRANSACTION: _transaction,
    ALIAS: _alias,
    SUBSCRIPTION: _subscription,
}
