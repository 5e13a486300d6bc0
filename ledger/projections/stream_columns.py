"""Declare and fill the columns that every read model with a row for each stream has."""

from typing import Any

from sqlalchemy import Column, Integer, Text

from ledger.projections.definition import FIRST, EventRecord, Row, merged


def stream_columns(*own_columns: Column[Any]) -> tuple[Column[Any], ...]:
    """Return the columns of a table with a row for each stream: its own, and the common ones."""
    return (
        Column("id", Text, primary_key=True),
        merged(FIRST, "shop_id", Text, nullable=False),
        merged(FIRST, "mode", Text, nullable=False),
        *own_columns,
        merged(FIRST, "first_seen_at", Text, nullable=False),
        Column("last_changed_at", Text, nullable=False),
        Column("version", Integer, nullable=False),
    )


def fill_stream_columns(event: EventRecord, row: Row) -> None:
    """Fill the common columns of a row from an event."""
    row["id"] = event.originator_id
    row["shop_id"] = event.shop_id
    row["mode"] = event.mode
    row["first_seen_at"] = row["last_changed_at"] = event.timestamp
    row["version"] = event.version
