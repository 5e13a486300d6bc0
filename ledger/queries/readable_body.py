"""Shows one delivery in full: its body made readable, and what it is about."""

import json
from dataclasses import dataclass
from typing import NamedTuple

from ledger.application import Ledger
from ledger.errors import NotificationError
from ledger.ipn.delivery import Limits, read_fields
from ledger.ipn.kinds import Kind
from ledger.ipn.parse import read_trusted
from ledger.ipn.signature import digest
from ledger.queries.evidence import event_at
from ledger.recording.inbox_rows import delivery_of
from ledger.storage.event_store import RecordedEvent
from ledger.storage.inbox import InboxRecord

EVENTS_MAX = 100


class Name(NamedTuple):
    """An object that a delivery is about."""

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


def readable(ledger: Ledger, row: InboxRecord) -> Body:
    """Return the body of a delivery in a form that a person can read."""
    raw = row.body or b""
    try:
        fields = read_fields(delivery_of(row), _limits(ledger))
    except NotificationError:
        fields = {}
    answers = {
        name: indented
        for name, text in fields.items()
        if (indented := _indented_json(text)) is not None
    }
    return Body(
        raw.decode("utf-8", "replace"), len(raw), fields, answers, digest(raw) == row.digest
    )


def subjects(ledger: Ledger, row: InboxRecord) -> list[Name]:
    """Return the transactions, aliases and subscriptions that a verified delivery names."""
    if row.key_fingerprint is None or row.signed_digest is None:
        return []
    proof = row.key_fingerprint, row.signed_digest
    try:
        _, content = read_trusted(delivery_of(row), *proof, _limits(ledger))
    except NotificationError:  # code that reads more strictly than that of then
        return []
    return [
        *(Name(Kind.TRANSACTION, sale.uuid or sale.reference) for sale in content.transactions),
        *(Name(Kind.ALIAS, alias.alias) for alias in content.aliases),
        *(
            Name(Kind.SUBSCRIPTION, plan.subscription_id, plan.alias)
            for plan in content.subscriptions
        ),
    ]


def caused(ledger: Ledger, row: InboxRecord) -> list[RecordedEvent]:
    """Return the events that a delivery caused; of very many, the first."""
    return [event_at(ledger, position) for position in row.positions[:EVENTS_MAX]]


def _limits(ledger: Ledger) -> Limits:
    return Limits(ledger.settings.fields_max, ledger.settings.json_depth_max)


def _indented_json(text: str) -> str | None:
    """Indent JSON for a person; return None for text that is no JSON."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
