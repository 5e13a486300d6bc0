"""Which deliveries are meant: by names that an operator gives, with all that belongs to them."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import Connection, select, text

from ledger.application import Ledger
from ledger.errors import NotFoundError, ViewNotBuiltError
from ledger.ipn.modes import Mode
from ledger.queries.find_by_name import ALIAS, SUBSCRIPTION, TRANSACTION, find_streams
from ledger.queries.lists import TRANSACTIONS, list_page
from ledger.queries.notes import order_stream
from ledger.queries.undecided import undecided_about
from ledger.storage.asking_tables import ORIGINS_OF_EVENTS, answers
from ledger.storage.database import Database, chunks
from ledger.storage.erasure_tables import erased_origins, erased_streams
from ledger.storage.inbox import Inbox
from ledger.storage.note_tables import notes
from ledger.storage.tables import decisions, events, notifications, repeats

PAGE = 100
UNDECIDED_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What an operator names. Shape: `excepted` are deliveries that are left out."""

    references: Sequence[str] = ()
    orders: Sequence[str] = ()
    aliases: Sequence[str] = ()
    subscriptions: Sequence[str] = ()
    delivery_ids: Sequence[str] = ()
    excepted: Sequence[str] = ()


class Selection(NamedTuple):
    """What is to be erased: origins, and the transactions of which nothing stays readable."""

    origin_ids: frozenset[str] = frozenset()
    stream_ids: frozenset[UUID] = frozenset()


@dataclass(slots=True)
class _Named:
    stream_ids: set[UUID] = field(default_factory=set)
    delivery_ids: set[str] = field(default_factory=set)


def select_by_names(ledger: Ledger, shop_id: str, mode: str, wanted: Names) -> Selection:
    """Return the deliveries that names lead to. Shape: `mode` in lower case.

    Errors: NotFoundError for a name that nothing has; ViewNotBuiltError while the list of
    transactions is behind.
    """
    named = _Named()
    for reference in wanted.references:
        named.stream_ids |= _known_streams(ledger, TRANSACTION, shop_id, mode, reference)
    for column, texts in (
        ("order_id", wanted.orders),
        ("alias", wanted.aliases),
        ("subscription_id", wanted.subscriptions),
    ):
        for name in texts:
            listed = _listed(ledger, shop_id, mode, column, name)
            kind = {"alias": ALIAS, "subscription_id": SUBSCRIPTION}.get(column)
            own = set() if kind is None else _streams(ledger, kind, shop_id, mode, name)
            if not listed | own:
                raise NotFoundError(f"not found: nothing of this shop has the {column} {name}")
            named.stream_ids |= listed | own
    texts = [*wanted.references, *wanted.orders, *wanted.aliases, *wanted.subscriptions]
    with in_one_snapshot(ledger.database) as connection:
        undecided = undecided_about(connection, shop_id, Mode(mode), texts, limit=UNDECIDED_MAX)
        named.delivery_ids |= {record.id for record in undecided}
        for id_ in wanted.delivery_ids:
            record = Inbox(connection).find_verified(id_)
            if record is None or (record.shop_id, record.mode) != (shop_id, Mode(mode)):
                raise NotFoundError(f"not found: this shop has no verified delivery {id_}")
            named.delivery_ids.add(id_)
        return select_origins(
            connection, named.delivery_ids, named.stream_ids, excepted=wanted.excepted
        )


@contextmanager
def in_one_snapshot(database: Database) -> Iterator[Connection]:
    """Read what stands at one instant: else a payment that grows meanwhile would seem to have
    something that is not selected."""
    with database.connect() as connection:
        if not database.is_sqlite:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        yield connection


def select_origins(
    connection: Connection,
    delivery_ids: Collection[str],
    stream_ids: Collection[UUID] = (),
    *,
    excepted: Collection[str] = (),
) -> Selection:
    """Return deliveries, and those about streams, with all that belongs to them.

    What belongs to a delivery are later decisions about it, and others of the same signed content.
    A transaction is erased as a whole when all that it came from is. Notes go with whatever they
    are about: what somebody wrote may name the person.
    """
    origin_ids = with_belongings(connection, delivery_ids, stream_ids) - {*excepted}
    named = transactions_of(connection, origin_ids) - _erased_streams(connection)
    whole = {
        id_
        for id_ in named
        if not (rest := origins_of_streams(connection, [id_]) - origin_ids)
        or rest == _erased_origins(connection, rest)
    }
    origin_ids |= notes_of(connection, origin_ids, stream_ids) - {*excepted}
    return not_erased(connection, Selection(frozenset(origin_ids), frozenset(whole)))


def not_erased(connection: Connection, selection: Selection) -> Selection:
    """Return what no erasure has destroyed yet."""
    erased = _erased_origins(connection, selection.origin_ids)
    return Selection(
        selection.origin_ids - erased, selection.stream_ids - _erased_streams(connection)
    )


def with_belongings(
    connection: Connection, delivery_ids: Collection[str], stream_ids: Collection[UUID]
) -> set[str]:
    """Return deliveries, and those about streams, with decisions about them and their repeats."""
    origin_ids = {*delivery_ids} | origins_of_streams(connection, stream_ids)
    while more := {*_belonging(connection, origin_ids)} - origin_ids:
        origin_ids |= more
    return origin_ids


def origins_of_streams(connection: Connection, stream_ids: Collection[UUID]) -> set[str]:
    """Return what the events of streams came from, and the deliveries that repeated them."""
    return {
        *_read(connection, events.c.origin_id, events.c.originator_id, stream_ids),
        *_read(connection, repeats.c.notification_id, repeats.c.originator_id, stream_ids),
    }


def deliveries_among(connection: Connection, origin_ids: Collection[str]) -> set[str]:
    """Return those of these origins that have a body: deliveries, and answers to our questions."""
    return {
        id_
        for table in (notifications, answers)
        for id_ in _read(connection, table.c.id, table.c.id, origin_ids)
    }


def streams_of_origins(connection: Connection, origin_ids: Collection[str]) -> set[UUID]:
    """Return the streams of the events that origins have made or repeated."""
    positions = positions_of(connection, origin_ids)
    return {*_read(connection, events.c.originator_id, events.c.position, positions)}


def positions_of(connection: Connection, origin_ids: Collection[str]) -> set[int]:
    """Return the positions of the events that origins have made or repeated."""
    return {
        position
        for table in ORIGINS_OF_EVENTS
        for positions in _read(connection, table.c.positions, table.c.id, origin_ids)
        for position in positions
    }


def notes_of(
    connection: Connection, origin_ids: Collection[str], stream_ids: Collection[UUID] = ()
) -> set[str]:
    """Return the notes about streams, about those that origins are about, and about the orders
    of these."""
    about = {*stream_ids} | streams_of_origins(connection, origin_ids)
    states = _read(connection, events.c.state, events.c.originator_id, about)
    for fields in (orjson.loads(bytes(state)) for state in states):
        order_id = fields.get("facts", {}).get("order_id")
        if order_id is not None:
            about.add(order_stream(fields["shop_id"], fields["mode"], str(order_id)))
    return {*_read(connection, notes.c.id, notes.c.stream_id, about)}


def decisions_about(connection: Connection, delivery_ids: Collection[str]) -> set[str]:
    """Return the ids of later decisions about deliveries."""
    return {*_read(connection, decisions.c.id, decisions.c.notification_id, delivery_ids)}


def _belonging(connection: Connection, origin_ids: Collection[str]) -> Iterator[str]:
    yield from decisions_about(connection, origin_ids)
    yield from _read(connection, decisions.c.notification_id, decisions.c.id, origin_ids)
    same = _read(connection, notifications.c.signed_tag, notifications.c.id, origin_ids)
    yield from _read(connection, notifications.c.id, notifications.c.signed_tag, {*same})


def references_of(connection: Connection, origin_ids: Collection[str]) -> set[str]:
    """Return the names under which the objects of origins are asked for."""
    positions = positions_of(connection, origin_ids)
    states = _read(connection, events.c.state, events.c.position, positions)
    fields = [orjson.loads(bytes(state)) for state in states]
    names = ("reference", "uuid", "subscription_id")
    return {str(each[name]) for each in fields for name in names if each.get(name)}


def transactions_of(connection: Connection, origin_ids: Collection[str]) -> set[UUID]:
    """Return the transactions among the streams of origins."""
    stream_ids = streams_of_origins(connection, origin_ids)
    id_ = events.c.originator_id
    return {*_read(connection, id_, id_, stream_ids, events.c.topic.like("transaction.%"))}


def _known_streams(ledger: Ledger, kind: str, shop_id: str, mode: str, reference: str) -> set[UUID]:
    stream_ids = _streams(ledger, kind, shop_id, mode, reference)
    if not stream_ids:
        raise NotFoundError(f"not found: nothing of this shop has the name {reference}")
    return stream_ids


def _streams(ledger: Ledger, kind: str, shop_id: str, mode: str, name: str) -> set[UUID]:
    """Return the streams of a name that have events, with those that they have joined."""
    ids = [id_ for _, id_ in find_streams(ledger, kind, shop_id, Mode(mode), name)]
    histories = ledger.events.load(ids).values()
    return {each.event.originator_id for history in histories for each in history}


def _listed(ledger: Ledger, shop_id: str, mode: str, column: str, name: str) -> set[UUID]:
    """Return the streams of the transactions that are listed with these columns."""
    filter_ = TRANSACTIONS.filter_class.of(
        {"mode": mode, "shop_id": frozenset({shop_id}), column: name}
    )
    stream_ids, cursor = set[UUID](), None
    while True:
        with ledger.database.connect() as connection:
            page = list_page(connection, TRANSACTIONS, filter_, cursor=cursor, limit=PAGE)
        if page.lag:
            raise ViewNotBuiltError(
                f"the list of transactions is {page.lag} events behind: try again when the service"
                " has followed them"
            )
        for item in page.items:
            stream_ids |= _streams(ledger, TRANSACTION, shop_id, mode, item["reference"])
        cursor = page.next_cursor
        if cursor is None:
            return stream_ids


def _erased_origins(connection: Connection, origin_ids: Collection[str]) -> set[str]:
    """Return those of which an erasure has destroyed every secret."""
    return {*_read(connection, erased_origins.c.origin_id, erased_origins.c.origin_id, origin_ids)}


def _erased_streams(connection: Connection) -> set[UUID]:
    return set(connection.scalars(select(erased_streams.c.originator_id)))


def _read(
    connection: Connection, column: Any, among: Any, among_values: Collection[Any], *conditions: Any
) -> Iterator[Any]:
    """Yield a column of the rows that have one of these values in another one."""
    for chunk in chunks(sorted(among_values)):
        yield from connection.scalars(select(column).where(among.in_(chunk), *conditions))
