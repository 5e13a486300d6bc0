"""What in the database itself keeps the ledger append-only and ordered, and whether it is there."""

from collections.abc import Iterator

from sqlalchemy import Connection, inspect, text

from ledger.storage.high_water_mark import POSITIONS_LOCK

APPEND_ONLY = ("events", "notifications", "repeats", "access_log")
"""Tables whose rows are never changed or deleted."""


def missing_guards(connection: Connection) -> list[str]:
    """Every trigger and constraint that should protect the ledger and does not, in words."""
    is_sqlite = connection.dialect.name == "sqlite"
    triggers = _missing_on_sqlite if is_sqlite else _missing_on_postgresql
    return [*triggers(connection), *_missing_constraints(connection)]


def _missing_on_sqlite(connection: Connection) -> Iterator[str]:
    query = text("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
    known = {row.name: (row.tbl_name, row.sql) for row in connection.execute(query)}
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            name = f"{table}_refuse_{change.lower()}"
            on, told = known.get(name, ("", ""))
            needed = (f"BEFORE {change} ON {table} ", "RAISE(ABORT")
            if on != table or " WHEN " in told or not all(one in told for one in needed):
                yield f"trigger {name} on {table}"


def _missing_on_postgresql(connection: Connection) -> Iterator[str]:
    query = text(
        "SELECT t.tgname AS name, c.relname AS on_table, t.tgenabled::text AS enabled,"
        " pg_get_triggerdef(t.oid) AS definition, p.prosrc AS body FROM pg_trigger t"
        " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE NOT t.tgisinternal AND n.nspname = current_schema()"
    )
    known = {row.name: row for row in connection.execute(query)}
    for name, (table, *needed) in _ON_POSTGRESQL.items():
        row = known.get(name)
        is_there = row is not None and row.on_table == table and row.enabled in ("O", "A")
        told = f"{row.definition} {row.body}" if row is not None else ""
        if not is_there or " WHEN (" in told or not all(one in told for one in needed):
            yield f"trigger {name} on {table}"


_REFUSES = ("BEFORE ", "DELETE", "UPDATE", "TRUNCATE", "BEGIN RAISE EXCEPTION")
_ON_POSTGRESQL = {
    **{f"{table}_refuse_change": (table, *_REFUSES) for table in APPEND_ONLY},
    "events_lock_positions": (
        "events",
        "BEFORE INSERT",
        f"BEGIN PERFORM pg_advisory_xact_lock_shared({POSITIONS_LOCK})",
    ),
}
"""Trigger -> its table, and what its definition and its function must say."""


def _missing_constraints(connection: Connection) -> Iterator[str]:
    found = inspect(connection)
    keys = {"events": ["position"], "notifications": ["id"]}
    for table, columns in keys.items():
        if found.get_pk_constraint(table)["constrained_columns"] != columns:
            yield f"primary key of {table}"
    unique = [one["column_names"] for one in found.get_unique_constraints("events")]
    if ["originator_id", "originator_version"] not in unique:
        yield "uniqueness of a version in its stream"
    indexes = {one["name"]: one["unique"] for one in found.get_indexes("notifications")}
    if not indexes.get("uq_notifications_recorded"):
        yield "uniqueness of what was recorded"
