"""Every filter of every list against a plain search of all items that the stories left."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.queries.filter_conditions import Comparison, Condition, conditions_of, narrowing
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.lists import (
    ALIASES,
    AUDIT_TRAIL,
    ORDERS,
    SUBSCRIPTIONS,
    TOTALS,
    TRANSACTIONS,
    Listing,
    all_transactions,
)
from ledger.queries.state import current_state
from ledger.queries.transaction_sums import count_transactions
from tests.builders import OTHER_SHOP_ID, SHOP_ID
from tests.queries.filling import read_to_the_end

Item = dict[str, Any]
LAW = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
LISTINGS = {
    listing.view: listing
    for listing in (TRANSACTIONS, ALIASES, SUBSCRIPTIONS, ORDERS, AUDIT_TRAIL, TOTALS)
}
SHOWN_AS = {
    "contradiction_count": "contradictions",
    "late_count": "late_news",
    "is_late": "late",
    "is_contradiction": "contradiction",
    "is_doubtful": "doubtful",
}
"""Columns that an item calls otherwise."""


def cell_of(item: Item, condition: Condition) -> Any:
    name = SHOWN_AS.get(condition.column, condition.column)
    return item[name if name in item else condition.column]


def contains(item: Item, condition: Condition, text: str) -> bool:
    text = text.lower()
    is_part = any(text in str(item[name] or "").lower() for name in condition.contained)
    beginning = item[condition.column] if condition.column else None
    return is_part or str(beginning or "").lower().startswith(text)


PLAIN: dict[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.EQUAL: lambda cell, word: bool(cell == word),
    Comparison.AMONG: lambda cell, words: cell in words,
    Comparison.SINCE: lambda cell, instant: bool(cell) and datetime.fromisoformat(cell) >= instant,
    Comparison.UNTIL: lambda cell, instant: bool(cell) and datetime.fromisoformat(cell) < instant,
    Comparison.FIRST_DAY: lambda cell, day: date.fromisoformat(cell) >= day,
    Comparison.LAST_DAY: lambda cell, day: date.fromisoformat(cell) <= day,
    Comparison.AT_LEAST: lambda cell, amount: cell is not None and cell >= amount,
    Comparison.AT_MOST: lambda cell, amount: cell is not None and cell <= amount,
    Comparison.IS_POSITIVE: lambda cell, _: cell > 0,
    Comparison.IS_SET: lambda cell, _: bool(cell),
}
"""Whether a cell of an item passes, in plain Python."""


def passes(item: Item, filter_: Any) -> bool:
    for name, condition, value in narrowing(filter_):
        if name == "mode":
            is_passing = item["mode"] == value.lower()
        elif condition.comparison is Comparison.CONTAINS:
            is_passing = contains(item, condition, value)
        else:
            is_passing = PLAIN[condition.comparison](cell_of(item, condition), value)
        if not is_passing:
            return False
    return True


def values(name: str, condition: Condition, items: list[Item]) -> st.SearchStrategy[Any]:
    """Return values of a filter, nearly all of which some item has."""
    if name == "shop_id":
        return st.frozensets(st.sampled_from([SHOP_ID, OTHER_SHOP_ID, "99999999"]))
    if name == "mode":
        return st.sampled_from(["test", "PRODUCTION"])
    if condition.comparison in (Comparison.IS_POSITIVE, Comparison.IS_SET):
        return st.just(True)
    if condition.comparison is Comparison.CONTAINS:
        return searches(condition, items)
    known = sorted({cell for item in items if (cell := cell_of(item, condition)) is not None})
    if condition.comparison in (Comparison.SINCE, Comparison.UNTIL):
        return st.sampled_from(known).map(datetime.fromisoformat)
    if condition.comparison in (Comparison.FIRST_DAY, Comparison.LAST_DAY):
        return st.sampled_from(known).map(date.fromisoformat)
    if condition.comparison is Comparison.AMONG:
        return st.frozensets(st.sampled_from(known), min_size=1, max_size=4)
    return st.sampled_from(known)


def searches(condition: Condition, items: list[Item]) -> st.SearchStrategy[str]:
    names = [name for name in (*condition.contained, condition.column) if name]
    known = sorted({str(item[name]) for item in items for name in names if item[name]})
    cuts = st.tuples(st.sampled_from(known), st.integers(0, 6), st.integers(1, 12))
    parts = cuts.map(lambda cut: cut[0][cut[1] : cut[1] + cut[2]].swapcase() or "-")
    return parts | st.sampled_from(["%", "_", "/", "\\", "CMD-%", "nowhere"])


def everything(ledger: Ledger, listing: Listing) -> list[Item]:
    return read_to_the_end(ledger, listing, listing.filter_class(), limit=500, sort="time")


@pytest.mark.parametrize("view", LISTINGS)
@LAW
@given(data=st.data())
def test_a_filter_leaves_what_a_plain_search_leaves(
    story_ledger: Ledger, view: str, data: st.DataObject
) -> None:
    listing = LISTINGS[view]
    all_items = everything(story_ledger, listing)
    conditions = conditions_of(listing.filter_class)
    chosen = data.draw(st.lists(st.sampled_from([*conditions]), unique=True, max_size=3))
    filter_ = listing.filter_class(
        **{
            name: data.draw(values(name, conditions[name], all_items), label=name)
            for name in chosen
        }
    )
    sorts = [sort for name in listing.orders for sort in (name, f"-{name}")]
    sort, limit = data.draw(st.sampled_from(sorts)), data.draw(st.integers(1, 60))

    items = read_to_the_end(story_ledger, listing, filter_, limit=limit, sort=sort)

    expected = [item for item in all_items if passes(item, filter_)]
    assert sorted(map(repr, items)) == sorted(map(repr, expected))
    if sort.endswith("time"):
        assert items == (expected[::-1] if sort.startswith("-") else expected)
    else:
        name = "created_at" if sort.endswith("created") else "amount_minor"
        cells = [item[name] for item in items]
        known = [cell for cell in cells if cell is not None]
        assert known == sorted(known, reverse=sort.startswith("-"))
        assert cells == known + [None] * (len(cells) - len(known))


def test_listed_transactions_are_the_states_of_their_streams(story_ledger: Ledger) -> None:
    for listed in everything(story_ledger, TRANSACTIONS):
        id_ = Transaction.id_of(listed["shop_id"], listed["mode"].upper(), listed["reference"])
        state = current_state(story_ledger.events.history(id_))
        shared = listed.keys() & state.keys()
        assert {name for name in shared if listed[name] != state[name]} == set()
        assert shared >= {"uuid", "reference", "shop_id", "mode", "order_id", "operation_type"}
        assert shared >= {"status", "amount_minor", "currency", "version", "contradictions"}
        assert shared >= {"late_news", "first_seen_at", "last_changed_at"}


def test_listed_subscriptions_have_the_instalments_of_their_streams(story_ledger: Ledger) -> None:
    subscriptions = everything(story_ledger, SUBSCRIPTIONS)

    assert any(listed["instalments"] for listed in subscriptions)
    for listed in subscriptions:
        names = (listed["shop_id"], listed["mode"].upper(), listed["subscription_id"])
        state = current_state(
            story_ledger.events.history(Subscription.id_of(*names, listed["alias"] or ""))
        )
        assert listed["instalments"] == state["instalments"]
        assert listed["status"] == state["status"]


def test_all_transactions_are_those_of_the_list(story_ledger: Ledger) -> None:
    filter_ = TransactionFilter(shop_id=frozenset({SHOP_ID}))

    transactions = list(all_transactions(story_ledger.database, filter_))

    assert transactions == read_to_the_end(story_ledger, TRANSACTIONS, filter_, sort="time")
    with story_ledger.database.connect() as connection:
        assert count_transactions(connection, filter_) == len(transactions) > 10
