"""What `ledger proof` does: it makes the log's key, signs, and prints what others can check."""

import base64
import os
from pathlib import Path

import click

from ledger.cli.invocation import open_ledger
from ledger.cli.key_files import own_signer
from ledger.cli.output import counted, echo_document
from ledger.errors import NotFoundError, SettingsError
from ledger.instants import utc_now, write_public_instant
from ledger.proof.checkpoints import refuse_unlike, sign_up_to_now
from ledger.proof.log_key import key_file, open_signer
from ledger.proof.note import Checkpoint, NoteError, parse_checkpoint
from ledger.proof.restart import restart_log as begin_next_log
from ledger.proof.signed_log import log_status, signed_log
from ledger.proof.signer import create_key
from ledger.proof.tiles import all_tiles
from ledger.settings import read_settings
from ledger.storage.database import Database


def make_key(origin: str) -> None:
    """Make the key of the log and print its public half."""
    settings = read_settings(os.environ)
    database = Database(settings.database_url)
    try:
        file = key_file(settings, database)
    finally:
        database.dispose()
    if file is None:
        raise SettingsError("LEDGER_LOG_KEY_FILE is not set: it names the file to be made")
    click.echo(create_key(file, origin).line)
    click.echo(
        f"made {file}: what it signs is remembered beside it; keep a copy in a safe", err=True
    )


def print_status(*, as_json: bool) -> None:
    """Print how long the log is, and what was signed of it."""
    ledger = open_ledger()
    signer = open_signer(ledger.settings, ledger.database)
    with ledger.database.connect() as connection:
        standing = log_status(connection)
    checkpoint, last = standing.checkpoint, None if signer is None else signer.last()
    document = {
        "origin": None if signer is None else signer.signing_key.name,
        "public_key": None if signer is None else signer.verifier.line,
        "size": standing.size,
        "waiting": standing.waiting,
        "signed_size": None if checkpoint is None else checkpoint.size,
        "signed_at": None if checkpoint is None else write_public_instant(checkpoint.signed_at),
        "remembered_size": None if last is None else last.size,
    }
    if as_json:
        echo_document(document)
        return
    for name, value in document.items():
        click.echo(f"{name:<16} {'-' if value is None else value}")


def print_checkpoint() -> None:
    """Write what is new into the log, sign it, and print the note."""
    ledger = open_ledger()
    note = sign_up_to_now(ledger.database, ledger.sealing, own_signer(ledger), utc_now)
    click.echo(note, nl=False)


def print_consistency(kept: Path) -> None:
    """Print the proof from a kept checkpoint to the newest one.

    Errors: NotFoundError; LogBehindError, LogForkedError.
    """
    old = read_kept(kept)
    ledger = open_ledger()
    with ledger.database.connect() as connection:
        signed = signed_log(connection)
        origin = parse_checkpoint(signed.checkpoint.note).origin
        if old.origin != origin:
            raise NotFoundError(f"it is of the log {old.origin}, and this one is {origin}")
        refuse_unlike(signed.log, signed.size, old)
        proof = signed.consistency(old.size, signed.size)
    for hash_ in proof:
        click.echo(base64.b64encode(hash_).decode())
    click.echo(f"\n{signed.checkpoint.note}", nl=False)


def read_kept(file: Path) -> Checkpoint:
    """Read a checkpoint that somebody has kept. Errors: SettingsError."""
    try:
        return parse_checkpoint(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"the checkpoint {file}: {error.strerror}") from error
    except (NoteError, UnicodeDecodeError) as error:
        raise SettingsError(f"the checkpoint {file} cannot be read: {error}") from error


def write_tiles(folder: Path) -> None:
    """Write all tiles of what was signed, and the checkpoint beside them."""
    ledger = open_ledger()
    with ledger.database.connect() as connection:
        signed = signed_log(connection)
        count = 0
        for path, content in all_tiles(signed.log, signed.size):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
            count += 1
    (folder / "checkpoint").write_text(signed.checkpoint.note, encoding="utf-8")
    tiles = counted(count, "tile")
    click.echo(f"{tiles} of {counted(signed.size, 'entry', 'entries')} in {folder}", err=True)


def restart_log(reason: str) -> None:
    """Begin the log anew after a restore and print its first checkpoint."""
    ledger = open_ledger()
    _, note = begin_next_log(ledger.database, own_signer(ledger), reason, utc_now())
    click.echo(note, nl=False)
