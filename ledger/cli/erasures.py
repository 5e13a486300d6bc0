"""What `ledger privacy` does with data of people: it erases, holds, expires and certifies."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from ledger.application import Ledger
from ledger.cli.access_notes import user_name
from ledger.cli.invocation import open_ledger
from ledger.cli.key_files import own_signer
from ledger.cli.output import counted, echo_table
from ledger.errors import NotFoundError, SettingsError
from ledger.instants import utc_now, write_public_instant
from ledger.ipn.modes import Mode
from ledger.privacy.certificate import certificate, printable_certificate, read_certificate
from ledger.privacy.covering import cover
from ledger.privacy.erasure import Eraser
from ledger.privacy.find import find
from ledger.privacy.holds import add_hold, holds_at, release_hold
from ledger.privacy.identifiers import Identifiers
from ledger.privacy.preview import preview
from ledger.privacy.replay import replay
from ledger.privacy.retention import expire
from ledger.privacy.selection import Names, select_by_names
from ledger.proof.log_key import open_signer


def erase_by_names(
    shop_id: str,
    mode: str,
    wanted: Names,
    persons: Identifiers | None,
    *,
    reason: str,
    is_dry_run: bool,
    is_agreed: bool,
) -> None:
    """Show what would be erased, ask, and erase it. Errors: those of finding and of erasing.

    Shape: `persons` are who is to be found as well, None for nobody.
    """
    with closing(open_ledger(needs_shops=True)) as ledger:
        eraser = _eraser(ledger)
        if persons is not None:
            matching = find(ledger, persons, shop_id, Mode(mode)).origin_ids
            if not matching:
                raise NotFoundError("nothing of this shop and mode is about this person")
            wanted = replace(wanted, delivery_ids=[*wanted.delivery_ids, *matching])
        selection = select_by_names(ledger, shop_id, mode, wanted)
        for line in preview(ledger, selection, utc_now()).lines():
            click.echo(line)
        if is_dry_run:
            return
        eraser.refuse_held(selection)
        if not is_agreed:
            click.confirm("Destroy it for ever?", abort=True, err=True)
        done = eraser.erase(selection, reason=reason, by_whom=_operator())
    click.echo(f"erased {counted(len(done.selection.origin_ids), 'origin')}: erasure {done.id}")
    click.echo(f"keep its certificate elsewhere: `ledger privacy certificate {done.id}`", err=True)


def hold_transaction(
    shop_id: str, mode: str, reference: str, *, until: datetime | None, reason: str
) -> None:
    """Hold one transaction. Errors: NotFoundError."""
    with closing(open_ledger()) as ledger:
        hold = add_hold(
            ledger,
            shop_id=shop_id,
            mode=mode,
            reference=reference,
            until=until,
            reason=reason,
            by_whom=_operator(),
            now=utc_now(),
        )
    click.echo(hold.id)


def release_transaction(hold_id: str) -> None:
    """Release what a hold keeps. Errors: NotFoundError."""
    with closing(open_ledger()) as ledger:
        hold = release_hold(ledger, hold_id, by_whom=_operator(), now=utc_now())
    click.echo(f"transaction {hold.reference} is not held any more")


def print_holds() -> None:
    """Print what is held now."""
    with closing(open_ledger()) as ledger, ledger.database.connect() as connection:
        holds = holds_at(connection, utc_now())
    rows = [
        (
            hold.id,
            hold.shop_id,
            hold.mode,
            hold.reference,
            "" if hold.until is None else write_public_instant(hold.until),
            hold.reason,
            hold.by_whom,
        )
        for hold in holds
    ]
    echo_table(("id", "shop", "mode", "transaction", "until", "reason", "by"), rows)


def expire_by_age(*, is_dry_run: bool) -> None:
    """Destroy what has outlived its time, and let the log say so. Errors: those of signing."""
    with closing(open_ledger()) as ledger:
        expired = expire(ledger, utc_now(), is_dry_run=is_dry_run)
        echo_table(("class", "count"), sorted(expired.counts.items()))
        for hold in expired.held:
            click.echo(f"held: transaction {hold.reference} by {hold.id} ({hold.reason})", err=True)
        signer = open_signer(ledger.settings, ledger.database)
        if expired.id is not None and signer is not None:  # else the running service does it
            cover(ledger, signer, expired.id, now=utc_now)


def print_certificate(erasure_id: str, *, is_printable: bool) -> None:
    """Print the certificate of an erasure. Errors: NotFoundError."""
    with closing(open_ledger()) as ledger:
        note = certificate(ledger, own_signer(ledger), erasure_id)
    click.echo(printable_certificate(note) if is_printable else note, nl=is_printable)


def replay_certificates(files: Sequence[Path], *, is_agreed: bool) -> None:
    """Erase again what certificates say was erased. Errors: SettingsError; those of erasing."""
    with closing(open_ledger(needs_shops=True)) as ledger:
        signer = own_signer(ledger)
        documents = [read_certificate(_read(file), signer) for file in files]
        if not is_agreed:
            question = f"Destroy what {counted(len(files), 'certificate')} names?"
            click.confirm(question, abort=True, err=True)
        eraser = _eraser(ledger)
        for document in documents:
            done = replay(eraser, document, by_whom=_operator())
            result = "nothing is left of it" if done is None else f"erased again: erasure {done.id}"
            click.echo(f"{document['erasure']}\t{result}")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the certificate {file} cannot be read") from error


def _eraser(ledger: Ledger) -> Eraser:
    return Eraser(ledger, open_signer(ledger.settings, ledger.database))


def _operator() -> str:
    return f"{user_name()} (command line)"
