"""Copies the log into a stream of somebody else's engine, from the stream's own end on."""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from ledger.access.masking import masked
from ledger.application import Ledger
from ledger.errors import PositionAheadError
from ledger.publishing.cloud_events import cloud_event
from ledger.publishing.destination import Destination, Message
from ledger.queries.event_data import event_data
from ledger.queries.readable import readable_events

PAGE = 500


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes every event of a ledger, exactly once and in order, to one destination.

    Shape: `source` is the URI that names this ledger. Without `has_personal` events are as an
    auditor sees them: nothing of a person, and names that may be of one are masked.
    """

    ledger: Ledger
    destination: Destination
    source: str
    has_personal: bool = False

    def pages(self) -> Iterator[int]:
        """Yield the position that was reached, page by page, up to the end of the log.

        Errors: DestinationError; PositionAheadError if the stream has more than this ledger.
        """
        reached = self.destination.last_position()
        newest = self.ledger.events.newest_position() or 0
        if reached > newest:
            raise PositionAheadError(reached, newest)
        while messages := self._page(reached):
            self.destination.append(reached, messages)
            reached = self.destination.last_position()
            yield reached

    def _page(self, after: int) -> list[Message]:
        events = self.ledger.events.events_after(after, PAGE)
        if self.has_personal:
            events = readable_events(self.ledger, events)
        return [self._message(event_data(each, with_details=self.has_personal)) for each in events]

    def _message(self, event_fields: dict[str, object]) -> Message:
        shown = event_fields if self.has_personal else masked(event_fields)
        topic = f"{event_fields['shop_id']}.{event_fields['mode']}.{event_fields['type']}"
        position = event_fields["position"]
        assert isinstance(position, int)
        return Message(position, topic, orjson.dumps(cloud_event(shown, self.source)))
