"""`ledger history`: the plain-language timeline of one transaction, alias or subscription."""

from contextlib import suppress
from datetime import datetime

import click
import orjson

from ledger.application import Ledger
from ledger.cli.invocation import INSTANT, json_option, open_ledger
from ledger.errors import NotFoundError
from ledger.ipn.lookalikes import printable
from ledger.ipn.modes import MODES, PUBLIC_MODES, Mode
from ledger.queries.event_sentences import describe
from ledger.queries.find_by_name import ALIAS, SUBSCRIPTION, TRANSACTION, events_known, find_streams
from ledger.queries.history import history_data, timeline
from ledger.queries.state import current_state
from ledger.queries.undecided import undecided_about
from ledger.storage.inbox import InboxRecord


@click.command()
@click.argument("kind", type=click.Choice([TRANSACTION, ALIAS, SUBSCRIPTION]))
@click.argument("name", metavar="ID")
@click.option("--shop", "shop_id", help="Shop id; may be left out when there is only one.")
@click.option(
    "--mode",
    type=click.Choice(PUBLIC_MODES, case_sensitive=False),
    help="Both are looked at by default.",
)
@click.option("--as-of", type=INSTANT, help="Tell it as it was known then (ISO 8601).")
@json_option
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
    histories = []
    for mode_ in [Mode(mode)] if mode else MODES:
        for _, id_ in find_streams(ledger, kind, shop, mode_, name):
            with suppress(NotFoundError):
                histories.append(events_known(ledger, id_, as_of=as_of))
    if not histories:
        names = ", ".join(record.id for record in _undecided(ledger, shop, mode, name))
        if names:
            raise NotFoundError(f"only undecided notifications name it: {names}")
        raise NotFoundError(f"nothing is known of {kind} {printable(name)} at shop {shop}")
    if as_json:
        answers = [
            {"item": current_state(events), "events": list(map(history_data, timeline(events)))}
            for events in histories
        ]
        answer = answers[0] if len(answers) == 1 else answers
        click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
    else:
        texts = [describe(current_state(events), timeline(events)) for events in histories]
        click.echo("\n\n".join(texts))
    for record in _undecided(ledger, shop, mode, name):
        click.echo(f"not decided yet: notification {record.id} ({record.reason})", err=True)


def _undecided(ledger: Ledger, shop: str, mode: str | None, name: str) -> list[InboxRecord]:
    with ledger.database.connect() as connection:
        modes = [Mode(mode)] if mode else MODES
        return [
            each for mode_ in modes for each in undecided_about(connection, shop, mode_, [name])
        ]


def _only_shop(ledger: Ledger) -> str:
    ids = list(ledger.shops.shop_by_id)
    if len(ids) != 1:
        raise click.UsageError("name the shop with --shop")
    return ids[0]
