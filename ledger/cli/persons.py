"""What `ledger privacy find`, `export` and `reindex` do: they find persons, and note who looked."""

from collections.abc import Iterator
from contextlib import closing

import click

from ledger.application import Ledger
from ledger.cli.access_notes import NOT_FOUND, OK, Read, note_reads
from ledger.cli.invocation import open_ledger
from ledger.cli.output import counted, echo_document, echo_json_lines, echo_table, warn
from ledger.errors import NotFoundError
from ledger.instants import write_public_instant
from ledger.ipn.modes import Mode
from ledger.privacy.copy import copy_of, found_data
from ledger.privacy.find import Found, PersonMatch, find
from ledger.privacy.identifiers import Identifier, Identifiers
from ledger.privacy.persons import PersonIndex

COLUMNS = ("id", "received_at", "matched by", "about")


def print_found(identifiers: Identifiers, shop_id: str, mode: str, *, as_json: bool) -> None:
    """Print the deliveries that hold any of these identifiers. Errors: NotFoundError."""
    with closing(open_ledger()) as ledger:
        findings = _found(ledger, identifiers, shop_id, mode, is_copied=False)
    if as_json:
        echo_document(found_data(findings))
    else:
        echo_table(COLUMNS, map(_row, findings.matches))
    _say_how_many(findings)


def write_copy(identifiers: Identifiers, shop_id: str, mode: str) -> None:
    """Print all that is stored about these deliveries, a document a line. Errors: NotFoundError."""
    with closing(open_ledger()) as ledger:
        findings = _found(ledger, identifiers, shop_id, mode, is_copied=True)
        echo_json_lines(copy_of(ledger, findings))
    _say_how_many(findings)


def rebuild_index() -> None:
    """Make the index of persons anew."""
    with closing(open_ledger()) as ledger:
        PersonIndex(ledger).rebuild()


def _found(
    ledger: Ledger, identifiers: Identifiers, shop_id: str, mode: str, *, is_copied: bool
) -> Found:
    """Find, and note in the access log who looked, before anything is shown."""
    findings = find(ledger, identifiers, shop_id, Mode(mode))
    by_kind = dict.fromkeys(each.kind for each in findings.count_by_identifier)
    kinds = ", ".join(by_kind)  # and no value
    about = (shop_id, Mode(mode).public, OK if findings.matches else NOT_FOUND)
    copied = findings.origin_ids if is_copied else []
    note_reads(ledger, Read("person", kinds, *about), *(Read("raw", id_, *about) for id_ in copied))
    if not findings.matches:
        _warn_of_unreadable(findings)
        raise NotFoundError(f"nothing in shop {shop_id} ({mode.lower()}) is about this person")
    return findings


def _row(match: PersonMatch) -> tuple[object, ...]:
    about = ", ".join(f"{name.kind} {name.name}" for name in match.subjects)
    identifiers = ", ".join(map(_named, match.identifiers))
    return match.id, write_public_instant(match.received_at), identifiers, about


def _say_how_many(findings: Found) -> None:
    """Say what a person must look at before anything is given away or erased."""
    for identifier, count in findings.count_by_identifier.items():
        deliveries = counted(count, "delivery", "deliveries")
        click.echo(f"{_named(identifier)}: {deliveries}", err=True)
    several = list(_of_several(findings))
    if several:
        warn(f"these name several persons: look at them first: {', '.join(several)}")
    _warn_of_unreadable(findings)


def _of_several(findings: Found) -> Iterator[str]:
    return (match.id for match in findings.matches if match.has_several_persons)


def _warn_of_unreadable(findings: Found) -> None:
    if findings.unreadable:
        deliveries = counted(len(findings.unreadable), "delivery", "deliveries")
        warn(f"nobody can be found in {deliveries} that cannot be read")


def _named(identifier: Identifier) -> str:
    return f"{identifier.kind} {identifier.value}"
