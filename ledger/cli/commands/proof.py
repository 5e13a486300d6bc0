"""How `ledger proof` is called."""

from pathlib import Path

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, LEDGER, DocumentedGroup
from ledger.cli.options import json_option, mode_option, shop_id_option
from ledger.ipn.kinds import KINDS

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
    short_help="Write the evidence of one payment, for others to check without us.",
    variables=(*LEDGER, "LEDGER_LOG_KEY_FILE"),
    examples=(
        "ledger proof bundle transaction 6c7c2a4b0f6e4d0f8a6a5b1c2d3e4f50 --mode test",
        "ledger proof bundle order CMD-2026-0001 --mode production --facts-only",
    ),
)
@click.argument("kind", type=click.Choice([*KINDS, "order"]))
@click.argument("name", metavar="ID")
@shop_id_option("Shop id; may be left out when there is only one shop.")
@mode_option(required=True, help="The mode that it is of.")
@click.option("--alias", help="Which subscription, when several have this id.")
@click.option("--facts-only", is_flag=True, help="Leave raw bodies and personal data out.")
@click.option(
    "-o", "--output", type=_FILE, help="The zip file to write.  [default: named after the object]"
)
def bundle(
    kind: str,
    name: str,
    shop_id: str | None,
    mode: str,
    alias: str | None,
    facts_only: bool,
    output: Path | None,
) -> None:
    """Write the evidence of one payment, order, alias or subscription to a zip file.

    In it are all entries of the log behind the object with their proofs, what they are about, a
    history to print, and a short script that checks it all with sh and OpenSSL alone.
    """
    from ledger.cli.bundle import write_bundle

    write_bundle(
        kind,
        name,
        shop_id=shop_id,
        mode=mode,
        alias=alias,
        facts_only=facts_only,
        output=output,
    )


@proof.command(
    short_help="Have an outside authority stamp the newest checkpoint.",
    variables=(*DATABASE, "LEDGER_TSA_URL", "LEDGER_TSA_CERTIFICATES_FILE"),
    examples=(
        "ledger proof timestamp",
        "ledger proof timestamp --query checkpoint.tsq",
        "ledger proof timestamp --reply checkpoint.tsr",
    ),
)
@click.option("--query", "query_file", type=_FILE, help="Write what to ask; ask nobody.")
@click.option("--reply", "reply_file", type=_FILE, help="Keep the answer to such a query.")
def timestamp(query_file: Path | None, reply_file: Path | None) -> None:
    """Have an outside authority (RFC 3161) say since when the log has been as it is.

    The authority sees a hash and nothing else. Without a network, write a query, have it answered
    elsewhere, and keep the reply. A running service asks every day.
    """
    from ledger.cli.bundle import read_reply, stamp, write_query

    if query_file is not None and reply_file is not None:
        raise click.UsageError("--query writes what --reply answers: give one of them")
    if query_file is not None:
        write_query(query_file)
    elif reply_file is not None:
        read_reply(reply_file)
    else:
        stamp()


@proof.command(
    short_help="Let another key sign the log from now on.",
    variables=(*LEDGER, "LEDGER_LOG_KEY_FILE"),
    examples=("ledger proof handover --to new-log-key",),
)
@click.option(
    "--to",
    "new_file",
    type=_FILE,
    required=True,
    help="The file of the new key; it is made where there is none.",
)
@click.option(
    "-o", "--output", type=_FILE, help="The bundle to write.  [default: named after the handover]"
)
def handover(new_file: Path, output: Path | None) -> None:
    """Let another key sign the log from now on, and print its public half.

    The log gets an entry that names both keys, the old key signs it, and the new one takes its
    place in LEDGER_LOG_KEY_FILE. A bundle proves that to whoever has the old key. Cut off anywhere,
    the same command finishes it. A running service goes on with the new key.
    """
    from ledger.cli.handover import hand_over_to

    hand_over_to(new_file, output)


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
