"""Lists what the read models hold: filtered, in order, page by page, as of a known position."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, func, select

from ledger.errors import BadFilterError, ViewNotBuiltError
from ledger.ipn.modes import MODES
from ledger.projections.engine.generations import LIVE, tables_of
from ledger.projections.engine.registry import fingerprint, projection
from ledger.queries.cursors import read_cursor, write_cursor
from ledger.queries.filter_conditions import Filter, sql_conditions
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.keyset import Selection, read_all, read_page, sort_of
from ledger.queries.list_definitions import TRANSACTIONS, Item, Listing
from ledger.storage.database import Database
from ledger.storage.tables import events, generation_positions, generations

LIMIT_DEFAULT = 50
LIMIT_MAX = 500
EXPORT_PAGE = 1_000
NEWEST_FIRST = "-time"


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a list.

    Shape: `next_cursor` is None on the last page. Units: `as_of_position` is how far the read model
    had followed the events, `lag` how many positions it was behind them.
    """

    items: list[Item]
    next_cursor: str | None
    as_of_position: int
    lag: int


def list_page(
    connection: Connection,
    listing: Listing,
    filter_: Filter,
    *,
    sort: str = NEWEST_FIRST,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page:
    """Return one page of a list.

    Shape: `sort` is one of the listing's orders, with `-` before it descending; rows without the
    column that they are sorted by come last. Errors: BadFilterError, BadCursorError,
    ViewNotBuiltError.
    """
    table, position, lag = live_table(connection, listing)
    if sort.removeprefix("-") not in listing.orders:
        raise BadFilterError(f"this list is sorted by {', '.join(listing.orders)}")
    if not 1 <= limit <= LIMIT_MAX:
        raise BadFilterError(f"limit is from 1 to {LIMIT_MAX}")
    by = sort_of(sort, listing.orders)
    after = None if cursor is None else read_cursor(cursor, table, by, filter_)
    selection = _selection(listing, filter_)
    if selection is None:
        return Page([], None, position, lag)
    rows = read_page(connection, table, selection, by, after=after, limit=limit + 1)
    next_cursor = write_cursor(rows[limit - 1], by, filter_) if len(rows) > limit else None
    items = [listing.item(row) for row in rows[:limit]]
    if listing.complete is not None:
        listing.complete(connection, table, rows[:limit], items)
    return Page(items, next_cursor, position, lag)


def all_transactions(database: Database, filter_: TransactionFilter) -> Iterator[Item]:
    """Yield every transaction in the order in which it was first seen, in little memory.

    Shape: one that changes meanwhile appears once, as it stands when its page is read.
    Errors: ViewNotBuiltError.
    """
    with database.connect() as connection:
        table, _, _ = live_table(connection, TRANSACTIONS)
    sort = sort_of("time", TRANSACTIONS.orders)
    selection = _selection(TRANSACTIONS, filter_)
    if selection is not None:
        rows = read_all(database.connect, table, selection, sort, page_size=EXPORT_PAGE)
        yield from map(TRANSACTIONS.item, rows)


def count_transactions(connection: Connection, filter_: TransactionFilter) -> int:
    """Return how many transactions there are now. Errors: ViewNotBuiltError."""
    table, _, _ = live_table(connection, TRANSACTIONS)
    query = select(func.count()).select_from(table).where(*sql_conditions(filter_, table))
    return int(connection.scalar(query) or 0)


def live_table(connection: Connection, listing: Listing) -> tuple[Table, int, int]:
    """Return the table that this code reads, its position, and its lag behind the events.

    Errors: ViewNotBuiltError.
    """
    state = connection.execute(_STATE, _identity(listing.view)).one_or_none()
    if state is None:
        command = f"run `ledger rebuild {listing.view}`"
        raise ViewNotBuiltError(f"the view {listing.view} is not built for this version: {command}")
    position, newest = int(state.position or 0), int(state.newest or 0)
    return _tables(listing.view, state.id)[listing.table], position, max(0, newest - position)


def _selection(listing: Listing, filter_: Filter) -> Selection | None:
    """Return which rows a filter leaves; None when no row can be left."""
    if filter_.shop_id is not None and not filter_.shop_id:
        return None
    scans: dict[str, Sequence[str]] = {}
    if filter_.shop_id is not None:
        scans["shop_id"] = sorted(filter_.shop_id)
    if filter_.mode is not None:
        scans["mode"] = [filter_.mode]
    elif listing.needs_mode or filter_.shop_id is not None:
        scans["mode"] = MODES
    scans |= {
        name: sorted(getattr(filter_, name))
        for name in listing.index_scans
        if getattr(filter_, name)
    }
    is_selective = any(getattr(filter_, name) is not None for name in listing.selective)
    return Selection(
        (listing.view, filter_),
        lambda table: sql_conditions(filter_, table, without=scans),
        scans,
        is_selective,
    )


def _state() -> Select[Any]:
    c = generations.c
    position = select(func.min(generation_positions.c.position)).where(
        generation_positions.c.generation_id == c.id
    )
    newest = select(func.max(events.c.position))
    query = select(
        c.id,
        position.scalar_subquery().label("position"),
        newest.scalar_subquery().label("newest"),
    )
    is_ours = [c.name == bindparam("view"), c.fingerprint == bindparam("fingerprint")]
    return query.where(*is_ours, c.state == LIVE).order_by(c.id.desc()).limit(1)


_STATE = _state()


@cache
def _identity(view: str) -> dict[str, str]:
    return {"view": view, "fingerprint": fingerprint(projection(view))}


@lru_cache(maxsize=64)
def _tables(view: str, generation_id: int) -> dict[str, Table]:
    """Return the tables of a generation, always the same ones, so that statements about them are
    compiled once."""
    tables = tables_of(projection(view), generation_id)
    return {declared.name: table for declared, table in tables.items()}
