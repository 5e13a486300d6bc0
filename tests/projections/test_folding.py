"""Folding knows which of the rows that a batch produces are new."""

from sqlalchemy import Column, MetaData, Table, Text

from ledger.application import Ledger
from ledger.projections.definition import EventRecord, Projection, Rows
from ledger.projections.engine.event_reader import read_events
from ledger.projections.engine.folding import fold
from ledger.projections.engine.registry import PROJECTIONS

_shops = Table("shops", MetaData(), Column("id", Text, primary_key=True))


def _shop(event: EventRecord) -> Rows:
    yield _shops, {"id": event.shop_id}


SHOPS = Projection("shops", (_shops,), _shop)


def test_a_row_is_new_where_its_stream_or_its_event_begins_in_the_batch(
    sqlite_stories: Ledger,
) -> None:
    with sqlite_stories.database.connect() as connection:
        log = read_events(connection, None, after=0, until=10**6)
    batch = log[len(log) // 3 :]
    begun = {originator_id for _, originator_id, version, *_ in batch if version == 1}
    known = {originator_id for _, originator_id, *_ in batch} - begun

    new = {
        table.name: {row[column.name] for row in rows for column in table.primary_key}
        for model in PROJECTIONS.values()
        for table, rows in fold(model, batch).new_rows_by_table.items()
    }

    assert begun
    assert known
    assert new["transactions"] | new["aliases"] | new["subscriptions"] == begun
    assert new["order_lines"] <= new["transactions"] == new["total_lines"]
    assert new["audit_trail"] == {position for position, *_ in batch}
    assert "coverage_lines" not in new
    assert "instalments" not in new


def test_rows_that_are_no_streams_are_never_taken_for_new(sqlite_stories: Ledger) -> None:
    """Their keys may be there, whichever event has them."""
    with sqlite_stories.database.connect() as connection:
        changes = fold(SHOPS, read_events(connection, None, after=0, until=10**6))

    assert len(changes.rows_by_table[_shops]) == 1
    assert changes.new_rows_by_table == {}
