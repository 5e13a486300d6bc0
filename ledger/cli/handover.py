"""What `ledger proof handover` does: another key signs, and a bundle says so to auditors."""

from contextlib import closing
from pathlib import Path

import click

from ledger.cli.bundle import write_file
from ledger.cli.invocation import open_ledger
from ledger.cli.key_files import own_signer
from ledger.errors import SettingsError
from ledger.instants import utc_now
from ledger.proof.bundle import bundle_files, zipped
from ledger.proof.handover import hand_over, handover_bundle
from ledger.proof.signer import LogSigner, create_key


def hand_over_to(new_file: Path, output: Path | None) -> None:
    """Let the key of a file sign from now on; make it where there is none, and print its line.

    Errors: SettingsError; those of handing over.
    """
    with closing(open_ledger()) as ledger:
        signer = own_signer(ledger)
        if new_file.resolve() == signer.file.resolve():
            raise SettingsError(f"{new_file} is the log key itself: name another file")
        if not new_file.exists():
            create_key(new_file, signer.signing_key.name)
        new_key = LogSigner.open(new_file).signing_key
        following = hand_over(ledger.database, ledger.sealing, signer, new_key, utc_now)
        with ledger.database.connect() as connection:
            bundle = handover_bundle(connection, following.verifier)
    bundle_file = output or Path(f"{bundle.name}.zip")
    write_file(bundle_file, zipped(bundle_files(bundle, facts_only=True)))
    click.echo(following.verifier.line)
    click.echo(
        f"{signer.file} holds the new key now; keep {new_file} in a safe, and destroy all copies of"
        f" the old key. Give the new line to whoever has the old one, with {bundle_file}:"
        " its check.sh proves with the old key that it has named the new one",
        err=True,
    )
