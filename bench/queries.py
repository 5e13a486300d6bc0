"""What questions cost, as ratios of their time to that of one lookup by primary key."""

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from bench import pages
from bench.figures import Goal, Sheet, ratios
from bench.ground import SHOP_ID, Extent, fill_events, median, open_ledger, timed
from ledger.application import Ledger
from ledger.projections.engine.generations import gather_statistics, live_generation, tables_of
from ledger.projections.engine.rebuild import Rebuild
from ledger.projections.engine.registry import PROJECTIONS, projection
from ledger.projections.engine.writing import copy_rows
from ledger.queries.filter_declarations import NotificationFilter, TransactionFilter
from ledger.queries.history import history_data, timeline
from ledger.queries.keyset import sort_of, write_cursor
from ledger.queries.lists import (
    ALIASES,
    AUDIT_TRAIL,
    LIMIT_DEFAULT,
    ORDERS,
    SUBSCRIPTIONS,
    TOTALS,
    TRANSACTIONS,
    Listing,
    list_page,
)
from ledger.queries.live_tables import live_table
from ledger.queries.notifications import list_notifications
from ledger.queries.state import current_state
from ledger.storage.tables import events

DEEP_PAGE = 10_000
BATCH = 20_000
CALLS = 5
LOOKUP = "a lookup by primary key"
GOALS = {"item": Goal(high=3), "history": Goal(high=3), "list": Goal(high=5)}
"""By the first word of a question."""

STATUSES = ("CAPTURED",) * 12 + ("AUTHORISED",) * 4 + ("REFUSED",) * 2 + ("CANCELLED", "EXPIRED")
METHODS = ("CB", "CB", "CB", "VISA", "VISA", "MASTERCARD", "AMEX", "PAYPAL")
SHOPS = (*(SHOP_ID,) * 8, "20000002", "30000003")

Question = Callable[[], object]


def on_postgresql(url: str, extent: Extent) -> list[Sheet]:
    return measured("PostgreSQL", url, extent)


def on_sqlite(folder: Path, extent: Extent) -> list[Sheet]:
    return measured("SQLite", f"sqlite:///{folder / 'queries.sqlite'}", extent)


def measured(database: str, url: str, extent: Extent) -> list[Sheet]:
    with open_ledger(url) as ledger:
        fill_events(ledger, extent.events, with_journal=True)
        for name in PROJECTIONS:
            if name != "transactions":
                Rebuild(ledger, name, workers=extent.workers, progress=lambda *_: None).run(
                    is_compared=False
                )
        fill_view(ledger, extent.events)
        conditions = f"{extent.events} events, as many transactions, {extent.rounds} rounds"
        sheet = Sheet("questions", database, conditions)
        answer(sheet, questions(ledger), extent.rounds)
        return [sheet, pages.measured(database, url, ledger, extent)]


def fill_view(ledger: Ledger, count: int) -> None:
    """Put so many made-up rows into the view of transactions, without events behind them."""
    view = projection("transactions")
    rows = made_up(count)
    with ledger.database.connect() as connection:
        generation = live_generation(connection, view)
    assert generation is not None
    (table,) = tables_of(view, generation.id).values()
    while batch := list(islice(rows, BATCH)):
        with ledger.database.begin() as connection:
            write(connection, table, batch)
    with ledger.database.begin() as connection:
        gather_statistics(connection, generation)
    if not ledger.database.is_sqlite:
        with ledger.database.engine.connect().execution_options(
            isolation_level="AUTOCOMMIT"
        ) as connection:
            connection.exec_driver_sql(f'VACUUM "{table.name}"')


def write(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if connection.dialect.name == "postgresql":
        copy_rows(connection, table.name, list(table.columns), rows)
    else:
        connection.execute(
            insert(table), [{c.name: row.get(c.name) for c in table.c} for row in rows]
        )


def made_up(count: int) -> Iterator[dict[str, Any]]:
    """Rows spread over ten years; every tenth is a test, every 50th knows no amount."""
    for number in range(count):
        digest = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
        chance = int(digest[:8], 16)
        seconds = number * (10 * 365 * 86_400 // count)
        day, rest = divmod(seconds, 86_400)
        year, day = divmod(day, 365)
        month, day = divmod(day, 31)
        clock = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
        moment = f"{2016 + year}-{month + 1:02}-{day % 28 + 1:02}T{clock}"
        yield {
            "id": digest,
            "shop_id": SHOPS[chance % len(SHOPS)],
            "mode": "TEST" if chance // 16 % 10 == 0 else "PRODUCTION",
            "reference": digest,
            "uuid": digest,
            "order_id": f"CMD-{number // 2}",
            "operation_type": "CREDIT" if chance // 3 % 20 == 0 else "DEBIT",
            "status": STATUSES[chance // 7 % len(STATUSES)],
            "amount_minor": None if chance // 11 % 50 == 0 else chance // 13 % 100_000,
            "currency": "EUR" if chance // 17 % 10 else "CHF",
            "payment_method": METHODS[chance // 19 % len(METHODS)],
            "alias": digest[::-1] if chance // 23 % 5 == 0 else None,
            "subscription_id": f"SUB-{number // 12}" if chance // 29 % 20 == 0 else None,
            "trans_id": digest[:6],
            "created_at": f"{moment}Z",
            "first_seen_at": f"{moment}.{number % 1_000_000:06}Z",
            "last_changed_at": f"{moment}.{number % 1_000_000:06}Z",
            "version": 1,
            "late_count": int(chance % 5_000 == 0),
            "contradiction_count": int(chance % 20_000 == 0),
        }


def questions(ledger: Ledger) -> dict[str, Question]:
    database = ledger.database
    with database.connect() as connection:
        position = connection.scalar(select(events.c.position).limit(1))
        query = select(events.c.originator_id).where(events.c.topic.like("transaction.%"))
        stream = connection.scalar(query.limit(1))
    assert stream is not None

    def lookup() -> object:
        with database.connect() as connection:
            return connection.execute(select(events).where(events.c.position == position)).one()

    def page(sort: str, cursor: str | None = None, **filters: Any) -> Question:
        filter_ = TransactionFilter(**filters)

        def ask() -> object:
            with database.connect() as connection:
                return list_page(connection, TRANSACTIONS, filter_, sort=sort, cursor=cursor)

        return ask

    by_name: dict[str, Question] = {
        LOOKUP: lookup,
        "item": lambda: current_state(ledger.events.history(stream)),
        "history": lambda: [history_data(one) for one in timeline(ledger.events.history(stream))],
    }
    by_name["a page of the feed"] = lambda: ledger.events.events_after(0, LIMIT_DEFAULT)
    for name, ask in OTHER_LISTS.items():
        by_name[f"list of {name}, first page"] = lambda ask=ask: ask(ledger)  # type: ignore[misc]
    for sort in ("-time", "time", "-amount", "amount"):
        by_name[f"list by {sort}, first page"] = page(sort)
        number, cursor = deep_cursor(ledger, sort, {})
        by_name[f"list by {sort}, page {number}"] = page(sort, cursor)
    for name, filters in FILTERS.items():
        by_name[f"list of {name}"] = page("-time", **filters)
    return by_name


def _first_page(listing: Listing) -> Callable[[Ledger], object]:
    def ask(ledger: Ledger) -> object:
        with ledger.database.connect() as connection:
            return list_page(connection, listing, listing.filter_class())

    return ask


def _deliveries(ledger: Ledger) -> object:
    return list_notifications(ledger, NotificationFilter())


OTHER_LISTS: dict[str, Callable[[Ledger], object]] = {
    "aliases": _first_page(ALIASES),
    "subscriptions": _first_page(SUBSCRIPTIONS),
    "orders": _first_page(ORDERS),
    "totals": _first_page(TOTALS),
    "the audit trail": _first_page(AUDIT_TRAIL),
    "deliveries": _deliveries,
}

FILTERS: dict[str, dict[str, Any]] = {
    "one shop": {"shop_id": frozenset({"20000002"})},
    "one shop, test": {"shop_id": frozenset({"20000002"}), "mode": "TEST"},
    "test": {"mode": "TEST"},
    "one status": {"status": frozenset({"REFUSED"})},
    "three statuses, one shop": {
        "shop_id": frozenset({"20000002"}),
        "status": frozenset({"REFUSED", "EXPIRED", "CANCELLED"}),
    },
    "a status that no row has": {"status": frozenset({"SUSPENDED"})},
    "one order": {"order_id": "CMD-4711"},
    "one subscription": {"subscription_id": "SUB-4711"},
    "an alias that no row has": {"alias": "nobody"},
    "one payment method": {"payment_method": frozenset({"AMEX"})},
    "a method that no row has": {"payment_method": frozenset({"GIROPAY"})},
    "one currency": {"currency": "CHF"},
    "credits": {"operation_type": frozenset({"CREDIT"})},
    "amounts in a range": {"amount_min": 5_000, "amount_max": 5_100},
    "contradictions": {"contradiction": True},
    "late news": {"late": True},
    "search that finds": {"search": "cmd-47"},
    "search that finds nothing": {"search": "nowhere"},
}


def deep_cursor(ledger: Ledger, sort_name: str, filters: dict[str, Any]) -> tuple[int, str]:
    """A page far down and its cursor, found without turning those before it: `DEEP_PAGE`, or nine
    tenths of the way when there are fewer rows."""
    filter_ = TransactionFilter(**filters)
    sort = sort_of(sort_name, TRANSACTIONS.orders)
    with ledger.database.connect() as connection:
        table, _, _ = live_table(connection, TRANSACTIONS.view, TRANSACTIONS.table)
        names = sort.order.columns
        by = [table.c[name].desc() if sort.is_descending else table.c[name] for name in names]
        known = table.c[names[0]].is_not(None)
        total = connection.scalar(select(func.count()).select_from(table).where(known)) or 0
        skipped = min(DEEP_PAGE * LIMIT_DEFAULT, total * 9 // 10)
        query = select(table).where(known).order_by(*by).offset(skipped).limit(1)
        last = dict(connection.execute(query).mappings().one())
        return skipped // LIMIT_DEFAULT, write_cursor(last, sort, filter_)


def answer(sheet: Sheet, questions: dict[str, Question], rounds: int) -> None:
    """Rounds are interleaved, so that what disturbs one question disturbs all."""
    rates: dict[str, list[float]] = {name: [] for name in questions}
    for ask in questions.values():
        ask()
    for _ in range(rounds):
        for name, ask in questions.items():
            rates[name].append(CALLS / timed(lambda ask=ask: [ask() for _ in range(CALLS)]))  # type: ignore[misc]
    for name, own in rates.items():
        sheet.add(name, rate=median(own), p50_ms=1000 / median(own))
        if name != LOOKUP:
            figure = sheet.figures[-1]
            figure.ratio, figure.of = ratios(rates[LOOKUP], own), LOOKUP
            figure.goal = GOALS.get(name.partition(" ")[0])
