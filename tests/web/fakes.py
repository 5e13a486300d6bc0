"""A ledger that answers what a test tells it to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from ledger.ipn.delivery import Delivery
from ledger.ipn.shops_and_keys import Shops
from ledger.storage.database import Database

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class FakeReceipt:
    id: str
    outcome: str = "recorded"
    reason: str | None = None
    format: str | None = "form-v2"
    shop_id: str | None = "12345678"
    mode: str | None = "TEST"
    positions: tuple[int, ...] = (1,)
    suspected: tuple[str, ...] = ()
    duration_seconds: float = 0.002


@dataclass
class FakeLedger:
    outcome: str = "recorded"
    reason: str | None = None
    error: Exception | None = None
    format: str | None = "form-v2"
    deliveries: list[Delivery] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    database: Database | None = None
    shops: Shops = field(default_factory=Shops)

    def receive(self, delivery: Delivery) -> FakeReceipt:
        self.deliveries.append(delivery)
        if self.error:
            raise self.error
        return FakeReceipt(delivery.id, self.outcome, self.reason, self.format)

    def refuse(self, delivery: Delivery, reason: str) -> FakeReceipt:
        self.deliveries.append(delivery)
        self.refused.append(reason)
        return FakeReceipt(delivery.id, "quarantined", reason, None, None, None, ())

    @property
    def bodies(self) -> list[bytes]:
        return [delivery.body for delivery in self.deliveries]
