"""Every filter of every list against a plain search of all items that the stories left."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import lists
from ledger.application import Ledger
from ledger.items import item
from tests.builders import OTHER_SHOP_ID, SHOP_ID
from tests.lists.filling import read_to_the_end

Item = dict[str, Any]
LAW = settings(
    deadline=None,
    max_examples=120,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def contains(item: Item, sought: str, uuid: str, *names: str) -> bool:
    found = any(sought.lower() in str(item[name] or "").lower() for name in names)
    return found or bool(uuid and str(item[uuid] or "").lower().startswith(sought.lower()))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


COMMON: dict[str, Callable[[Item, Any], bool]] = {
    "shops": lambda item, told: item["shop_id"] in told,
    "mode": lambda item, told: item["mode"] == told.lower(),
    "first_seen_from": lambda item, told: moment(item["first_seen_at"]) >= told,
    "first_seen_until": lambda item, told: moment(item["first_seen_at"]) < told,
    "changed_from": lambda item, told: moment(item["last_changed_at"]) >= told,
    "changed_until": lambda item, told: moment(item["last_changed_at"]) < told,
    "statuses": lambda item, told: item["status"] in told,
    "operation_types": lambda item, told: item["operation_type"] in told,
    "payment_methods": lambda item, told: item["payment_method"] in told,
    "order_id": lambda item, told: item["order_id"] == told,
    "alias": lambda item, told: item["alias"] == told,
    "subscription_id": lambda item, told: item["subscription_id"] == told,
    "trans_id": lambda item, told: item["trans_id"] == told,
    "currency": lambda item, told: item["currency"] == told,
    "amount_min": lambda item, told: (
        item["amount_minor"] is not None and item["amount_minor"] >= told
    ),
    "amount_max": lambda item, told: (
        item["amount_minor"] is not None and item["amount_minor"] <= told
    ),
    "created_from": lambda item, told: (
        bool(item["created_at"]) and moment(item["created_at"]) >= told
    ),
    "created_until": lambda item, told: (
        bool(item["created_at"]) and moment(item["created_at"]) < told
    ),
    "contradiction": lambda item, told: bool(item.get("contradictions", item.get("contradiction"))),
    "late": lambda item, told: bool(item.get("late_news", item.get("late"))),
    "odd": lambda item, told: item["odd"],
    "open": lambda item, told: item["open_minor"] > 0,
    "types": lambda item, told: item["type"] in told,
    "kind": lambda item, told: item["kind"] == told,
    "rule": lambda item, told: item["rule"] == told,
    "reference": lambda item, told: item["reference"] == told,
    "recorded_from": lambda item, told: moment(item["recorded_at"]) >= told,
    "recorded_until": lambda item, told: moment(item["recorded_at"]) < told,
    "day_from": lambda item, told: item["day"] >= told,
    "day_to": lambda item, told: item["day"] <= told,
    "outcomes": lambda item, told: item["outcome"] in told,
}
"""Field of a filter -> whether an item passes it, in plain Python."""

SEARCHED: dict[str, tuple[str, ...]] = {
    "transactions": ("uuid", "order_id", "trans_id", "alias"),
    "aliases": ("transaction_uuid", "alias", "order_id"),
    "subscriptions": ("", "subscription_id", "alias", "order_id"),
    "orders": ("", "order_id"),
}
LISTS: dict[str, tuple[Callable[..., lists.Page], Any, tuple[str, ...]]] = {
    "transactions": (lists.transactions, lists.TransactionFilter, ("time", "amount")),
    "aliases": (lists.aliases, lists.AliasFilter, ("time",)),
    "subscriptions": (lists.subscriptions, lists.SubscriptionFilter, ("time",)),
    "orders": (lists.orders, lists.OrderFilter, ("time",)),
    "audit_trail": (lists.audit_trail, lists.EventFilter, ("time",)),
    "totals": (lists.totals, lists.TotalFilter, ("time",)),
}
_SOURCES = {
    "statuses": "status",
    "operation_types": "operation_type",
    "payment_methods": "payment_method",
    "types": "type",
    "outcomes": "outcome",
    "amount_min": "amount_minor",
    "amount_max": "amount_minor",
    "first_seen_from": "first_seen_at",
    "first_seen_until": "first_seen_at",
    "changed_from": "last_changed_at",
    "changed_until": "last_changed_at",
    "created_from": "created_at",
    "created_until": "created_at",
    "recorded_from": "recorded_at",
    "recorded_until": "recorded_at",
    "day_from": "day",
    "day_to": "day",
}


def values(name: str, items: list[Item], list_: str) -> st.SearchStrategy[Any]:
    """Values of one field of a filter, nearly all of which some item has."""
    if name == "shops":
        return st.frozensets(st.sampled_from([SHOP_ID, OTHER_SHOP_ID, "99999999"]))
    if name == "mode":
        return st.sampled_from(["test", "PRODUCTION"])
    if name in ("contradiction", "late", "odd", "open"):
        return st.just(True)
    if name == "search":
        names = [one for one in SEARCHED[list_] if one]
        known = sorted({str(item[one]) for item in items for one in names if item[one]})
        parts = st.tuples(st.sampled_from(known), st.integers(0, 6), st.integers(1, 12))
        cut = parts.map(lambda told: told[0][told[1] : told[1] + told[2]].swapcase() or "-")
        return cut | st.sampled_from(["%", "_", "/", "\\", "CMD-%", "nowhere"])
    source = _SOURCES.get(name, name)
    known = sorted({item[source] for item in items if item[source] is not None})
    if name.endswith(("_from", "_until")) and not name.startswith("day"):
        return st.sampled_from(known).map(moment)
    if name in _SOURCES and name not in ("amount_min", "amount_max", "day_from", "day_to"):
        return st.frozensets(st.sampled_from(known), min_size=1, max_size=4)
    return st.sampled_from(known)


def passes(item: Item, filter_: Any, list_: str) -> bool:
    for one in fields(filter_):
        told = getattr(filter_, one.name)
        if told is None or told is False or (told == frozenset() and one.name != "shops"):
            continue
        if one.name == "search":
            if not contains(item, told, *SEARCHED[list_]):
                return False
        elif not COMMON[one.name](item, told):
            return False
    return True


def everything(ledger: Ledger, list_: str) -> list[Item]:
    question, filter_class, _ = LISTS[list_]
    return read_to_the_end(ledger, question, filter_class(), limit=500, sort="time")


@pytest.mark.parametrize("list_", LISTS)
@LAW
@given(data=st.data())
def test_a_filter_leaves_what_a_plain_search_leaves(
    told: Ledger, list_: str, data: st.DataObject
) -> None:
    question, filter_class, sorts = LISTS[list_]
    all_items = everything(told, list_)
    names = [one.name for one in fields(filter_class)]
    chosen = data.draw(st.lists(st.sampled_from(names), unique=True, max_size=3))
    filter_ = filter_class(
        **{name: data.draw(values(name, all_items, list_), label=name) for name in chosen}
    )
    sort = data.draw(st.sampled_from([*sorts, *(f"-{one}" for one in sorts)]))
    limit = data.draw(st.integers(1, 60))

    found = read_to_the_end(told, question, filter_, limit=limit, sort=sort)

    wanted = [one for one in all_items if passes(one, filter_, list_)]
    assert sorted(map(repr, found)) == sorted(map(repr, wanted))
    if sort.endswith("time"):
        assert found == (wanted[::-1] if sort.startswith("-") else wanted)
    else:
        amounts = [one["amount_minor"] for one in found]
        told_amounts = [one for one in amounts if one is not None]
        assert told_amounts == sorted(told_amounts, reverse=sort.startswith("-"))
        assert amounts == told_amounts + [None] * (len(amounts) - len(told_amounts))


def test_listed_transactions_are_the_items_of_their_streams(told: Ledger) -> None:
    from ledger.aggregates.transaction import Transaction

    for one in everything(told, "transactions"):
        id_ = Transaction.id_of(one["shop_id"], one["mode"].upper(), one["reference"])
        known = item(told.events.history(id_))
        shared = one.keys() & known.keys()
        differing = {name for name in shared if not same(name, one[name], known[name])}
        assert differing == set()
        assert shared >= {"uuid", "reference", "shop_id", "mode", "order_id", "operation_type"}
        assert shared >= {"status", "amount_minor", "currency", "version", "contradictions"}


def same(name: str, listed: Any, known: Any) -> bool:
    if name in ("first_seen_at", "last_changed_at"):
        return moment(listed) == moment(known)
    return bool(listed == known)


def test_listed_subscriptions_have_the_instalments_of_their_streams(told: Ledger) -> None:
    from ledger.aggregates.subscription import Subscription

    found = everything(told, "subscriptions")

    assert any(one["instalments"] for one in found)
    for one in found:
        names = (one["shop_id"], one["mode"].upper(), one["subscription_id"], one["alias"] or "")
        known = item(told.events.history(Subscription.id_of(*names)))
        assert one["instalments"] == known["instalments"]
        assert one["status"] == known["status"]


def test_all_transactions_are_those_of_the_list(told: Ledger) -> None:
    filter_ = lists.TransactionFilter(shops=frozenset({SHOP_ID}))

    found = list(lists.all_transactions(told.database, filter_))

    assert found == read_to_the_end(told, lists.transactions, filter_, sort="time")
    with told.database.connect() as connection:
        assert lists.count_transactions(connection, filter_) == len(found) > 10
