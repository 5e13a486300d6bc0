"""What hangs together with one transaction: what it gives back or repeats, what was made of it, and
what else its order has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, union

from ledger.application import Ledger
from ledger.errors import UnavailableError
from ledger.items import Item, item
from ledger.order import TOLD, is_of, lines_of, link_refunds
from ledger.storage.event_store import RecordedEvent

RELATIVES_MAX = 50
"""An order may have thousands of transactions; its own page and the lists tell them all."""


@dataclass(frozen=True, slots=True)
class Relatives:
    """Other transactions, each as known then, in the order in which we heard of them.

    Shape: `original_uuid` is what this one gives back or repeats, `original` the same when the
    ledger has heard of it, `certainty` whether that was told or inferred. `is_cut` says that there
    are more.
    """

    original_uuid: str | None
    certainty: str | None
    original: Item | None
    refunds: list[Item]
    duplicates: list[Item]
    others: list[Item]
    is_cut: bool


def relatives(ledger: Ledger, one: Item, id_: UUID, *, as_of: datetime | None) -> Relatives | None:
    """The relatives of a transaction; None while the view that knows them is not built."""
    with ledger.database.connect() as connection:
        try:
            ids = _ids(connection, one, id_)
        except UnavailableError:
            return None
        streams = ledger.events.histories(ids[:RELATIVES_MAX], as_of=as_of, connection=connection)
    found = sorted((events for events in streams.values() if events), key=_position)
    return _sorted_out(dict(one), [item(events) for events in found], len(ids) > RELATIVES_MAX)


def _ids(connection: Connection, one: Item, id_: UUID) -> list[UUID]:
    lines, _ = lines_of(connection)
    c = lines.c
    shared = {c.order_id: one["order_id"], c.parent_uuid: one["uuid"], c.uuid: one["parent_uuid"]}
    queries = [
        select(c.id).where(is_of(lines, one["shop_id"], one["mode"].upper()), column == told)
        for column, told in shared.items()
        if told
    ]
    if not queries:
        return []
    limited = [query.limit(RELATIVES_MAX + 2).subquery() for query in queries]
    found = connection.scalars(union(*(select(each.c.id) for each in limited)))
    return [uuid for each in found if (uuid := UUID(each)) != id_]


def _position(events: Sequence[RecordedEvent]) -> int:
    return events[0].position


def _sorted_out(one: Item, others: Sequence[Item], is_cut: bool) -> Relatives:
    if one["order_id"] and not is_cut:  # what can be meant is only clear when all are known
        link_refunds([each for each in (one, *others) if each["order_id"] == one["order_id"]])
    uuid, certainty = _original(one)
    original = next((each for each in others if uuid and each["uuid"] == uuid), None)
    of_it = [each for each in others if one["uuid"] and _original(each)[0] == one["uuid"]]
    known = {each["reference"] for each in (*of_it, *([original] if original else []))}
    return Relatives(
        original_uuid=uuid,
        certainty=certainty,
        original=original,
        refunds=[each for each in of_it if each["operation_type"] == "CREDIT"],
        duplicates=[each for each in of_it if each["operation_type"] != "CREDIT"],
        others=[each for each in others if each["reference"] not in known],
        is_cut=is_cut,
    )


def _original(one: Item) -> tuple[str | None, str | None]:
    """What a transaction gives back or repeats, and whether that was told or inferred."""
    if one["parent_uuid"]:
        return one["parent_uuid"], TOLD
    found = one.get("original")
    return (found["uuid"], found["certainty"]) if found else (None, None)
