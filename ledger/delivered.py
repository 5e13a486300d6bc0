"""One delivery in full: its body made readable, and what it is about."""

import json
from dataclasses import dataclass
from typing import NamedTuple

from ledger.application import Ledger
from ledger.errors import NotificationError
from ledger.evidence import event_at
from ledger.formats import read_trusted
from ledger.notification import Limits, Proof, read_fields
from ledger.recording.rows import delivery_of
from ledger.signature import digest
from ledger.storage.event_store import RecordedEvent
from ledger.storage.journal import JournalRow

EVENTS_MAX = 100


class Name(NamedTuple):
    """Something that a delivery is about."""

    kind: str
    name: str
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A raw body for a person. Shape: `fields` are decoded, in wire order, empty when the body is
    no form; `answers` are those of them that hold JSON, indented, by name."""

    text: str
    size: int
    fields: dict[str, str]
    answers: dict[str, str]
    is_digest_same: bool


def readable(ledger: Ledger, row: JournalRow) -> Body:
    """The body of a delivery that was read with it."""
    raw = row.body or b""
    try:
        fields = read_fields(delivery_of(row), _limits(ledger))
    except NotificationError:
        fields = {}
    found = {name: _indented(value) for name, value in fields.items()}
    answers = {name: told for name, told in found.items() if told is not None}
    return Body(
        raw.decode("utf-8", "replace"), len(raw), fields, answers, digest(raw) == row.digest
    )


def subjects(ledger: Ledger, row: JournalRow) -> list[Name]:
    """What a verified delivery names: transactions, aliases, subscriptions."""
    if row.key_fingerprint is None or row.signed_digest is None:
        return []
    proof = Proof(row.key_fingerprint, row.signed_digest)
    try:
        _, told = read_trusted(delivery_of(row), proof, _limits(ledger))
    except NotificationError:  # code that reads more strictly than that of then
        return []
    return [
        *(Name("transaction", one.uuid or one.reference) for one in told.transactions),
        *(Name("alias", one.alias) for one in told.aliases),
        *(Name("subscription", one.subscription_id, one.alias) for one in told.subscriptions),
    ]


def caused(ledger: Ledger, row: JournalRow) -> list[RecordedEvent]:
    """The events that a delivery brought, the first of very many."""
    return [event_at(ledger, position) for position in row.positions[:EVENTS_MAX]]


def _limits(ledger: Ledger) -> Limits:
    return Limits(ledger.settings.fields_max, ledger.settings.json_depth_max)


def _indented(value: str) -> str | None:
    """JSON as a person reads it; None for what is none."""
    if not value.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.dumps(json.loads(value), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
