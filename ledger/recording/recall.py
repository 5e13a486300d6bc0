"""What was said of a stream before, beside the facts: by its events, and by calls that repeated it.

A call that repeats known facts in the other format is no event; what it said besides stands in
its body alone, and what the next one says otherwise is news.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

from ledger.aggregates.alias import Alias
from ledger.aggregates.news import Report, share_names
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.errors import NotificationError
from ledger.ipn.delivery import Limits
from ledger.ipn.parse import read_trusted
from ledger.ipn.snapshots import NotificationContent, Pairs, Snapshot
from ledger.recording.inbox_rows import delivery_of
from ledger.storage.event_store import RecordedEvent
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Sealed

StreamOf = Callable[[UUID], UUID]


@dataclass(frozen=True)
class Saying:
    """What a repeated call said of one stream."""

    details: Pairs | None
    personal: Pairs | None
    doubtful: list[str] | None
    late: bool = False
    is_closed: bool = False


class StoredRecollection:
    """What was said of a stream, newest first: opened one after the other, as far as it takes.

    Shape: `added` are events that are not written yet; `events` those that are, oldest first;
    `repeats` reads what was said by calls that repeated them.
    """

    def __init__(
        self,
        added: Sequence[Report],
        events: Sequence[RecordedEvent],
        *,
        opened: Callable[[Sequence[RecordedEvent]], list[RecordedEvent]],
        repeats: Callable[[], Iterable[Saying]],
    ) -> None:
        self._added = added[::-1]
        self._events = events[::-1]
        self._opened = opened
        self._repeats = repeats

    def in_the_open(self) -> Iterator[Report]:
        yield from self._added
        yield from (recorded.event for recorded in self._events)

    def opened(self, named_texts: Pairs) -> Iterator[Report]:
        """Yield all of it; calls that were repeats only if no event has any of these names."""
        has_shared = False
        for report in chain(self._added, self._opened_events()):
            has_shared = has_shared or share_names([report], named_texts)
            yield report
        if not has_shared:
            yield from list(self._repeats())[::-1]

    def _opened_events(self) -> Iterator[Report]:
        for events in (self._events[:1], self._events[1:]):  # mostly the newest one is enough
            for recorded in self._opened(events):
                event = recorded.event
                if recorded.sealed in (Sealed.ERASED, Sealed.LOCKED, Sealed.DAMAGED):
                    yield Saying(event.details, None, event.doubtful, event.late, is_closed=True)
                else:
                    yield event


def sayings_of(
    content: NotificationContent, stream_ids: Collection[UUID], stream_of: StreamOf
) -> list[Saying]:
    """Return what a notification says of these streams beside the facts.

    Shape: `stream_of` returns the stream that a name of a transaction leads to.
    """
    names = content.shop_id, content.mode
    doubts = list(content.doubts) or None
    snapshots: list[tuple[UUID, Snapshot]] = [
        *(
            (stream_of(Transaction.id_of(*names, each.reference)), each)
            for each in content.transactions
        ),
        *((Alias.id_of(*names, each.alias), each) for each in content.aliases),
        *(
            (Subscription.id_of(*names, each.subscription_id, each.alias), each)
            for each in content.subscriptions
        ),
    ]
    return [
        Saying(said.details, said.personal, doubts) for id_, said in snapshots if id_ in stream_ids
    ]


def sayings_in(
    inbox_records: Iterable[InboxRecord], stream_ids: Collection[UUID], stream_of: StreamOf
) -> Iterator[Saying]:
    """Read from bodies what was said of streams; pass over what cannot be read any more."""
    for record in inbox_records:
        if record.body is None or record.key_fingerprint is None or record.signed_tag is None:
            continue
        proof = record.key_fingerprint, record.signed_tag
        with suppress(NotificationError):
            _, content = read_trusted(delivery_of(record), *proof, Limits())
            yield from sayings_of(content, stream_ids, stream_of)
