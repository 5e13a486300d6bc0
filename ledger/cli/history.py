"""`ledger history`: the plain-language timeline of one transaction, alias or subscription."""

from datetime import datetime
from typing import Any
from uuid import UUID

import click
import orjson

from ledger.application import Ledger
from ledger.cli.instant_argument import Instant
from ledger.cli.open_ledger import open_ledger
from ledger.errors import NotFoundError
from ledger.ipn.modes import MODES, PUBLIC_MODES, Mode
from ledger.queries.event_sentences import describe, printable
from ledger.queries.find_by_name import ALIAS, SUBSCRIPTION, TRANSACTION, events_known, find_streams
from ledger.queries.history import history_data, timeline
from ledger.queries.state import current_state
from ledger.storage.event_store import RecordedEvent


@click.command()
@click.argument("kind", type=click.Choice([TRANSACTION, ALIAS, SUBSCRIPTION]))
@click.argument("name", metavar="ID")
@click.option("--shop", "shop_id", help="Shop id; may be left out when there is only one.")
@click.option(
    "--mode",
    type=click.Choice(PUBLIC_MODES, case_sensitive=False),
    help="Both are looked at by default.",
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
    modes = [Mode(mode)] if mode else list(MODES)
    histories = [
        events
        for mode_ in modes
        for _, id_ in find_streams(ledger, kind, shop, mode_, name)
        if (events := _events_known(ledger, id_, as_of))
    ]
    if not histories:
        raise NotFoundError(f"nothing is known of {kind} {printable(name)} at shop {shop}")
    if as_json:
        answers = [_for_machines(events) for events in histories]
        answer = answers[0] if len(answers) == 1 else answers
        click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
    else:
        texts = [describe(current_state(events), timeline(events)) for events in histories]
        click.echo("\n\n".join(texts))


def _for_machines(events: list[RecordedEvent]) -> dict[str, Any]:
    return {
        "item": current_state(events),
        "events": [history_data(entry) for entry in timeline(events)],
    }


def _events_known(ledger: Ledger, id_: UUID, as_of: datetime | None) -> list[RecordedEvent]:
    try:
        return events_known(ledger, id_, as_of=as_of)
    except NotFoundError:
        return []


def _only_shop(ledger: Ledger) -> str:
    ids = list(ledger.shops.shop_by_id)
    if len(ids) != 1:
        raise click.UsageError("name the shop with --shop")
    return ids[0]
