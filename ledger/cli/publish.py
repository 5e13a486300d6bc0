"""What `ledger publish` does: copies the log to a destination, and goes on with it."""

import os
import signal
from contextlib import ExitStack, closing
from dataclasses import dataclass
from threading import Event

import click
import structlog

from ledger.application import Ledger
from ledger.cli.access_notes import Read, note_reads
from ledger.cli.invocation import open_ledger
from ledger.errors import SettingsError
from ledger.operations import logs
from ledger.publishing.destination import (
    Address,
    Destination,
    DestinationDisabledError,
    DestinationError,
    open_engine,
    read_address,
)
from ledger.publishing.endpoint import Endpoint
from ledger.publishing.publisher import Publisher
from ledger.setting_texts import webhook_secret, words

POLL_SECONDS = 1.0
PAUSE_SECONDS_MAX = 60.0
SECRET = "LEDGER_PUBLISH_SECRET"  # noqa: S105  its name

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Publication:
    """What was asked for. Shape: `event_position` is the one event to be sent again, if any."""

    address: str
    source: str
    name: str | None = None
    start: int | None = None
    event_position: int | None = None
    is_once: bool = False
    has_personal: bool = False


def publish_events(publication: Publication) -> int:
    """Publish what is new, and go on until SIGTERM unless only once; return the exit code.

    Errors: LedgerError; a destination that fails is tried again, unless it is only asked once.
    """
    address = read_address(publication.address, publication.name)
    of_webhooks = publication.start or publication.event_position
    if of_webhooks and not address.is_webhook:
        raise click.UsageError("a stream says itself how far it has come: only webhooks go back")
    stopped = Event()
    with ExitStack() as stack:
        ledger = stack.enter_context(closing(open_ledger()))
        destination = _open(ledger, address, publication, stopped)
        stack.enter_context(closing(destination))
        publisher = Publisher(
            ledger, destination, address.name, publication.source, publication.has_personal
        )
        if publication.has_personal:
            note_reads(ledger, Read("publication"))
        if publication.event_position and isinstance(destination, Endpoint):
            destination.send_again(publisher.message_at(publication.event_position))
            click.echo(f"sent position {publication.event_position} again", err=True)
            return 0
        publisher.begin(start=(publication.start or 1) - 1)
        if publication.is_once:
            for reached in publisher.pages():
                click.echo(f"published up to position {reached}", err=True)
            return 0
        logs.configure(ledger.settings.log_format, ledger.settings.log_level)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        _follow(publisher, stopped)
    return 0


def _open(
    ledger: Ledger, address: Address, publication: Publication, stopped: Event
) -> Destination:
    """Return the destination. Errors: SettingsError for a webhook that nothing would sign."""
    if not address.is_webhook:
        return open_engine(address)
    try:
        secrets = words(webhook_secret)(os.environ.get(SECRET, ""))
    except ValueError:
        raise SettingsError(f"{SECRET} must be whsec_ and 24 to 64 bytes in base64") from None
    if not secrets:
        raise SettingsError(f"set {SECRET}, by which a receiver knows who sent an event")
    return Endpoint(
        ledger.database,
        address.name,
        address.url,
        secrets,
        is_patient=not publication.is_once,
        is_stopped=stopped.is_set,
    )


def _follow(publisher: Publisher, stopped: Event) -> None:
    pause, said = POLL_SECONDS, ""
    while not stopped.wait(pause):
        try:
            for reached in publisher.pages():
                _log.info("publishing.reached", destination=publisher.name, position=reached)
                if stopped.is_set():
                    return
        except DestinationError as error:
            pause = min(2 * pause, PAUSE_SECONDS_MAX)
            reason = str(error)
            if reason == said:
                continue  # once, however often it is looked at
            said = reason
            if isinstance(error, DestinationDisabledError):
                _log.warning("publishing.disabled", destination=publisher.name, reason=reason)
            else:
                _log.warning("publishing.failed", destination=publisher.name, reason=reason)
        else:
            pause, said = POLL_SECONDS, ""
