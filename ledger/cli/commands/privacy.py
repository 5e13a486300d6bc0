"""How `ledger privacy` is called."""

from typing import Any

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.commands import erasures
from ledger.cli.documented import DATABASE, DocumentedGroup
from ledger.cli.options import json_option
from ledger.cli.person_options import person_options

_KEYS = (*DATABASE, "LEDGER_MASTER_KEYS_FILE")


@click.group(cls=DocumentedGroup, short_help=SHORT_HELPS["privacy"])
def privacy() -> None:
    """Find what is stored about a person, and keep it under keys that can be destroyed."""


@privacy.command(
    short_help="Find all deliveries about a person.",
    variables=_KEYS,
    examples=(
        "ledger privacy find --email jo@example.org --shop 12345678 --mode production",
        "ledger privacy find --card-end 0055 --amount 12.34 EUR --shop 12345678 --mode test",
        "ledger privacy find --order CMD-7 --phone 01.99.00.42.17 --shop 12345678 --mode test",
    ),
)
@person_options
@json_option
def find(identifiers: Any, shop_id: str, mode: str, as_json: bool) -> None:
    """Find all deliveries of a shop and mode about a person.

    A delivery is found when it holds any of what is given; each option may be given several times
    but --card-end, which needs an amount or a day. The columns are id, time of arrival, by what it
    was found, and which objects it is about. How many each leads to, and which deliveries name
    several persons, is said on standard error. The access log has a line of it, with your name.
    """
    from ledger.cli.persons import print_found

    print_found(identifiers, shop_id, mode, as_json=as_json)


@privacy.command(
    short_help="Print all that is stored about a person.",
    variables=_KEYS,
    examples=(
        "ledger privacy export --email jo@example.org --shop 12345678 --mode production > jo.jsonl",
    ),
)
@person_options
def export(identifiers: Any, shop_id: str, mode: str) -> None:
    """Print all that is stored about a person, as JSON Lines: a document for each delivery.

    It has the delivery with all its times, its decoded fields, and the opened events that it caused
    or repeated. The options are those of `ledger privacy find`: look at what that finds first, so
    that nobody gets the data of another. The access log has a line of it, with your name.
    """
    from ledger.cli.persons import write_copy

    write_copy(identifiers, shop_id, mode)


@privacy.command(
    short_help="Make the index of persons anew.",
    variables=_KEYS,
    examples=("ledger privacy reindex",),
)
def reindex() -> None:
    """Make the index of persons anew, from the bodies of all deliveries.

    It is followed by itself; this is for an upgrade that recognises more, and for master keys that
    were missing for a while. Whoever looks for somebody meanwhile waits for it.
    """
    from ledger.cli.persons import rebuild_index

    rebuild_index()


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
