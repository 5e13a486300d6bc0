"""Finds what is stored about a person, by what the person or the merchant can say of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from ledger.application import Ledger
from ledger.errors import MalformedNotificationError, NotFoundError
from ledger.ipn.kinds import Kind
from ledger.privacy.contents import own_events, scalars_of
from ledger.privacy.identifiers import Identifier, IdentifierKind, Identifiers
from ledger.privacy.named_persons import names_several
from ledger.privacy.persons import PersonIndex, with_secrets
from ledger.projections.engine.follow import catch_up
from ledger.projections.orders import PROJECTION
from ledger.queries.evidence import Name, subjects
from ledger.queries.find_by_name import find_streams, platform_uuid
from ledger.queries.orders import order_history
from ledger.queries.undecided import undecided_about
from ledger.storage.answers import evidence_records
from ledger.storage.database import chunks, padded
from ledger.storage.event_store import RecordedEvent
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Sealed
from ledger.storage.tables import repeats

PAGE = 200
"""So many bodies are open at a time."""
UNDECIDED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class PersonMatch:
    """A delivery that holds at least one of the identifiers.

    Shape: `subjects` are the transactions, aliases and subscriptions that it is about, none when
    its body cannot be read; `has_several_persons` warns that it may be about somebody else, too.
    """

    id: str
    received_at: datetime
    identifiers: tuple[Identifier, ...]
    subjects: tuple[Name, ...]
    has_several_persons: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of a person in one shop and mode.

    Shape: `matches` in the order of arrival; `count_by_identifier` says to how many each leads, to
    none included; `unreadable` are deliveries of this shop and mode in which nobody can be found.
    """

    shop_id: str
    mode: str
    matches: list[PersonMatch]
    count_by_identifier: dict[Identifier, int]
    unreadable: list[str]

    @property
    def origin_ids(self) -> list[str]:
        """Return the ids of the deliveries, in the order of arrival."""
        return [match.id for match in self.matches]

    @property
    def subjects(self) -> list[Name]:
        """Return all transactions, aliases and subscriptions that they are about, each once."""
        named = (name for match in self.matches for name in match.subjects)
        return list(dict.fromkeys(named))


def find(ledger: Ledger, identifiers: Identifiers, shop_id: str, mode: str) -> Found:
    """Find the deliveries of a shop and mode that hold any of these identifiers.

    Shape: `mode` in capitals; what was erased is not found.
    Errors: BadIdentifierError; UnavailableError; SettingsError without the master keys.
    """
    written = identifiers.written()
    index = PersonIndex(ledger)
    index.catch_up()
    with ledger.database.connect() as connection:
        ids = index.deliveries(connection, written, shop_id, mode)
        unreadable = index.unreadable(connection, shop_id, mode)
    for each in written:
        ids[each] += _named(ledger, each, shop_id, mode)
    matched: dict[str, list[Identifier]] = {}
    for each, its_ids in ids.items():
        for id_ in dict.fromkeys(its_ids):
            matched.setdefault(id_, []).append(each)
    matches = list(_opened(ledger, matched))
    counts = {each: sum(each in match.identifiers for match in matches) for each in written}
    return Found(shop_id, mode, matches, counts, sorted(unreadable))


def _opened(ledger: Ledger, matched: dict[str, list[Identifier]]) -> Iterator[PersonMatch]:
    for page in chunks(sorted(matched), PAGE):
        with ledger.database.connect() as connection:
            records = evidence_records(connection, with_secrets(connection, page))
            opened = ledger.sealing.with_bodies(connection, records.values())
        for record in sorted(opened, key=lambda record: record.id):
            yield PersonMatch(
                record.id,
                record.received_at,
                tuple(matched[record.id]),
                _subjects(ledger, record),
                _has_several_persons(ledger, record),
            )


def _subjects(ledger: Ledger, record: InboxRecord) -> tuple[Name, ...]:
    if record.sealed != Sealed.ERASED:
        return tuple(subjects(ledger, record))
    events = own_events(ledger, record)
    return tuple(Name(event.aggregate_class.KIND, event.reference) for event in events)


def _has_several_persons(ledger: Ledger, record: InboxRecord) -> bool:
    try:
        return names_several(scalars_of(ledger, record))
    except MalformedNotificationError:
        return False


# -- by the name of an object ---------------------------------------------------------------------


def _named(ledger: Ledger, identifier: Identifier, shop_id: str, mode: str) -> list[str]:
    """Return the deliveries about an object of this name, undecided ones included."""
    kind, name = identifier
    if kind not in _OBJECTS:
        return []
    if kind == IdentifierKind.TRANSACTION:
        name = platform_uuid(name)
    with ledger.database.connect() as connection:
        undecided = undecided_about(connection, shop_id, mode, [name], limit=UNDECIDED_MAX)
    ids = [record.id for record in undecided]
    for events in _histories(ledger, kind, shop_id, mode, name):
        with ledger.database.connect() as connection:
            ids += _told_of(connection, events)
    return ids


def _histories(
    ledger: Ledger, kind: str, shop_id: str, mode: str, name: str
) -> Iterable[list[RecordedEvent]]:
    if kind == IdentifierKind.ORDER:
        _follow_orders(ledger)
        try:
            return order_history(ledger, shop_id, mode, name).histories
        except NotFoundError:
            return ()
    streams = find_streams(ledger, _OBJECTS[kind], shop_id, mode, name)
    return ledger.events.load([id_ for _, id_ in streams]).values()


def _follow_orders(ledger: Ledger) -> None:
    """Bring the read model of orders to the end of the events, wherever the service is."""
    catch_up(ledger.database, PROJECTION, ledger.events.high_water_mark() or 0)


def _told_of(connection: Connection, events: Sequence[RecordedEvent]) -> list[str]:
    """Return the deliveries that a history is made of, and those that repeated it."""
    ids = [recorded.event.notification_id for recorded in events]
    streams = {recorded.event.originator_id for recorded in events}
    c = repeats.c
    query = select(c.notification_id).where(c.originator_id.in_(padded(sorted(streams))))
    return ids + list(connection.scalars(query))


_OBJECTS: Mapping[str, str] = {
    IdentifierKind.ORDER: "",
    IdentifierKind.ALIAS: Kind.ALIAS,
    IdentifierKind.TRANSACTION: Kind.TRANSACTION,
}
"""The kind of stream that such a name leads to; an order leads to many."""
