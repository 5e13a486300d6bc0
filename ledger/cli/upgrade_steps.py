"""The order of an upgrade in which nobody notices it, told by each command for what comes next."""

from collections.abc import Iterator, Sequence

import click
from sqlalchemy import Connection

from ledger.cli.shop_findings import OK, Finding
from ledger.projections.engine.generations import LIVE, all_generations
from ledger.projections.engine.leases import is_leased

REBUILD = "`ledger rebuild` with this version, while servers of the old one go on"
ROLL = (
    "start servers of this version and stop the old ones, one after the other; a new one may"
    " receive at once, and people read there when /readyz/pages says 200"
)
PRUNE = "`ledger projections prune`, when you will not go back"


def echo_next(*steps: str) -> None:
    """Print what comes next, in its order, to standard error."""
    if steps:
        click.echo("next, in this order:", err=True)
    for number, step in enumerate(steps, start=1):
        click.echo(f"  {number}. {step}", err=True)


def other_versions(connection: Connection) -> tuple[list[str], list[str]]:
    """Name the read models that other code has built: those that it follows, and those left."""
    generations = [
        generation
        for generation in all_generations(connection, state=LIVE)
        if not generation.is_current
    ]
    followed = [each.name for each in generations if is_leased(connection, each.lease_name)]
    return followed, [each.name for each in generations if each.name not in followed]


def upgrade_findings(connection: Connection, stale: Sequence[str]) -> Iterator[Finding]:
    """Report how far an upgrade is that has begun, and what comes next."""
    followed, left = other_versions(connection)
    if stale:
        yield Finding(OK, "upgrade", f"next: {REBUILD}; then {ROLL}")
    elif followed:
        names = ", ".join(followed)
        message = f"servers of another version run, and follow {names}; next: {ROLL}; then {PRUNE}"
        yield Finding(OK, "upgrade", message)
    elif left:
        message = f"read models of another version are left, which nobody follows; next: {PRUNE}"
        yield Finding(OK, "upgrade", message)
