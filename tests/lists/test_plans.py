"""A list is read along an index that has its order, so that its length costs nothing."""

from typing import Any

import pytest
from sqlalchemy import event

from ledger.application import Ledger
from ledger.lists import TransactionFilter, transactions
from tests.builders import SHOP_ID

SHOPS = frozenset({SHOP_ID})


@pytest.mark.parametrize("sort", ["time", "-time", "amount", "-amount"])
@pytest.mark.parametrize(
    "filter_",
    [
        TransactionFilter(),
        TransactionFilter(mode="test"),
        TransactionFilter(mode="production"),
        TransactionFilter(shops=SHOPS),
        TransactionFilter(shops=SHOPS, mode="production"),
    ],
    ids=["all", "test", "production", "shop", "shop in production"],
)
def test_each_order_of_each_mode_has_an_index(
    ledger: Ledger, sort: str, filter_: TransactionFilter
) -> None:
    assert_read_along_indexes(ledger, filter_, sort)


def test_a_status_by_time_has_an_index(ledger: Ledger) -> None:
    filter_ = TransactionFilter(mode="test", statuses=frozenset({"REFUSED"}))

    assert_read_along_indexes(ledger, filter_, "-time")


def assert_read_along_indexes(ledger: Ledger, filter_: TransactionFilter, sort: str) -> None:
    """Nothing is scanned, and nothing sorted but rows of one moment and what branches bring."""
    with ledger.database.connect() as connection:
        if connection.dialect.name == "postgresql":  # else an empty table is never worth an index
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
        asked: list[tuple[str, Any]] = []
        listen = (connection, "before_cursor_execute", _noting(asked))
        event.listen(*listen)
        transactions(connection, filter_, sort=sort)
        event.remove(*listen)
        reading = [one for one in asked if "FROM transactions_g" in one[0].replace("\n", "")]
        is_sqlite = ledger.database.is_sqlite
        explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
        steps = [
            str(row[-1])
            for statement, values in reading
            for row in connection.exec_driver_sql(explain + statement, values)
        ]

    steps = [one for one in steps if "Sort Key" not in one and "Presorted Key" not in one]
    scans = [one for one in steps if "transactions_g" in one]
    assert scans
    for one in scans:
        assert "Index Scan" in one or "USING INDEX ix_transactions" in one, steps
    if filter_.mode is not None:  # what several branches bring is sorted together
        sorts = [one for one in steps if "Sort" in one or "TEMP B-TREE" in one]
        of_one_moment = ("Incremental Sort", "FOR RIGHT PART OF ORDER BY", "FOR LAST TERM")
        assert not [one for one in sorts if not any(few in one for few in of_one_moment)], steps


def _noting(asked: list[tuple[str, Any]]) -> Any:
    def note(_c: Any, _cursor: Any, statement: str, values: Any, _x: Any, _many: bool) -> None:
        asked.append((statement, values))

    return note
