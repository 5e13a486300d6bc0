"""What a test of `ledger receive` writes and reads."""

import json
from collections.abc import Callable
from typing import Any

from click.testing import Result

from ledger.application import Ledger
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import list_notifications
from ledger.storage.inbox import InboxRecord

Command = Callable[..., Result]


def deliveries(ledger: Ledger) -> list[InboxRecord]:
    """Every delivery, in the order of arrival."""
    return list_notifications(ledger, NotificationFilter(), limit=1_000)[::-1]


def story(ledger: Ledger) -> list[dict[str, Any]]:
    """Every event but for what names its delivery and our clock."""
    ours = {"timestamp", "notification_id"}
    return [
        {name: field for name, field in vars(recorded.event).items() if name not in ours}
        for recorded in ledger.events.events_after(0, 1_000)
    ]


def lines(*members: dict[str, Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in members)


def a_line(body: bytes, **members: Any) -> dict[str, Any]:
    return {"body": body.decode()} | members
