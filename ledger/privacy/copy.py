"""Writes out all that is stored about a person, readable, for whoever has asked for a copy.

Source: Regulation (EU) 2016/679, articles 15 and 20.
"""

import json
from collections.abc import Iterator
from typing import Any

from ledger.application import Ledger
from ledger.privacy.find import Found, PersonMatch
from ledger.privacy.identifiers import Identifier
from ledger.queries.event_data import event_data
from ledger.queries.evidence import event_at, readable
from ledger.queries.notifications import notification_data
from ledger.queries.readable import find_delivery, readable_events
from ledger.storage.inbox import InboxRecord


def copy_of(ledger: Ledger, findings: Found) -> Iterator[dict[str, Any]]:
    """Yield a document for each delivery that was found, in the order of arrival.

    Shape: what `match_data` says of it, `notification` with all its times, the decoded
    `fields` of its body (or its `text`, when it is no form), and the opened `events` that it
    caused or repeated. Card data is masked.
    """
    for match in findings.matches:
        record = find_delivery(ledger, match.id)
        if record is not None:  # nothing leaves the inbox
            yield match_data(match) | _all_of(ledger, record)


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


def found_data(findings: Found) -> dict[str, Any]:
    """Describe what was found for a machine."""
    return {
        "shop_id": findings.shop_id,
        "mode": findings.mode.lower(),
        "identifiers": [
            _identifier(each) | {"deliveries": count}
            for each, count in findings.count_by_identifier.items()
        ],
        "deliveries": list(map(match_data, findings.matches)),
        "unreadable": findings.unreadable,
    }


def match_data(match: PersonMatch) -> dict[str, Any]:
    """Describe one delivery that was found: by what, about which objects, and about how many."""
    return {
        "id": match.id,
        "matched_by": list(map(_identifier, match.identifiers)),
        "about": [name._asdict() for name in match.subjects],
        "has_several_persons": match.has_several_persons,
    }


def _identifier(identifier: Identifier) -> dict[str, str]:
    return identifier._asdict()
