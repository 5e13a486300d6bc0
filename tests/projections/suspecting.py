"""Ledgers that were not told everything, and what they suspect."""

from datetime import datetime, timedelta
from typing import Any

from ledger.application import Ledger
from ledger.queries.filter_declarations import SuspectFilter
from ledger.queries.lists import Item
from ledger.queries.suspects import all_suspects
from tests.builders import MORNING, an_answer, receive, rest_body
from tests.projections.helpers import follow

LONG_AFTER = datetime.fromisoformat("2031-01-01T00:00:00Z")


def notified(
    ledger: Ledger,
    uuid: str,
    status: str = "AUTHORISED",
    *,
    after_days: float = 0,
    source: str = "PAY",
    order_id: str | None = "CMD-1",
    trans_id: str | None = "410001",
    number: int = 1,
    parent: str | None = None,
    capture_at: str | None = None,
    **changes: Any,
) -> str:
    """Receive a REST call about one transaction, so many days after a fixed morning; its uuid."""
    uuid = uuid * (32 // len(uuid))
    moment = MORNING + timedelta(days=after_days)
    answer = an_answer(
        whole={"serverDate": moment.isoformat()},
        order={"orderId": order_id},
        uuid=uuid,
        detailedStatus=status,
        **changes,
    )
    details = answer["transactions"][0]["transactionDetails"]
    details["sequenceNumber"] = number
    details["parentTransactionUuid"] = parent and parent * (32 // len(parent))
    for means in ("cardDetails", "paymentMethodDetails"):
        own = {"legacyTransId": trans_id, "expectedCaptureDate": capture_at}
        details[means] = details[means] | own
    receipt = receive(ledger, rest_body(answer, source), received_at=moment)
    assert receipt.outcome in ("recorded", "repeated"), receipt
    return uuid


def suspected(ledger: Ledger, now: datetime = LONG_AFTER, **filters: Any) -> list[Item]:
    """What a ledger suspects at this time, once its read models have followed."""
    follow(ledger)
    return list(all_suspects(ledger.database, SuspectFilter(**filters), now))


def rules_of(items: list[Item]) -> list[tuple[str, str, str]]:
    """What is suspected, as rule, certainty and reference."""
    return [(item["rule"], item["certainty"], item["reference"]) for item in items]
