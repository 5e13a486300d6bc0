"""What `ledger history` prints: the timeline of a transaction, alias or subscription."""

from contextlib import suppress
from datetime import datetime

import click

from ledger.application import Ledger
from ledger.cli.access_notes import Read, note_reads
from ledger.cli.invocation import only_shop, open_ledger
from ledger.cli.output import echo_document
from ledger.errors import NotFoundError
from ledger.ipn.lookalikes import printable
from ledger.ipn.modes import MODES, Mode
from ledger.queries.event_sentences import describe
from ledger.queries.find_by_name import events_known, find_streams
from ledger.queries.history import history_data, timeline
from ledger.queries.readable import readable_events
from ledger.queries.state import current_state
from ledger.queries.undecided import undecided_about
from ledger.storage.inbox import InboxRecord


def print_history(
    kind: str,
    name: str,
    *,
    shop_id: str | None,
    mode: str | None,
    as_of: datetime | None,
    as_json: bool,
) -> None:
    """Print every history of this name. Errors: NotFoundError."""
    ledger = open_ledger()
    shop = shop_id or only_shop(ledger)
    histories = []
    for mode_ in [Mode(mode)] if mode else MODES:
        for _, id_ in find_streams(ledger, kind, shop, mode_, name):
            with suppress(NotFoundError):
                known = events_known(ledger, id_, as_of=as_of)
                histories.append(readable_events(ledger, known))
    if not histories:
        names = ", ".join(record.id for record in _undecided(ledger, shop, mode, name))
        if names:
            raise NotFoundError(
                f"only undecided notifications name it: {names}; try `ledger notifications show ID`"
            )
        raise NotFoundError(f"no {kind} {printable(name)} in shop {shop}")
    modes = [Mode(events[0].event.mode).public for events in histories]
    note_reads(ledger, *(Read(f"{kind}-history", name, shop, each) for each in modes))
    if as_json:
        answers = [
            {"item": current_state(events), "events": list(map(history_data, timeline(events)))}
            for events in histories
        ]
        echo_document(answers[0] if len(answers) == 1 else answers)
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
