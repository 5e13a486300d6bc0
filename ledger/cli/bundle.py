"""What `ledger proof bundle` and `ledger proof timestamp` do."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from ledger.application import Ledger
from ledger.cli.access_notes import Read, note_reads
from ledger.cli.invocation import only_shop, open_ledger
from ledger.cli.output import counted
from ledger.errors import SettingsError
from ledger.instants import utc_now
from ledger.proof.bundle import bundle_files, zipped
from ledger.proof.checkpoints import sign_up_to_now
from ledger.proof.collect import bundle_name, bundle_of, named_for_filing, streams_of
from ledger.proof.log_key import open_signer
from ledger.proof.stamping import (
    StoredTimestamp,
    keep_reply,
    newest_signed,
    read_authority,
    stamp_checkpoint,
)
from ledger.proof.timestamps import REPLY_BYTES_MAX, query
from ledger.queries.notes import (
    Note,
    notes_about,
    stream_of_order,
    streams_with_notes,
)
from ledger.storage.event_store import RecordedEvent


def write_bundle(
    kind: str,
    name: str,
    *,
    shop_id: str | None,
    mode: str,
    alias: str | None,
    facts_only: bool,
    output: Path | None,
) -> None:
    """Write the evidence bundle of an object to a zip file."""
    ledger = open_ledger()
    shop = shop_id or only_shop(ledger)
    signer = open_signer(ledger.settings, ledger.database)
    if signer is not None:  # where there is no key, the service that has it signs
        sign_up_to_now(ledger.database, ledger.sealing, signer, utc_now)
    streams = streams_of(ledger, kind, shop, mode, name, alias=alias)
    title = bundle_name(kind, name)
    order = stream_of_order(kind, shop, mode, name)
    notes = [] if facts_only else notes_about(ledger, streams_with_notes(streams, order))
    unnamed = bundle_of(ledger, title, streams, order_stream_id=order)
    pages = _pages(ledger, title, streams, unnamed.checkpoint, notes)
    bundle = replace(named_for_filing(ledger, unnamed, shop, mode), pages=pages)
    if not facts_only:
        note_reads(ledger, Read(f"{kind}-bundle", name, shop, mode))
    file = output or Path(f"{bundle.name}.zip")
    write_file(file, zipped(bundle_files(bundle, facts_only=facts_only)))
    entries = counted(len(bundle.origins), "entry", "entries")
    click.echo(f"{file}: {entries} of the log {bundle.checkpoint.partition(chr(10))[0]}")
    if not facts_only:
        click.echo("it holds personal data; --facts-only leaves them out", err=True)


def stamp() -> None:
    """Have the newest checkpoint stamped, and print when that was."""
    ledger = open_ledger()
    url = ledger.settings.tsa_url
    if not url:
        raise SettingsError(
            "LEDGER_TSA_URL is not set; or use --query and --reply, without a network"
        )
    authority = read_authority(ledger.settings)
    _echo(stamp_checkpoint(ledger.database, url, authority, utc_now()))


def write_query(file: Path) -> None:
    """Write what to ask an authority about the newest checkpoint."""
    write_file(file, query(newest_signed(open_ledger().database).note))
    click.echo(f"{file}: send it to an authority, and keep its reply with --reply", err=True)


def read_reply(file: Path) -> None:
    """Keep what an authority has answered. Errors: TimestampError."""
    ledger = open_ledger()
    try:
        with file.open("rb") as opened:
            reply = opened.read(REPLY_BYTES_MAX + 1)
    except OSError as error:
        raise SettingsError(f"the reply {file}: {error.strerror}") from error
    _echo(keep_reply(ledger.database, reply, read_authority(ledger.settings), utc_now()))


def _echo(stored_stamp: StoredTimestamp) -> None:
    at = stored_stamp.stamped_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    entries = counted(stored_stamp.checkpoint.size, "entry", "entries")
    click.echo(f"stamped {at}: the checkpoint of {entries}")


def _pages(
    ledger: Ledger,
    title: str,
    streams: Sequence[Sequence[RecordedEvent]],
    checkpoint: str,
    notes: Sequence[Note],
) -> dict[str, bytes]:
    from web import create_app
    from web.pages.printed_history import printed_histories

    app = create_app(ledger.settings, ledger)
    with app.test_request_context():
        return printed_histories(title, streams, checkpoint, notes)


def write_file(file: Path, content: bytes) -> None:
    """Write what a command was to write. Errors: SettingsError."""
    try:
        file.write_bytes(content)
    except OSError as error:
        raise SettingsError(f"{file} cannot be written: {error.strerror}") from error
