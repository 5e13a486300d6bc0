"""The state of one transaction, alias or subscription under its public names, from its events."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.alias import Alias
from ledger.aggregates.basis import ASKED, TOLD
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.instants import write_public_instant
from ledger.ipn.modes import Mode
from ledger.ipn.snapshots import (
    ALIAS_FACTS,
    INSTALMENT_FACTS,
    SUBSCRIPTION_FACTS,
    TRANSACTION_FACTS,
    Fact,
)
from ledger.storage.event_store import RecordedEvent, fold
from ledger.storage.outcomes import Sealed

State = dict[str, Any]

_WORST_FIRST = (
    Sealed.DAMAGED,
    Sealed.LOCKED,
    Sealed.ERASED,
    Sealed.CLOSED,
    Sealed.OPENED,
    Sealed.NOTHING,
)
"""What a state says of all that its events have sealed: that of the worst one."""


def current_state(events: Sequence[RecordedEvent]) -> State:
    """Return the state of an object after these events. Shape: instants are ISO 8601 in UTC."""
    aggregate = fold(events)
    assert aggregate is not None, "a state needs at least one event"
    counted = [each for each in events if aggregate.is_doubtful or each.event.doubtful is None]
    return {
        "kind": aggregate.KIND,
        "shop_id": aggregate.shop_id,
        "mode": Mode(aggregate.mode).public,
        "doubtful": aggregate.is_doubtful,
        "basis": ASKED if aggregate.unconfirmed else TOLD,
        "unconfirmed": sorted(aggregate.unconfirmed),
        **public_state(aggregate),
        "version": events[-1].version,
        "first_seen_at": write_public_instant(events[0].event.timestamp),
        "last_changed_at": write_public_instant(events[-1].event.timestamp),
        "contradictions": sum(recorded.event.contradiction for recorded in events),
        "late_news": sum(recorded.event.late for recorded in events),
        "details": _latest_pairs(counted, "details"),
        "personal": _latest_pairs(counted, "personal"),
        "sealed": min((recorded.sealed for recorded in events), key=_WORST_FIRST.index),
    }


def public_state(aggregate: LedgerAggregate) -> State:
    """Return what is known of an object; None for a fact that no notification had."""
    if isinstance(aggregate, Transaction):
        return {
            "uuid": aggregate.uuid,
            "reference": aggregate.uuid or aggregate.reference,
            **_all_facts(TRANSACTION_FACTS, aggregate.facts),
        }
    if isinstance(aggregate, Alias):
        facts = _all_facts(ALIAS_FACTS, aggregate.facts)
        return facts | {"alias": aggregate.reference, "status": aggregate.status}
    assert isinstance(aggregate, Subscription)
    return {
        **_all_facts(SUBSCRIPTION_FACTS, aggregate.facts),
        "subscription_id": aggregate.subscription_id,
        "alias": aggregate.alias or None,
        "status": aggregate.status,
        "instalments": in_order(
            _all_facts(INSTALMENT_FACTS, facts) for facts in aggregate.instalments.values()
        ),
    }


def in_order(instalments: Iterable[State]) -> list[State]:
    """Return instalments in the order of their attempts."""
    return sorted(
        instalments, key=lambda each: (each["created_at"] or "", each["transaction_uuid"])
    )


def _all_facts(meanings: Mapping[str, str], facts: Mapping[str, Fact]) -> State:
    return {name: facts.get(name) for name in meanings}


def _latest_pairs(events: Sequence[RecordedEvent], attribute: str) -> dict[str, str]:
    """Return the platform's other fields by their own names; late news replaces no value."""
    latest: dict[str, str] = {}
    for recorded in events:
        for name, text in getattr(recorded.event, attribute) or []:
            if not (recorded.event.late and name in latest):
                latest[name] = text
    return latest
