"""How `ledger destinations` is called."""

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, DocumentedGroup
from ledger.cli.options import json_lines_option


@click.group(cls=DocumentedGroup, short_help=SHORT_HELPS["destinations"])
def destinations() -> None:
    """List where events are published to, send them again, enable what was disabled.

    A command that publishes follows what is decided here within a minute, without a restart.
    """


@destinations.command(
    "list",
    short_help="List destinations and how far each has come.",
    variables=DATABASE,
    examples=("ledger destinations list", "ledger destinations list --json"),
)
@json_lines_option
def list_(as_json: bool) -> None:
    """List every destination that was published to.

    The columns are state, position, events behind, failures since the last success, whether
    personal data is sent, name, and why it last failed.
    """
    from ledger.cli.destinations import print_destinations

    print_destinations(as_json=as_json)


@destinations.command(
    short_help="Let a disabled or failing webhook be tried again at once.",
    variables=DATABASE,
    examples=("ledger destinations enable accounting",),
)
@click.argument("name")
def enable(name: str) -> None:
    """Let a webhook that is disabled, or waits after failures, go on at once.

    It goes on behind the last event that was taken; nothing was lost meanwhile.
    """
    from ledger.cli.destinations import decide
    from ledger.publishing.standing import enable

    decide(name, lambda connection: enable(connection, name), "enabled")


@destinations.command(
    short_help="Send events by webhook again, from a position.",
    variables=DATABASE,
    examples=("ledger destinations replay accounting --from 1200",),
)
@click.argument("name")
@click.option(
    "--from",
    "position",
    metavar="POSITION",
    type=click.IntRange(min=1),
    required=True,
    help="The event that is sent next.",
)
def replay(name: str, position: int) -> None:
    """Send the event at a position next, and all that follow it, by webhook.

    A position ahead of where it stands passes over what is between: so one event that a receiver
    never takes can be left out. The next start of a stream notes where that really ends.
    """
    from ledger.cli.destinations import decide
    from ledger.publishing.standing import replay

    decide(name, lambda connection: replay(connection, name, position), f"next is {position}")


@destinations.command(
    short_help="Forget a destination that nobody publishes to any more.",
    variables=DATABASE,
    examples=("ledger destinations forget accounting",),
)
@click.argument("name")
def forget(name: str) -> None:
    """Forget a destination, so that its lag is not watched any more; a stream keeps its events."""
    from ledger.cli.destinations import decide
    from ledger.publishing.standing import forget

    decide(name, lambda connection: forget(connection, name), "forgotten")
