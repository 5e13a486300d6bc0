"""A list is read along an index that has its order, so that its length costs nothing."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event

from ledger.application import Ledger
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.lists import TRANSACTIONS, list_page
from ledger.queries.transaction_sums import count_transactions
from tests.builders import SHOP_ID

SHOPS = frozenset({SHOP_ID})


@pytest.mark.parametrize("sort", ["time", "-time", "amount", "-amount", "created", "-created"])
@pytest.mark.parametrize(
    "filter_",
    [
        TransactionFilter(),
        TransactionFilter(mode="test"),
        TransactionFilter(mode="production"),
        TransactionFilter(shop_id=SHOPS),
        TransactionFilter(shop_id=SHOPS, mode="production"),
    ],
    ids=["all", "test", "production", "shop", "shop in production"],
)
def test_each_order_of_each_mode_has_an_index(
    story_ledger: Ledger, sort: str, filter_: TransactionFilter
) -> None:
    assert_read_along_indexes(story_ledger, filter_, sort)


def test_a_status_by_time_has_an_index(story_ledger: Ledger) -> None:
    filter_ = TransactionFilter(mode="test", status=frozenset({"REFUSED"}))

    assert_read_along_indexes(story_ledger, filter_, "-time")


def test_a_trans_id_in_any_case_has_an_index(story_ledger: Ledger) -> None:
    filter_ = TransactionFilter(trans_id="aB1c9d")

    steps = plan_of(story_ledger, lambda connection: count_transactions(connection, filter_))

    plan = "\n".join(steps)

    assert re.search(r"ix_transactions_g\d+_trans_id", plan), plan


def plan_of(ledger: Ledger, read: Callable[[Connection], object]) -> list[str]:
    """Return the steps by which the rows of transactions are read."""
    with ledger.database.connect() as connection:
        if connection.dialect.name == "postgresql":  # else a small table is never worth an index
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
        statements: list[tuple[str, Any]] = []
        listen = (connection, "before_cursor_execute", _noting(statements))
        event.listen(*listen)
        read(connection)
        event.remove(*listen)
        reading = [
            (statement, parameters)
            for statement, parameters in statements
            if "FROM transactions_g" in statement.replace("\n", "")
        ]
        is_sqlite = ledger.database.is_sqlite
        explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
        return [
            str(row[-1])
            for statement, parameters in reading
            for row in connection.exec_driver_sql(explain + statement, parameters)
        ]


def assert_read_along_indexes(ledger: Ledger, filter_: TransactionFilter, sort: str) -> None:
    """Nothing is scanned, and nothing sorted but rows of one instant and the merged index scans."""
    steps = plan_of(
        ledger, lambda connection: list_page(connection, TRANSACTIONS, filter_, sort=sort)
    )
    steps = [step for step in steps if "Sort Key" not in step and "Presorted Key" not in step]
    scans = [step for step in steps if "transactions_g" in step]
    assert scans
    for scan in scans:
        assert "Index Scan" in scan or "USING INDEX ix_transactions" in scan, steps
    if filter_.mode is not None:  # the rows of several index scans are sorted together
        sorts = [step for step in steps if "Sort" in step or "TEMP B-TREE" in step]
        of_one_instant = ("Incremental Sort", "FOR RIGHT PART OF ORDER BY", "FOR LAST TERM")
        assert not [s for s in sorts if not any(words in s for words in of_one_instant)], steps


def _noting(statements: list[tuple[str, Any]]) -> Any:
    def note(_c: Any, _cursor: Any, statement: str, values: Any, _x: Any, _many: bool) -> None:
        statements.append((statement, values))

    return note
