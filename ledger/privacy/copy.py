"""Writes out all that is stored about a person, readable, for whoever has asked for a copy.

Source: Regulation (EU) 2016/679, articles 15 and 20.
"""

import json
from collections.abc import Iterator
from typing import Any

from ledger.application import Ledger
from ledger.privacy.find import Found, FoundDelivery
from ledger.privacy.identifiers import Identifier
from ledger.queries.event_data import event_data
from ledger.queries.evidence import event_at, readable
from ledger.queries.notifications import notification_data
from ledger.queries.readable import find_delivery, readable_events
from ledger.storage.inbox import InboxRecord


def copy_of(ledger: Ledger, result: Found) -> Iterator[dict[str, Any]]:
    """Yield a document for each delivery that was found, in the order of arrival.

    Shape: what `found_delivery_data` says of it, `notification` with all its times, the decoded
    `fields` of its body (or its `text`, when it is no form), and the opened `events` that it
    caused or repeated. Card data is masked.
    """
    for delivery in result.deliveries:
        record = find_delivery(ledger, delivery.id)
        if record is not None:  # nothing leaves the inbox
            yield found_delivery_data(delivery) | _all_of(ledger, record)


def _all_of(ledger: Ledger, record: InboxRecord) -> dict[str, Any]:
    body = readable(ledger, record)
    answers = {name: json.loads(text) for name, text in body.answers.items()}
    events = readable_events(ledger, [event_at(ledger, place) for place in record.positions])
    return {
        "notification": notification_data(record),
        "sealed": record.sealed,
        "fields": {**body.fields, **answers},
        "text": None if body.fields else body.text,
        "events": list(map(event_data, events)),
    }


def found_data(result: Found) -> dict[str, Any]:
    """Describe what was found for a machine."""
    return {
        "shop_id": result.shop_id,
        "mode": result.mode.lower(),
        "identifiers": [
            _identifier(each) | {"deliveries": count} for each, count in result.counts.items()
        ],
        "deliveries": list(map(found_delivery_data, result.deliveries)),
        "unreadable": result.unreadable,
    }


def found_delivery_data(delivery: FoundDelivery) -> dict[str, Any]:
    """Describe one delivery that was found: by what, about which objects, and about how many."""
    return {
        "id": delivery.id,
        "matched_by": list(map(_identifier, delivery.matched)),
        "about": [name._asdict() for name in delivery.subjects],
        "has_several_persons": delivery.has_several_persons,
    }


def _identifier(identifier: Identifier) -> dict[str, str]:
    return identifier._asdict()
