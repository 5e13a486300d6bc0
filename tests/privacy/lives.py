"""Synthetic lives of known persons, and the deliveries that the simulator made of each."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ledger.application import Ledger
from ledger.privacy.find import Found, find
from ledger.privacy.identifiers import Identifiers
from ledger.simulator.payment_lives import Payment
from ledger.simulator.signed_calls import (
    ALTERNATE,
    SignedCall,
    signed_lives,
    synthetic_platform,
)
from ledger.simulator.stories import STORIES
from tests.builders import NOON, SHOP_ID, a_delivery

LIVES = 60
MODE = "TEST"


@dataclass
class World:
    """A ledger with lives, and which delivery came from which call."""

    ledger: Ledger
    call_by_id: dict[str, SignedCall] = field(default_factory=dict)

    def ids(self, is_about: Callable[[SignedCall], bool]) -> list[str]:
        """The deliveries of the calls that pass a test, in the order of arrival."""
        return sorted(id_ for id_, call in self.call_by_id.items() if is_about(call))

    def calls(self) -> list[SignedCall]:
        return list(self.call_by_id.values())

    def payments(self) -> list[Payment]:
        return [payment for call in self.calls() for payment in call.shown_payments]

    def find(self, *, shop_id: str = SHOP_ID, mode: str = MODE, **said: object) -> Found:
        identifiers = Identifiers(**said)  # type: ignore[arg-type]  # as each test says them
        return find(self.ledger, identifiers, shop_id, mode)


def live(ledger: Ledger, *, shop_id: str = SHOP_ID, seed: int = 3, count: int = LIVES) -> World:
    """Receive so many lives of a shop, one after the other, each story again in other formats."""
    world = World(ledger)
    platform = synthetic_platform(ledger.shops, shop_id, MODE, at=NOON)
    stories = [story for story in STORIES.values() if platform.can_play(story, ALTERNATE)]
    for life in signed_lives(platform, stories, seed=seed, count=count):
        for call in life:
            delivery = a_delivery(call.body)
            ledger.receive(delivery)
            world.call_by_id[delivery.id] = call
    return world
