"""Pages: every row once and in order, whatever arrives meanwhile and whatever a cursor holds."""

import base64
import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from ledger.application import Ledger
from ledger.errors import BadCursorError, BadFilterError, ViewNotBuiltError
from ledger.instants import without_idle_fraction
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.lists import TRANSACTIONS, Page, list_page
from ledger.storage.tables import generations
from tests.builders import OTHER_SHOP_ID, SHOP_ID
from tests.queries.filling import add_rows, follow, read_to_the_end, table_of

LAW = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_numbers = count()


def a_row(**changes: Any) -> dict[str, Any]:
    number = next(_numbers)
    row = {
        "id": f"{number:032x}",
        "shop_id": SHOP_ID,
        "mode": "TEST",
        "reference": f"ref-{number}",
        "uuid": f"{number:032x}",
        "status": "CAPTURED",
        "amount_minor": 100,
        "first_seen_at": "2026-03-10T09:00:00.000000Z",
        "last_changed_at": "2026-03-10T09:00:00.000000Z",
        "version": 1,
        "is_doubtful": 0,
        "basis": "told",
        "is_continued": 0,
        "late_count": 0,
        "contradiction_count": 0,
    }
    return row | changes


rows = st.lists(
    st.builds(
        lambda second, amount, shop, mode, id_: {
            "id": id_.hex,
            "first_seen_at": f"2026-03-10T09:00:{second:02}.000000Z",
            "amount_minor": amount,
            "shop_id": shop,
            "mode": mode,
        },
        st.integers(0, 5),
        st.none() | st.integers(-3, 3),
        st.sampled_from([SHOP_ID, OTHER_SHOP_ID]),
        st.sampled_from(["TEST", "PRODUCTION"]),
        st.uuids(),
    ),
    max_size=25,
    unique_by=lambda row: row["id"],
)


@pytest.mark.parametrize("sort", ["time", "-time", "amount", "-amount"])
@LAW
@given(before=rows, arriving=rows, limit=st.integers(1, 7))
def test_every_row_comes_once_and_in_order_while_others_arrive(
    ledger: Ledger,
    sort: str,
    before: list[dict[str, Any]],
    arriving: list[dict[str, Any]],
    limit: int,
) -> None:
    table = table_of(ledger, "transactions", "transactions")
    with ledger.database.begin() as connection:
        connection.execute(delete(table))
    known = {row["id"] for row in before}
    waiting = [a_row(**row) for row in arriving if row["id"] not in known]
    add_rows(ledger, table, [a_row(**row) for row in before])

    items = read_to_the_end(
        ledger,
        TRANSACTIONS,
        TransactionFilter(),
        sort=sort,
        limit=limit,
        between=lambda: add_rows(ledger, table, [waiting.pop() for _ in waiting[:2]]),
    )

    references = [item["reference"] for item in items]
    assert len(references) == len(set(references))
    shown = [place(item, sort) for item in items]
    assert shown == sorted(shown, reverse=sort.startswith("-"))
    expected = {
        (without_idle_fraction(row["first_seen_at"]), row["amount_minor"], row["shop_id"])
        for row in before
    }
    columns = ("first_seen_at", "amount_minor", "shop_id")
    assert expected <= {tuple(item[name] for name in columns) for item in items}
    assert len(items) >= len(before)


def place(item: dict[str, Any], sort: str) -> tuple[bool, Any]:
    """By amount, those without one come last in both directions."""
    if sort.endswith("time"):
        return True, item["first_seen_at"]
    is_last = item["amount_minor"] is None
    return is_last != sort.startswith("-"), item["amount_minor"] or 0


def first_page(
    ledger: Ledger, sort: str = "-time", cursor: str | None = None, **filters: Any
) -> Page:
    with ledger.database.connect() as connection:
        filter_ = TransactionFilter(**filters)
        return list_page(connection, TRANSACTIONS, filter_, sort=sort, cursor=cursor, limit=1)


def next_page(ledger: Ledger, cursor: str, sort: str = "-time", **filters: Any) -> Page:
    return first_page(ledger, sort, cursor, **filters)


def test_a_cursor_of_other_filters_or_of_another_order_is_refused(ledger: Ledger) -> None:
    table = table_of(ledger, "transactions", "transactions")
    add_rows(ledger, table, [a_row(), a_row()])
    cursor = first_page(ledger, status=frozenset({"CAPTURED", "REFUSED"})).next_cursor

    assert cursor is not None
    assert len(next_page(ledger, cursor, status=frozenset({"REFUSED", "CAPTURED"})).items) == 1
    with pytest.raises(BadCursorError):
        next_page(ledger, cursor, status=frozenset({"CAPTURED"}))
    with pytest.raises(BadCursorError):
        next_page(ledger, cursor, "time", status=frozenset({"CAPTURED", "REFUSED"}))


@LAW
@given(cursor=st.text(max_size=80))
def test_whatever_stands_in_place_of_a_cursor_is_refused(ledger: Ledger, cursor: str) -> None:
    with pytest.raises(BadCursorError):
        next_page(ledger, cursor)


KEYS: list[Any] = [
    None,
    [],
    ["x"],
    ["x", 1],
    [1, "x"],
    [None, "x"],
    ["x", "y", "z"],
    ["x", "\x00"],
    ["x", "\ud800"],
    [["x"], "y"],
    {"x": "y"},
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_a_cursor_with_a_key_of_another_shape_is_refused(ledger: Ledger, key: Any) -> None:
    table = table_of(ledger, "transactions", "transactions")
    add_rows(ledger, table, [a_row(), a_row()])
    cursor = first_page(ledger).next_cursor
    assert cursor is not None
    content = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))

    forged = base64.urlsafe_b64encode(json.dumps(content | {"k": key}).encode()).decode()

    with pytest.raises(BadCursorError):
        next_page(ledger, forged)


@pytest.mark.parametrize("amount", [2**63, -(2**64), True, "12"])
def test_a_cursor_with_an_amount_no_row_can_have_is_refused(ledger: Ledger, amount: Any) -> None:
    table = table_of(ledger, "transactions", "transactions")
    add_rows(ledger, table, [a_row(), a_row()])
    cursor = first_page(ledger, "amount").next_cursor
    assert cursor is not None
    content = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))

    forged = base64.urlsafe_b64encode(json.dumps(content | {"k": [amount, "x"]}).encode()).decode()

    with pytest.raises(BadCursorError):
        next_page(ledger, forged, "amount")


WRONG: list[dict[str, Any]] = [
    {"mode": "LIVE"},
    {"order_id": "\x00"},
    {"search": "\ud800"},
    {"search": ""},
    {"search": "x" * 513},
    {"status": frozenset({"\x00"})},
    {"amount_min": 2**63},
    {"first_seen_from": datetime(2026, 3, 10)},  # noqa: DTZ001  that is the point
]


@pytest.mark.parametrize("filters", WRONG, ids=repr)
def test_a_filter_that_no_row_could_be_compared_with_is_refused(filters: dict[str, Any]) -> None:
    with pytest.raises(BadFilterError):
        TransactionFilter(**filters)


@pytest.mark.parametrize("page_of", [{"limit": 0}, {"limit": 501}, {"sort": "size"}], ids=repr)
def test_a_page_that_cannot_be_given_is_refused(ledger: Ledger, page_of: dict[str, Any]) -> None:
    with ledger.database.connect() as connection, pytest.raises(BadFilterError):
        list_page(connection, TRANSACTIONS, TransactionFilter(), **page_of)


def test_a_view_of_other_code_is_not_read(ledger: Ledger) -> None:
    with ledger.database.begin() as connection:
        connection.execute(update(generations).values(fingerprint="of-other-code"))

    with pytest.raises(ViewNotBuiltError, match="ledger rebuild transactions"):
        first_page(ledger)


def test_a_page_says_how_far_its_view_is_behind(ledger: Ledger) -> None:
    from tests.builders import example_body, receive

    receive(ledger, example_body("form-v2", "payment-accepted"))
    behind = first_page(ledger)
    follow(ledger)
    current = first_page(ledger)

    assert (behind.items, behind.as_of_position) == ([], 0)
    assert behind.lag == current.as_of_position >= 1
    assert (len(current.items), current.lag) == (1, 0)


def test_platform_times_between_two_seconds_are_compared_rightly(ledger: Ledger) -> None:
    table = table_of(ledger, "transactions", "transactions")
    add_rows(ledger, table, [a_row(created_at="2026-03-10T09:00:01Z")])
    half = datetime(2026, 3, 10, 9, 0, 0, 500_000, tzinfo=UTC)
    past = half.replace(second=1)

    assert len(first_page(ledger, created_from=half).items) == 1
    assert len(first_page(ledger, created_from=past).items) == 0
    assert len(first_page(ledger, created_until=half).items) == 0
    assert len(first_page(ledger, created_until=past).items) == 1


def test_many_shops_are_looked_for_along_one_index(ledger: Ledger) -> None:
    table = table_of(ledger, "transactions", "transactions")
    names = [f"{number:08}" for number in range(40)]
    add_rows(ledger, table, [a_row(shop_id=name) for name in names])

    filter_ = TransactionFilter(shop_id=frozenset(names[:30]))
    items = read_to_the_end(ledger, TRANSACTIONS, filter_, limit=7)

    assert sorted(item["shop_id"] for item in items) == names[:30]
