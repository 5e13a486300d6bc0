"""A ledger in memory, without a database: bodies go in, events come out."""

from datetime import datetime, timedelta
from itertools import count

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.ipn.delivery import Limits
from ledger.ipn.parse import read
from ledger.ipn.shops_and_keys import Shops
from ledger.recording.decider import Decider, streams_of
from ledger.recording.inbox_rows import occasion_of
from tests.builders import NOON, a_delivery, shops
from tests.recording.given import InMemory

LIMITS = Limits()


class Remembering:
    """Decides on what arrives as a ledger does, and remembers what it has decided."""

    def __init__(self, keyring: Shops | None = None) -> None:
        self._shops = keyring or shops()
        self._digests: set[str] = set()
        self._numbers = count(1)  # its own: all tests together would go on into the next day
        self.repository = InMemory()

    def receive(
        self, body: bytes, *, received_at: datetime | None = None
    ) -> list[LedgerAggregate.Event]:
        """Decide on a body. Shape: the events that it brings; none when it is a repeat."""
        number = next(self._numbers)
        received_at = received_at or NOON + timedelta(seconds=number)
        delivery = a_delivery(body, id=f"{number:026d}", received_at=received_at)
        notification, content = read(delivery, self._shops, LIMITS)
        if notification.signed_tag in self._digests:
            return []
        self._digests.add(notification.signed_tag)
        occasion = occasion_of(delivery, content, delivery.received_at)
        decider = Decider(content, streams_of(content), occasion, self.repository)
        return self.repository.add(decider.decide(), content)

    @property
    def events(self) -> list[LedgerAggregate.Event]:
        return [event for events in self.repository.events.values() for event in events]
