"""A ledger that has heard a month of synthetic payments, at a fixed time."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ulid import ULID

from ledger.application import Ledger
from ledger.ipn.delivery import Delivery
from ledger.ipn.shops_and_keys import Shop, Shops
from ledger.simulator.signed_calls import ALTERNATE, SignedCall, synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.storage.database import Database
from tests.builders import OTHER_SHOP_ID, PLAIN_SETTINGS, SHOP_ID, a_shop
from tests.queries.filling import follow

NOW = datetime(2026, 3, 31, 15, 24, tzinfo=UTC)
BEGINNINGS = (timedelta(days=28), timedelta(days=41))
"""Lives begin within four weeks from each of them before now."""


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def a_lately_ledger(database: Database, clock: Clock) -> Ledger:
    """Two shops with names."""
    shops = {
        SHOP_ID: Shop(SHOP_ID, "Boutique du Port", a_shop(SHOP_ID).keys),
        OTHER_SHOP_ID: Shop(OTHER_SHOP_ID, "Librairie des Arts", a_shop(OTHER_SHOP_ID).keys),
    }
    return Ledger(
        PLAIN_SETTINGS,
        Shops(shops),
        database,
        clock=clock,
    )


def hear_a_month(ledger: Ledger, clock: Clock, *, lives: int, mode: str = "PRODUCTION") -> None:
    """Receive what was told until now, each delivery at its own time."""
    rng = random.Random(11)
    calls = sorted(_calls(ledger, lives, mode, rng), key=lambda call: call[0])
    for at, body in calls:
        if at <= NOW:
            clock.now = at
            ledger.receive(
                Delivery(
                    id=str(ULID.from_datetime(at)), received_at=at, body=body, peer="194.50.38.7"
                )
            )
    clock.now = NOW
    follow(ledger)


def _calls(
    ledger: Ledger, lives: int, mode: str, rng: random.Random
) -> Iterator[tuple[datetime, bytes]]:
    for seed, before in enumerate(BEGINNINGS):
        for shop_id, share in ((SHOP_ID, 0.5), (OTHER_SHOP_ID, 0.2)):
            told_by = synthetic_platform(
                ledger.shops, shop_id, mode, begins_at=NOW - before, at=NOW
            )
            for number, name in enumerate(_stories(rng, int(lives * share))):
                story = STORIES[name]
                if told_by.can_play(story, ALTERNATE):
                    for telling in told_by.signed_calls(
                        story, seed, number, ALTERNATE, turn=number
                    ):
                        yield from _sent(telling, rng)


def _stories(rng: random.Random, count: int) -> list[str]:
    often = ["payment-accepted"] * 6 + ["payment-refused"] * 2
    return [rng.choice([*often, *STORIES]) for _ in range(count)]


def _sent(telling: SignedCall, rng: random.Random) -> Iterator[tuple[datetime, bytes]]:
    """Mostly once; some calls are repeated, and now and then one is damaged on the way."""
    at = telling.call.sent_at + timedelta(seconds=rng.uniform(0.3, 3))
    luck = rng.random()
    body = telling.body if luck < 0.97 else telling.body.replace(b"signature=", b"signature=x", 1)
    yield at, body
    if 0.85 < luck < 0.97:
        yield at + timedelta(minutes=rng.randrange(15, 90)), telling.body
