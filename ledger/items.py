"""The public shape of one transaction, alias or subscription, from its events alone."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ledger.aggregates.alias import Alias
from ledger.aggregates.observed import Observed
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.formats.snapshot import (
    ALIAS_FACTS,
    INSTALMENT_FACTS,
    SUBSCRIPTION_FACTS,
    TRANSACTION_FACTS,
    Fact,
)
from ledger.storage.event_store import RecordedEvent, fold

Item = dict[str, Any]


def item(events: Sequence[RecordedEvent]) -> Item:
    """The state after these events. Shape: design section 4; instants are ISO 8601 text in UTC."""
    aggregate = fold(events)
    assert aggregate is not None, "an item needs at least one event"
    return {
        "kind": aggregate.KIND,
        "shop_id": aggregate.shop_id,
        "mode": aggregate.mode.lower(),
        **public_state(aggregate),
        "version": aggregate.version,
        "first_seen_at": instant(events[0].event.timestamp),
        "last_changed_at": instant(events[-1].event.timestamp),
        "contradictions": sum(one.event.contradiction for one in events),
        "details": _latest(events, "details"),
        "personal": _latest(events, "personal"),
    }


def public_state(aggregate: Observed) -> Item:
    """What is known about it, by public names; None for what was never told."""
    if isinstance(aggregate, Transaction):
        return {
            "uuid": aggregate.uuid,
            "reference": aggregate.reference,
            **_all(TRANSACTION_FACTS, aggregate.facts),
        }
    if isinstance(aggregate, Alias):
        facts = _all(ALIAS_FACTS, aggregate.facts)
        return facts | {"alias": aggregate.reference, "status": aggregate.status}
    assert isinstance(aggregate, Subscription)
    return {
        **_all(SUBSCRIPTION_FACTS, aggregate.facts),
        "subscription_id": aggregate.subscription_id,
        "alias": aggregate.alias or None,
        "status": aggregate.status,
        "instalments": _instalments(aggregate),
    }


def _instalments(subscription: Subscription) -> list[Item]:
    told = [_all(INSTALMENT_FACTS, one) for one in subscription.instalments.values()]
    return sorted(told, key=lambda one: (one["created_at"] or "", one["transaction_uuid"]))


def _all(names: Mapping[str, str], facts: Mapping[str, Fact]) -> Item:
    return {name: facts.get(name) for name in names}


def _latest(events: Sequence[RecordedEvent], attribute: str) -> dict[str, str]:
    """The platform's other fields by their own names, each as it was last told in order."""
    told: dict[str, str] = {}
    for one in events:
        pairs = getattr(one.event, attribute) or []
        told.update((name, value) for name, value in pairs if not (one.event.late and name in told))
    return told


def instant(moment: datetime) -> str:
    """Write an instant for a machine. Shape: `2026-03-10T09:15:47.123456Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
