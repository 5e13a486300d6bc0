"""Reads what a delivery says about people: its body or, once that has expired, what events keep."""

from collections.abc import Iterator

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.application import Ledger
from ledger.errors import MalformedNotificationError
from ledger.ipn.delivery import read_fields
from ledger.ipn.platform_answers import NAME as ANSWER
from ledger.ipn.platform_answers import read_envelope
from ledger.ipn.rest_v4_json import flatten, parse_answer
from ledger.ipn.snapshots import TransactionSnapshot
from ledger.privacy.identifiers import (
    Identifier,
    Scalars,
    identifiers_of_cards,
    identifiers_of_fields,
)
from ledger.queries.evidence import caused, content_of
from ledger.queries.readable import readable_events
from ledger.recording.inbox_rows import delivery_of
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome, Sealed


def scalars_of(ledger: Ledger, record: InboxRecord) -> Scalars:
    """Return every text of an opened delivery by its name; none once all of it was erased.

    Errors: MalformedNotificationError, also for a body that cannot be opened though it should.
    """
    if record.sealed == Sealed.ERASED:
        return [text for event in own_events(ledger, record) for text in _pairs(event)]
    if record.body is None:
        raise MalformedNotificationError("sealed", "the body cannot be opened")
    if record.format == ANSWER:
        return flatten(read_envelope(record.body, ledger.limits).answer)
    fields = read_fields(delivery_of(record), ledger.limits)
    if "kr-answer" not in fields:
        return list(fields.items())
    return flatten(parse_answer(fields["kr-answer"], ledger.limits.json_depth_max))


def identifiers_in(ledger: Ledger, record: InboxRecord) -> set[Identifier]:
    """Return what identifies persons in an opened delivery.

    Shape: the ends of cards only of what was decided. Errors: MalformedNotificationError.
    """
    identifiers = set(identifiers_of_fields(scalars_of(ledger, record)))
    if record.sealed == Sealed.ERASED:
        for event in own_events(ledger, record):
            identifiers.update(identifiers_of_cards(event.facts, _pairs(event)))
    for transaction in _transactions_in(ledger, record):
        identifiers.update(identifiers_of_cards(transaction.facts, transaction.personal))
    return identifiers


def own_events(ledger: Ledger, record: InboxRecord) -> list[LedgerAggregate.Event]:
    """Return the opened events that a delivery made; a repeat made none."""
    if record.outcome != Outcome.RECORDED:
        return []
    return [recorded.event for recorded in readable_events(ledger, caused(ledger, record))]


def _pairs(event: LedgerAggregate.Event) -> Iterator[list[str]]:
    yield from event.details or ()
    yield from event.personal or ()


def _transactions_in(ledger: Ledger, record: InboxRecord) -> tuple[TransactionSnapshot, ...]:
    content = content_of(ledger, record)
    return () if content is None else content.transactions
