"""What every view with a row for each stream has, whatever else it tells."""

from typing import Any

from sqlalchemy import Column, Integer, Text

from ledger.projections.view import FIRST, Row, StoredView, merged


def of_each_stream(*own: Column[Any]) -> tuple[Column[Any], ...]:
    """The columns of a table with a row for each stream: its own, and those that all such have."""
    return (
        Column("id", Text, primary_key=True),
        merged(FIRST, "shop_id", Text, nullable=False),
        merged(FIRST, "mode", Text, nullable=False),
        *own,
        merged(FIRST, "first_seen_at", Text, nullable=False),
        Column("last_changed_at", Text, nullable=False),
        Column("version", Integer, nullable=False),
    )


def tell_stream(event: StoredView, row: Row) -> None:
    """Add to a row what any event brings to it."""
    row["id"] = event.originator_id
    row["shop_id"] = event.shop_id
    row["mode"] = event.mode
    row["first_seen_at"] = row["last_changed_at"] = event.timestamp
    row["version"] = event.version
