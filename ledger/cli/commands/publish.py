"""How `ledger publish` is called."""

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, Documented


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["publish"],
    variables=(*DATABASE, "LEDGER_PUBLISH_TO"),
    examples=(
        "ledger publish nats://127.0.0.1:4222",
        "ledger publish 'redis://127.0.0.1:6379/0?stream=payments' --once",
    ),
)
@click.argument("destination", envvar="LEDGER_PUBLISH_TO")
@click.option(
    "--source",
    default="urn:ipn-ledger",
    show_default=True,
    help="The URI that names this ledger in each event.",
)
@click.option("--once", "is_once", is_flag=True, help="End when everything is published.")
@click.option("--personal", "has_personal", is_flag=True, help="Include personal data.")
@click.pass_context
def publish(
    ctx: click.Context, /, destination: str, *, source: str, is_once: bool, has_personal: bool
) -> None:
    """Publish every event to a stream of NATS JetStream or Redis, in order and exactly once.

    The stream's own end says how far it has come: the command may be killed and started again at
    any time, and two of them at once do no harm. Each event is a CloudEvent 1.0 in JSON, whose `id`
    is its position in this ledger. An address with a password belongs into the environment.

    It goes on until SIGTERM, and tries again when the destination is away.
    """
    from ledger.cli.publish import publish_events

    ctx.exit(publish_events(destination, source=source, is_once=is_once, has_personal=has_personal))
