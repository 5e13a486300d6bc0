"""Fill a ledger with synthetic history: real reading and deciding, without the network."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count, islice

from ulid import ULID

from ledger.application import Ledger
from ledger.ipn.delivery import Delivery
from ledger.simulator.signed_calls import ALTERNATE, synthetic_platform
from ledger.simulator.stories import STORIES

BATCH = 200


def fill(
    ledger: Ledger,
    shop_id: str,
    mode: str,
    *,
    events: int,
    seed: int,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> int:
    """Receive synthetic lives until so many events are appended; return their number.

    Two fillers with different seeds may run side by side.
    """
    appended = 0
    deliveries = _deliveries(ledger, shop_id, mode, seed)
    while appended < events:
        receipts = ledger.receive_many(list(islice(deliveries, BATCH)))
        appended += sum(
            len(receipt.positions) for receipt in receipts if receipt.outcome == "recorded"
        )
        progress("filling", min(appended, events), events)
    return appended


def _deliveries(ledger: Ledger, shop_id: str, mode: str, seed: int) -> Iterator[Delivery]:
    platform = synthetic_platform(ledger.shops, shop_id, mode)
    stories = [story for story in STORIES.values() if platform.can_play(story, ALTERNATE)]
    for number in count():
        lap, index = divmod(number, len(stories))
        life = platform.signed_calls(stories[index], seed, number, ALTERNATE, turn=lap + index)
        for signed_call in life:
            now = datetime.now(UTC)
            id_ = str(ULID.from_datetime(now))
            yield Delivery(id_, now, signed_call.body, is_from_named_range=True)
