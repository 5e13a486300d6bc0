"""What `ledger publish` does: copies the log into a stream of an engine, and goes on with it."""

import signal
from contextlib import closing
from threading import Event

import click

from ledger.cli.access_notes import Read, note_reads
from ledger.cli.invocation import open_ledger
from ledger.cli.output import warn
from ledger.publishing.destination import DestinationError, open_destination
from ledger.publishing.publisher import Publisher

POLL_SECONDS = 1.0
PAUSE_SECONDS_MAX = 60.0


def publish_events(address: str, *, source: str, is_once: bool, has_personal: bool) -> int:
    """Publish what is new, and go on until SIGTERM unless only once; return the exit code.

    Errors: LedgerError; a destination that fails is tried again, unless it is only asked once.
    """
    stopped = Event()
    with closing(open_ledger()) as ledger, closing(open_destination(address)) as destination:
        if has_personal:
            note_reads(ledger, Read("publication"))
        publisher = Publisher(ledger, destination, source, has_personal)
        if is_once:
            _publish(publisher)
            return 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        _follow(publisher, stopped)
    return 0


def _publish(publisher: Publisher) -> None:
    for reached in publisher.pages():
        click.echo(f"published up to position {reached}", err=True)


def _follow(publisher: Publisher, stopped: Event) -> None:
    pause = POLL_SECONDS
    while not stopped.wait(pause):
        try:
            _publish(publisher)
        except DestinationError as error:
            pause = min(2 * pause, PAUSE_SECONDS_MAX)
            warn(f"{error}; again in {pause:.0f} s")
        else:
            pause = POLL_SECONDS
