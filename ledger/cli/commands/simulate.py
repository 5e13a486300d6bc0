"""How `ledger simulate` is called."""

from pathlib import Path
from typing import Any

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import Documented
from ledger.cli.options import json_option, shop_id_option
from ledger.ipn.modes import MODES
from ledger.simulator.signed_calls import ALTERNATE, FORMATS
from ledger.simulator.undelivered_calls import SOURCES_BY_RULE


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["simulate"],
    variables=("LEDGER_SHOPS_FILE", "LEDGER_TOKEN"),
    examples=(
        "ledger simulate --list",
        "ledger simulate --shop-id 12345678 --story payment-accepted",
        "ledger simulate --count 100 --rate 10 --connections 4 --seed 7",
        "ledger simulate --chaos --check --count 50",
        "ledger simulate --seed 5 --lose 0.1 --rule-off back-office --journals journals",
    ),
)
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The service.")
@click.option(
    "--story",
    "names",
    multiple=True,
    metavar="NAME",
    help="Play this story; may be given several times.  [default: all]",
)
@click.option("--list", "is_list", is_flag=True, help="List the stories and stop.")
@click.option(
    "--count", type=click.IntRange(min=1), help="Play so many lives.  [default: each story once]"
)
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), help="Notifications per second."
)
@click.option(
    "--seed", type=int, help="Repeat a run exactly.  [default: a random one, which is printed]"
)
@click.option(
    "--format",
    "format_choice",
    type=click.Choice(FORMATS),
    default=ALTERNATE,
    show_default=True,
    help="Format of the notifications.",
)
@shop_id_option("Send for this shop.  [default: the first with keys of the mode]")
@click.option(
    "--mode",
    type=click.Choice(MODES, case_sensitive=False),
    default="TEST",
    show_default=True,
    help="Send in this mode.",
)
@click.option(
    "--connections",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Send over so many connections at the same time.",
)
@click.option("--strict", "is_strict", is_flag=True, help="Send to /ipn/{shop}/{mode}.")
@click.option(
    "--chaos",
    "is_chaos",
    is_flag=True,
    help="Inject faults: lost, cut, late, duplicated and forged calls.",
)
@click.option(
    "--check", "is_check", is_flag=True, help="With --chaos: compare the ledger afterwards."
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --check: read the token of the query API here.  [default: LEDGER_TOKEN]",
)
@click.option(
    "--lose",
    "lost_share",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="SHARE",
    help="Do not send this share of the calls, as if they were lost.",
)
@click.option(
    "--rule-off",
    "rules_off",
    type=click.Choice(tuple(SOURCES_BY_RULE)),
    multiple=True,
    help="Do not send the calls of this rule; may be given several times.",
)
@click.option(
    "--journals",
    "journals_folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write the platform's files about these payments here.",
)
@json_option
@click.pass_context
def simulate(ctx: click.Context, /, **options: Any) -> None:
    """Play stories: send signed notifications of synthetic payments to a running service.

    The command prints a line for each notification: story, step, source, format, answer. It exits
    1 when an answer was not 200, 2 when a setting is wrong. It sends in PRODUCTION only when
    --mode says so. What the service records cannot be removed from its ledger.

    With --chaos it sends payments in both formats; calls are lost, cut, late, doubled, parallel
    and retried as the platform does, and some are signed with a key that the ledger does not have.
    It prints a line for each delivery. With --check a line for each discrepancy follows, and exit
    1 says that there is one.

    With --lose and --rule-off calls are kept back: the line of each says lost or rule off, and
    they are no reason to exit 1. With --journals the platform's files follow the run, a JT, JO,
    JRB, JRI and JAM for each UTC day, which list all payments, told or not. In TEST there are no
    JRI and JAM. JTs with columns that a merchant chose are in the folder customised; truth.json
    says of each payment whether a call about it was delivered.
    """
    from ledger.cli.simulate import list_stories, simulate_with

    is_chaos, format_choice = options["is_chaos"], options["format_choice"]
    if (options["is_check"] or options["token_file"]) and not is_chaos:
        raise click.UsageError("--check and --token-file need --chaos")
    if is_chaos and format_choice != ALTERNATE:
        raise click.UsageError("--chaos sends every payment in both formats")
    if is_chaos and (options["lost_share"] or options["rules_off"] or options["journals_folder"]):
        raise click.UsageError("--lose, --rule-off and --journals do not go with --chaos")
    if options.pop("is_list"):
        list_stories(as_json=options["as_json"])
        return
    ctx.exit(simulate_with(**options))
