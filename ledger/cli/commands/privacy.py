"""How `ledger privacy` is called."""

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.commands import erasures
from ledger.cli.documented import DATABASE, DocumentedGroup

_KEYS = (*DATABASE, "LEDGER_MASTER_KEYS_FILE")


@click.group(cls=DocumentedGroup, short_help=SHORT_HELPS["privacy"])
def privacy() -> None:
    """Keep what is about people under keys that can be destroyed."""


for command in erasures.COMMANDS:
    privacy.add_command(command)


@privacy.group(cls=DocumentedGroup, short_help="Make, change and destroy the master keys.")
def keys() -> None:
    """Make, change and destroy the master keys, which lock the secrets of all that is sealed."""


@keys.command(
    short_help="Make the file of master keys.",
    variables=_KEYS,
    examples=("ledger privacy keys init",),
)
def init() -> None:
    """Make the file of master keys, with one key, readable by you alone.

    Keep a copy where no copy of the database is: without it nothing about a person can be read
    again.
    """
    from ledger.cli.privacy import make_master_keys

    make_master_keys()


@keys.command(
    short_help="Add a master key, and lock every secret under it.",
    variables=_KEYS,
    examples=("ledger privacy keys rotate",),
)
def rotate() -> None:
    """Add a master key, and lock every secret under it.

    Run it as the owner of the tables, once a month; nothing is received for the seconds that it
    takes. Copies of the database from before can only be read with the old key: destroy that one
    when no such copy is needed any more.
    """
    from ledger.cli.privacy import rotate_master_keys

    rotate_master_keys()


@keys.command(
    short_help="Destroy a master key that locks nothing any more.",
    variables=_KEYS,
    examples=("ledger privacy keys destroy 2026-10-01",),
)
@click.argument("key_id", metavar="ID")
def destroy(key_id: str) -> None:
    """Destroy a master key that locks nothing any more.

    What was erased before the key was changed cannot be read from any copy of the database after
    this, nor can anything else in such a copy that is about a person.
    """
    from ledger.cli.privacy import destroy_master_key

    destroy_master_key(key_id)
