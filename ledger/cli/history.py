"""`ledger history`: the plain-language timeline of one transaction, alias or subscription."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import click
import orjson

from ledger.aggregates.alias import Alias
from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.cli.instant import Instant
from ledger.cli.opening import open_ledger
from ledger.errors import NotFoundError
from ledger.items import item
from ledger.modes import MODES
from ledger.storage import references
from ledger.storage.event_store import RecordedEvent
from ledger.timeline import describe, history_data, printable, timeline

Finder = Callable[[Ledger, str, str, str], list[UUID]]


def _transactions(_: Ledger, shop_id: str, mode: str, name: str) -> list[UUID]:
    return [Transaction.id_of(shop_id, mode, name)]


def _aliases(_: Ledger, shop_id: str, mode: str, name: str) -> list[UUID]:
    return [Alias.id_of(shop_id, mode, name)]


def _subscriptions(ledger: Ledger, shop_id: str, mode: str, name: str) -> list[UUID]:
    with ledger.database.connect() as connection:
        found = references.subscriptions_by_id(connection, shop_id, mode, name)
    return [id_ for _, id_ in found]


_FINDERS: dict[str, Finder] = {
    "transaction": _transactions,
    "alias": _aliases,
    "subscription": _subscriptions,
}


@click.command()
@click.argument("kind", type=click.Choice(list(_FINDERS)))
@click.argument("name", metavar="ID")
@click.option("--shop", "shop_id", help="Shop id; may be left out when there is only one.")
@click.option(
    "--mode", type=click.Choice(["test", "production"]), help="Both are looked at by default."
)
@click.option("--as-of", type=Instant(), help="Tell it as it was known then (ISO 8601).")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def history(
    kind: str,
    name: str,
    shop_id: str | None,
    mode: str | None,
    as_of: datetime | None,
    as_json: bool,
) -> None:
    """Tell the whole history of a transaction (uuid or reference), alias or subscription."""
    ledger = open_ledger()
    shop = shop_id or _only_shop(ledger)
    modes = [mode.upper()] if mode else list(MODES)
    found = [
        events
        for one in modes
        for id_ in _FINDERS[kind](ledger, shop, one, name)
        if (events := _events(ledger, id_, as_of))
    ]
    if not found:
        raise NotFoundError(f"nothing is known of {kind} {printable(name)} at shop {shop}")
    if as_json:
        told = [{"item": item(one), **_events_data(one)} for one in found]
        click.echo(orjson.dumps(told[0] if len(told) == 1 else told, option=orjson.OPT_INDENT_2))
    else:
        click.echo("\n\n".join(describe(item(one), timeline(one)) for one in found))


def _events_data(events: list[RecordedEvent]) -> dict[str, Any]:
    return {"events": [history_data(entry) for entry in timeline(events)]}


def _events(ledger: Ledger, id_: UUID, as_of: datetime | None) -> list[RecordedEvent]:
    try:
        return ledger.events.history(id_, as_of=as_of)
    except NotFoundError:
        return []


def _only_shop(ledger: Ledger) -> str:
    ids = list(ledger.shops.shop_by_id)
    if len(ids) != 1:
        raise click.UsageError("name the shop with --shop")
    return ids[0]
