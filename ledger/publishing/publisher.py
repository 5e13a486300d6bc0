"""Copies the log to somebody else's stream or address, from where that has come on."""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from ledger.access.masking import masked
from ledger.application import Ledger
from ledger.errors import NotFoundError, PositionAheadError, ReadOnlyError
from ledger.instants import utc_now
from ledger.publishing.cloud_events import cloud_event
from ledger.publishing.destination import Destination, Message
from ledger.publishing.standing import begin, note_reached, standing_of
from ledger.queries.event_data import event_data
from ledger.queries.readable import readable_events
from ledger.storage.read_only import MEANING, read_only_state_of

PAGE = 500


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes every event of a ledger, in order, to one destination.

    Shape: `name` is what the destination is called here, `source` the URI that names this ledger.
    Without `has_personal` events are as an auditor sees them: nothing of a person, and names that
    may be of one are masked.
    """

    ledger: Ledger
    destination: Destination
    name: str
    source: str
    has_personal: bool = False

    def begin(self, *, start: int = 0) -> None:
        """Remember the destination, which if it is new begins behind a position.

        Errors: ReadOnlyError where that cannot be remembered and has to be.
        """
        database = self.ledger.database
        if read_only_state_of(database) is None:
            with database.begin() as connection:
                begin(connection, self.name, start=start, has_personal=self.has_personal)
        elif not self.destination.has_own_end:
            raise ReadOnlyError(MEANING)

    def pages(self) -> Iterator[int]:
        """Yield the position that was reached, page by page, up to the end of the log.

        Errors: DestinationError; PositionAheadError if the stream has more than this ledger.
        """
        reached = self.destination.last_position()
        newest = self.ledger.events.newest_position() or 0
        if reached > newest:
            raise PositionAheadError(reached, newest)
        self._note(reached)
        while messages := self._page(reached, PAGE):
            self.destination.append(reached, messages)
            reached = self.destination.last_position()
            self._note(reached)
            yield reached

    def message_at(self, position: int) -> Message:
        """Return one event as it is published. Errors: NotFoundError."""
        for message in self._page(position - 1, 1):
            if message.position == position:
                return message
        raise NotFoundError(f"there is no event at position {position}")

    def _note(self, reached: int) -> None:
        """Remember for metrics how far a stream has come; a replica cannot."""
        database = self.ledger.database
        if not self.destination.has_own_end or read_only_state_of(database) is not None:
            return
        with database.connect() as connection:
            standing = standing_of(connection, self.name)
        if standing is not None and standing.position != reached:
            with database.begin() as connection:
                note_reached(connection, self.name, reached, utc_now())

    def _page(self, after: int, count: int) -> list[Message]:
        events = self.ledger.events.events_after(after, count)
        if self.has_personal:
            events = readable_events(self.ledger, events)
        return [self._message(event_data(each, with_details=self.has_personal)) for each in events]

    def _message(self, event_fields: dict[str, object]) -> Message:
        shown = event_fields if self.has_personal else masked(event_fields)
        topic = f"{event_fields['shop_id']}.{event_fields['mode']}.{event_fields['type']}"
        position = event_fields["position"]
        assert isinstance(position, int)
        return Message(position, topic, orjson.dumps(cloud_event(shown, self.source)))
