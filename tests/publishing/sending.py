"""Publishes by webhook at an hour that a test sets."""

from contextlib import closing

import pytest

from ledger.application import Ledger
from ledger.publishing.destination import DestinationError
from ledger.publishing.endpoint import Endpoint
from ledger.publishing.publisher import Publisher
from ledger.publishing.standing import standing_of
from tests.builders import NOON
from tests.publishing.receiving import SECRET, HookServer

NAME = "accounting"


class Sender:
    """Publishes to one receiver at an hour that a test sets."""

    def __init__(self, ledger: Ledger, hooks: HookServer) -> None:
        self.ledger, self.hooks, self.now = ledger, hooks, NOON

    def endpoint(self) -> Endpoint:
        return Endpoint(self.ledger.database, NAME, self.hooks.url, (SECRET,), now=lambda: self.now)

    def publish(self, **flags: bool) -> None:
        with closing(self.endpoint()) as endpoint:
            publisher = Publisher(self.ledger, endpoint, NAME, "urn:synthetic", **flags)
            publisher.begin()
            for _ in publisher.pages():
                pass

    def fails(self) -> str:
        with pytest.raises(DestinationError) as refusal:
            self.publish()
        return str(refusal.value)

    @property
    def positions(self) -> list[int]:
        return [each.position for each in self.ledger.events.events_after(0, 100_000)]

    @property
    def position(self) -> int:
        with self.ledger.database.connect() as connection:
            standing = standing_of(connection, NAME)
        assert standing is not None
        return standing.position
