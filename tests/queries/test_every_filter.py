"""Every filter through every door: API list, API export, command line and page, one answer.

The answers are compared with what a plain reading of the unfiltered rows leaves. The same
conditions run on PostgreSQL in `test_stories_listed.py` and `test_notifications.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.queries.filter_conditions import Comparison, Condition, Filter, conditions_of
from ledger.queries.filter_declarations import EventFilter, NotificationFilter, TransactionFilter
from ledger.queries.lists import ALIASES, ORDERS, SUBSCRIPTIONS, TOTALS
from tests.builders import (
    OTHER_SHOP_ID,
    SHOP_ID,
    a_form_call,
    a_ledger,
    a_rest_call,
    a_shop,
    minutes,
    receive,
    shops,
)
from tests.conftest import opened
from tests.queries.doors import Reader, Row, a_reader
from tests.queries.filling import follow

FLAGS = (Comparison.IS_POSITIVE, Comparison.IS_SET)
INSTANTS = (Comparison.SINCE, Comparison.UNTIL)
AMOUNTS = (Comparison.AT_LEAST, Comparison.AT_MOST)
SHOWN_AS = {
    "contradiction_count": "contradictions",
    "late_count": "late_news",
    "is_late": "late",
    "is_contradiction": "contradiction",
    "is_doubtful": "doubtful",
}
"""Columns that a row calls otherwise."""


@pytest.fixture(scope="module")
def filled(
    stories_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ledger, str]]:
    path = tmp_path_factory.mktemp("filters") / "ledger.sqlite"
    path.write_bytes(stories_file.read_bytes())
    with opened(f"sqlite:///{path}") as database:
        ledger = a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))
        for status, minute in (("CAPTURED", 1), ("REFUSED", 2)):  # which contradicts the first
            receive(ledger, a_rest_call(status, minutes(minute)))
        doubtful = a_form_call(trans_uuid="d0" * 16, never_documented="x")
        receive(ledger, doubtful, is_from_named_range=False)
        receive(ledger, a_form_call(trans_uuid="d1" * 16, order_info="4970100000000014"))
        receive(ledger, a_form_call(trans_uuid="d2" * 16, trans_id="zYx9wV"))
        receive(ledger, b"hello=world", shop_id=SHOP_ID, mode="TEST")
        follow(ledger)
        yield ledger, f"sqlite:///{path}"


@pytest.fixture(scope="module")
def reader(filled: tuple[Ledger, str]) -> Reader:
    return a_reader(*filled, "all shops", None)


# -- what they ask, and what a plain reading leaves ---------------------------------------------


def cell_of(row: Row, condition: Condition) -> Any:
    name = SHOWN_AS.get(condition.column, condition.column)
    return row[name if name in row else condition.column]


def with_balance(row: Row) -> Row:
    """Return an order with the figures of the balance that it has in a list."""
    nothing = {"currency": None, "open_minor": 0}  # of abandoned pages alone
    return row | next(iter(row["balances"]), nothing) if "balances" in row else row


def texts_for(condition: Condition, rows: list[Row]) -> list[str]:
    """Return what somebody writes who wants some of these rows; of days, also the next ones."""
    if condition.comparison in FLAGS:
        return ["true"]
    if condition.comparison is Comparison.CONTAINS:
        (name, *_) = condition.contained
        return [next(row[name] for row in rows if row[name])[1:6]]
    cells = sorted({cell for row in rows if (cell := cell_of(row, condition)) not in (None, "")})
    middle = str(cells[-1 if condition.is_any_case else len(cells) // 2])  # the last has letters
    if condition.comparison in INSTANTS:
        day = date.fromisoformat(middle[:10])
        return [middle, *(str(day + timedelta(days=days)) for days in (-1, 0, 1))]
    is_any = condition.is_upper or condition.is_any_case or condition.column == "currency"
    return [middle, middle.lower(), middle.upper(), middle.title()] if is_any else [middle]


def is_left(row: Row, condition: Condition, text: str) -> bool:
    if condition.comparison is Comparison.CONTAINS:
        parts = [text.lower() in (row[name] or "").lower() for name in condition.contained]
        begins = condition.column and (row[condition.column] or "").startswith(text.lower())
        return any(parts) or bool(begins)
    cell = cell_of(row, condition)
    if condition.comparison in FLAGS:
        return bool(cell)
    if cell is None:
        return False
    is_any = condition.is_upper or condition.is_any_case or condition.column == "currency"
    return PLAIN[condition.comparison](cell, text, is_any)


def compared(cell: str, text: str) -> tuple[str | datetime, str | datetime]:
    """Return both as days or as instants, whichever the text is."""
    if len(text) == len("2026-03-10"):
        return cell[:10], text
    return datetime.fromisoformat(cell), datetime.fromisoformat(text)


def is_since(cell: str, text: str, _: bool) -> bool:
    """Return True from the beginning of a day on, or from an instant on."""
    instant, bound = compared(cell, text)
    return instant >= bound  # type: ignore[operator]  # both of one type


def is_until(cell: str, text: str, _: bool) -> bool:
    """Return True through the end of a day, or before an instant."""
    instant, bound = compared(cell, text)
    is_included = isinstance(bound, str) and instant == bound
    return is_included or instant < bound  # type: ignore[operator]  # both of one type


PLAIN: dict[Comparison, Callable[[Any, str, bool], bool]] = {
    Comparison.EQUAL: lambda cell, text, is_any_case: (
        cell.upper() == text.upper() if is_any_case else cell == text
    ),
    Comparison.AMONG: lambda cell, text, is_any_case: (
        cell.upper() == text.upper() if is_any_case else cell == text
    ),
    Comparison.SINCE: is_since,
    Comparison.UNTIL: is_until,
    Comparison.FIRST_DAY: is_since,
    Comparison.LAST_DAY: is_until,
    Comparison.AT_LEAST: lambda cell, text, _: cell >= int(text),
    Comparison.AT_MOST: lambda cell, text, _: cell <= int(text),
}


# -- the doors ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listed:
    """Rows of one kind: the API's list, by which they are told apart, and all other doors."""

    filter_class: type[Filter]
    path: str
    key: tuple[str, ...]
    lists: tuple[str, ...] = ()
    export: str = ""
    commands: tuple[str, ...] = ()
    has_page: bool = False


KINDS = [
    Listed(
        TransactionFilter,
        "transactions",
        ("shop_id", "mode", "reference"),
        export="exports/transactions",
        commands=("export transactions --format jsonl",),
        has_page=True,
    ),
    Listed(
        EventFilter,
        "audit-trail",
        ("position",),
        lists=("events",),
        export="exports/events",
        commands=("export events --format jsonl",),
    ),
    Listed(
        NotificationFilter,
        "notifications",
        ("id",),
        export="exports/notifications",
        commands=(
            "export notifications --format jsonl",
            "notifications list --json --limit 10000",
        ),
    ),
    Listed(ALIASES.filter_class, "aliases", ("shop_id", "mode", "alias")),
    Listed(
        SUBSCRIPTIONS.filter_class, "subscriptions", ("shop_id", "mode", "subscription_id", "alias")
    ),
    Listed(ORDERS.filter_class, "orders", ("shop_id", "mode", "order_id", "currency")),
    Listed(
        TOTALS.filter_class,
        "totals",
        ("day", "shop_id", "mode", "currency", "payment_method", "outcome"),
    ),
]
EVERY = [(kind, name) for kind in KINDS for name in conditions_of(kind.filter_class)]


def answers(reader: Reader, kind: Listed, name: str, text: str) -> Iterator[tuple[str, list[Row]]]:
    """Ask all doors that answer with rows."""
    parameters = {name: text}
    for path in (kind.path, *kind.lists):
        yield path, reader.listed(path, **parameters)
    if kind.export:
        yield kind.export, reader.exported(kind.export, **parameters)
    for command in kind.commands:
        yield command, reader.commanded(command, **parameters)


@pytest.mark.parametrize(("kind", "name"), EVERY, ids=lambda part: getattr(part, "path", part))
def test_a_filter_has_one_answer_at_every_door(reader: Reader, kind: Listed, name: str) -> None:
    condition = conditions_of(kind.filter_class)[name]
    rows = list(map(with_balance, reader.listed(kind.path)))

    for text in texts_for(condition, rows):
        left = [row for row in rows if is_left(row, condition, text)]
        assert left or text[:4].isdigit(), "else nothing would be compared"
        expected = keys(kind, left)
        for door, answer in answers(reader, kind, name, text):
            assert keys(kind, answer) == expected, (door, text)
        if kind.has_page and "T" not in text:
            references = sorted(row["reference"] for row in left)
            assert page_answer(reader, name, condition, text) == references, text


def keys(kind: Listed, rows: list[Row]) -> list[str]:
    return sorted(repr([row[name] for name in kind.key]) for row in map(with_balance, rows))


def page_answer(reader: Reader, name: str, condition: Condition, text: str) -> list[str]:
    """Ask the search as people do: the mode in the address, amounts in major units."""
    if name == "mode":
        return sorted(reader.searched(text.lower()))
    if condition.comparison in AMOUNTS:
        text = f"{int(text) / 100:.2f}"
    parameters = {"q" if name == "search" else name: text}
    modes = ("test", "production")
    return sorted(name for mode in modes for name in reader.searched(mode, **parameters))


@pytest.mark.parametrize("name", ["zYx9wV", "ZYX9WV", "zyx9wv"])
def test_the_box_of_the_search_takes_a_short_number_in_any_case(reader: Reader, name: str) -> None:
    answer = reader.pages.get(f"/test/search?q={name}")

    assert answer.location == f"/test/shops/{SHOP_ID}/transactions/{'d2' * 16}"
    (row,) = reader.listed("transactions", trans_id=name)
    assert row["trans_id"] == "zYx9wV", "the fact is shown as it came"


# -- what is refused, everywhere in the same way --------------------------------------------------


def test_a_shop_of_others_is_refused_the_same_way_at_every_door(
    filled: tuple[Ledger, str],
) -> None:
    limited = a_reader(*filled, "one shop", [OTHER_SHOP_ID])

    paths = {path for kind in KINDS for path in (kind.path, *kind.lists, kind.export) if path}
    for path in sorted(paths | {"access-log"}):
        for name in ("shop_id", "shop"):
            assert limited.call(path, **{name: SHOP_ID}).status_code == 403, path
            assert limited.call(path, **{name: OTHER_SHOP_ID}).status_code == 200, path
    for path in ("search", "export/transactions", "access-log"):
        assert limited.pages.get(f"/test/{path}?shop_id={SHOP_ID}").status_code == 403, path
        assert limited.pages.get(f"/test/{path}?shop_id={OTHER_SHOP_ID}").status_code == 200, path


def test_what_cannot_be_read_has_one_status_at_every_door(reader: Reader) -> None:
    lists = {path for kind in KINDS for path in (kind.path, *kind.lists)} | {"access-log"}
    for path in sorted(lists):
        assert reader.call(path, cursor="none").status_code == 422, path
        assert reader.call(path, shop_idd="1").status_code == 422, path
    for path in ("search", "notifications", "quarantine", "access-log"):
        assert reader.pages.get(f"/test/{path}?cursor=none").status_code == 422, path


def test_a_flag_is_true_or_false_at_every_door(reader: Reader) -> None:
    for path in ("transactions", "audit-trail", "events"):
        assert reader.call(path, late="false").status_code == 200
        assert reader.call(path, late="yes").status_code == 422
    assert reader.call("events", details="yes").status_code == 422
    assert reader.pages.get("/test/search?late=yes").status_code == 422
