"""Fills a ledger with synthetic history: the real reading and deciding, without the network."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count, islice

from ulid import ULID

from ledger.application import Ledger
from ledger.notification import Delivery
from ledger.simulator.stories import STORIES
from ledger.simulator.telling import ALTERNATE, teller

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
    """Receive synthetic lives until so many events were added; the number added.

    Two fillers with different seeds may run side by side.
    """
    added = 0
    deliveries = _deliveries(ledger, shop_id, mode, seed)
    while added < events:
        receipts = ledger.receive_many(list(islice(deliveries, BATCH)))
        added += sum(len(one.positions) for one in receipts if one.outcome == "recorded")
        progress("filling", min(added, events), events)
    return added


def _deliveries(ledger: Ledger, shop_id: str, mode: str, seed: int) -> Iterator[Delivery]:
    told_by = teller(ledger.shops, shop_id, mode)
    stories = [one for one in STORIES.values() if told_by.can_tell(one, ALTERNATE)]
    for number in count():
        lap, index = divmod(number, len(stories))
        for told in told_by.tell(stories[index], seed, number, ALTERNATE, turn=lap + index):
            now = datetime.now(UTC)
            yield Delivery(id=str(ULID.from_datetime(now)), received_at=now, body=told.body)
