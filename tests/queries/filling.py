"""Fills ledgers and their read models, and reads lists to the end."""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Table, insert

from ledger.application import Ledger
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import live_generation, tables_of
from ledger.projections.engine.registry import PROJECTIONS, projection
from ledger.queries.filter_conditions import Filter
from ledger.queries.lists import Listing, list_page
from ledger.simulator.signed_calls import ALTERNATE, synthetic_platform
from ledger.simulator.stories import STORIES
from tests.builders import NOON, OTHER_SHOP_ID, SHOP_ID, receive


def fill_with_stories(ledger: Ledger) -> None:
    """Send every story once to each of two shops, in both modes."""
    worlds = [(SHOP_ID, "TEST"), (SHOP_ID, "PRODUCTION"), (OTHER_SHOP_ID, "TEST")]
    for seed, (shop_id, mode) in enumerate(worlds):
        platform = synthetic_platform(ledger.shops, shop_id, mode, at=NOON)
        for number, story in enumerate(STORIES.values()):
            if platform.can_play(story, ALTERNATE):
                for telling in platform.signed_calls(story, seed, number, ALTERNATE, turn=number):
                    receive(ledger, telling.body)


def follow(ledger: Ledger) -> None:
    """Bring every read model to the end of the log."""
    until = ledger.events.high_water_mark() or 0
    for view in PROJECTIONS.values():
        with ledger.database.connect() as connection:
            generation = live_generation(connection, view)
        assert generation is not None
        Follower(ledger.database, generation).run(until)


def table_of(ledger: Ledger, view: str, name: str) -> Table:
    """Return the table that lists read now."""
    with ledger.database.connect() as connection:
        generation = live_generation(connection, projection(view))
    assert generation is not None
    tables = tables_of(projection(view), generation.id)
    return next(table for declared, table in tables.items() if declared.name == name)


def add_rows(ledger: Ledger, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    complete = [{column.name: row.get(column.name) for column in table.columns} for row in rows]
    if complete:
        with ledger.database.begin() as connection:
            connection.execute(insert(table), complete)


def read_to_the_end(
    ledger: Ledger,
    listing: Listing,
    filter_: Filter,
    *,
    between: Callable[[], None] = lambda: None,
    **page_of: Any,
) -> list[dict[str, Any]]:
    """Return every item of a list, page by page; `between` happens after each page but the last."""
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        with ledger.database.connect() as connection:
            page = list_page(connection, listing, filter_, cursor=cursor, **page_of)
        items += page.items
        cursor = page.next_cursor
        if cursor is None:
            return items
        assert page.items
        between()
