"""How `ledger publish` is called."""

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, Documented

_POSITION = click.IntRange(min=1)


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["publish"],
    variables=(*DATABASE, "LEDGER_PUBLISH_TO", "LEDGER_PUBLISH_SECRET"),
    examples=(
        "ledger publish nats://127.0.0.1:4222",
        "ledger publish 'redis://127.0.0.1:6379/0?stream=payments' --once",
        "ledger publish https://hooks.example.com/ledger --name accounting",
        "ledger publish https://hooks.example.com/ledger --event 412",
    ),
)
@click.argument("destination", envvar="LEDGER_PUBLISH_TO")
@click.option(
    "--source",
    default="urn:ipn-ledger",
    show_default=True,
    help="The URI that names this ledger in each event.",
)
@click.option(
    "--name", help="What metrics and lists call it.  [default: its address, without a password]"
)
@click.option(
    "--from",
    "start",
    metavar="POSITION",
    type=_POSITION,
    help="The first event for a webhook that is new.  [default: 1]",
)
@click.option(
    "--event",
    "event_position",
    metavar="POSITION",
    type=_POSITION,
    help="Send this one event by webhook again, and end.",
)
@click.option("--once", "is_once", is_flag=True, help="End when everything is published.")
@click.option("--personal", "has_personal", is_flag=True, help="Include personal data.")
@click.pass_context
def publish(
    ctx: click.Context,
    /,
    destination: str,
    *,
    source: str,
    name: str | None,
    start: int | None,
    event_position: int | None,
    is_once: bool,
    has_personal: bool,
) -> None:
    """Publish every event to a stream of NATS JetStream or Redis, or by webhook, in order.

    Each event is a CloudEvent 1.0 in JSON, whose `id` is its position in this ledger. The command
    may be killed and started again at any time, and two of them at once do no harm.

    A stream gets each event exactly once: its own end says how far it has come. An address that
    begins with https gets each as a signed webhook (Standard Webhooks), the next one after it has
    answered the one before; it may get one twice, with the same `webhook-id`. The name is what its
    place is remembered by. An address with a password belongs into the environment.

    It goes on until SIGTERM, and tries again when the destination is away. A webhook that answers
    410, or fails for five days, is disabled until `ledger destinations enable`.
    """
    from ledger.cli.publish import Publication, publish_events

    publication = Publication(
        address=destination,
        source=source,
        name=name,
        start=start,
        event_position=event_position,
        is_once=is_once,
        has_personal=has_personal,
    )
    ctx.exit(publish_events(publication))
