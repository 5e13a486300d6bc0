"""How `ledger proof` is called."""

from pathlib import Path

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, LEDGER, DocumentedGroup
from ledger.cli.options import json_option

_FILE = click.Path(dir_okay=False, path_type=Path)
_KEY = (*DATABASE, "LEDGER_LOG_KEY_FILE")


@click.group(cls=DocumentedGroup, short_help=SHORT_HELPS["proof"])
def proof() -> None:
    """Prove what was recorded, and when, to people who do not trust this service."""


@proof.command(
    short_help="Make the key that signs the log; print its public half.",
    variables=_KEY,
    examples=("ledger proof init --origin ledger.example.com/boutique",),
)
@click.option("--origin", required=True, help="The name of the log, for ever: one word.")
def init(origin: str) -> None:
    """Make the key that signs the log, and print its public half.

    Give the printed line to every auditor on a way of its own, as on paper: whoever has it can
    check all that this log ever signs. There is one key, on one machine; keep a copy in a safe.
    """
    from ledger.cli.proof import make_key

    make_key(origin)


@proof.command(
    short_help="Say how long the log is, and when it was signed last.",
    variables=_KEY,
    examples=("ledger proof status", "ledger proof status --json"),
)
@json_option
def status(as_json: bool) -> None:
    """Say how long the log is, when it was signed last, and what is not in it yet."""
    from ledger.cli.proof import print_status

    print_status(as_json=as_json)


@proof.command(
    short_help="Write what is new into the log, sign it, print the checkpoint.",
    variables=(*LEDGER, "LEDGER_LOG_KEY_FILE"),
    examples=("ledger proof checkpoint > checkpoint",),
)
def checkpoint() -> None:
    """Write what is new into the log, sign it, and print the checkpoint.

    An auditor keeps the newest one: whatever is changed later contradicts it. A running service
    does this every ten seconds.
    """
    from ledger.cli.proof import print_checkpoint

    print_checkpoint()


@proof.command(
    short_help="Prove that the log has only grown since a kept checkpoint.",
    variables=_KEY,
    examples=("ledger proof consistency --from checkpoint > proof",),
)
@click.option(
    "--from", "kept", type=_FILE, required=True, help="The checkpoint that somebody has kept."
)
def consistency(kept: Path) -> None:
    """Prove that the log has only grown since a kept checkpoint.

    The command prints the newest checkpoint behind the hashes of the proof, one a line in base64.
    It exits 1 when the log is not the one that was signed then.
    """
    from ledger.cli.proof import print_consistency

    print_consistency(kept)


@proof.command(
    short_help="Write the whole log as tiles, for monitors of any make.",
    variables=DATABASE,
    examples=("ledger proof tiles --output log",),
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder that they are written to.",
)
def tiles(output: Path) -> None:
    """Write the whole log as tiles of the format tlog-tiles: its hashes, and its entries."""
    from ledger.cli.proof import write_tiles

    write_tiles(output)


@proof.command(
    short_help="Begin the log anew after a restore, and declare what was lost.",
    variables=(*LEDGER, "LEDGER_LOG_KEY_FILE"),
    examples=("ledger proof restart --reason 'restored the backup of last night'",),
)
@click.option("--reason", required=True, help="Why; it stands in the log for ever.")
def restart(reason: str) -> None:
    """Begin the log anew after a restore, and declare what was lost.

    A database that was put back from a copy lacks entries that were signed. The new log has the
    next name; its first entry holds the last checkpoint of the old one and how many entries both
    share, so that the loss itself is signed.
    """
    from ledger.cli.proof import restart_log

    restart_log(reason)
