"""What was said of a stream before, beside the facts: by its events, and by calls that repeated it.

A call that repeats known facts in the other format is no event; what it said besides stands in
its body alone, and what the next one says otherwise is news.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from ledger.aggregates.alias import Alias
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.errors import NotificationError
from ledger.ipn.delivery import Limits
from ledger.ipn.parse import read_trusted
from ledger.ipn.snapshots import NotificationContent, Pairs, Snapshot
from ledger.recording.inbox_rows import delivery_of
from ledger.storage.inbox import InboxRecord

StreamOf = Callable[[UUID], UUID]


@dataclass(frozen=True)
class Saying:
    """What a repeated call said of one stream."""

    details: Pairs | None
    personal: Pairs | None
    doubtful: list[str] | None
    late: bool = False


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
        if record.body is None or record.key_fingerprint is None or record.signed_digest is None:
            continue
        proof = record.key_fingerprint, record.signed_digest
        with suppress(NotificationError):
            _, content = read_trusted(delivery_of(record), *proof, Limits())
            yield from sayings_of(content, stream_ids, stream_of)
