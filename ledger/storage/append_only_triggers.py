"""Checks that the database itself keeps the ledger append-only and ordered, by its triggers."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, inspect, text

from ledger.storage.high_water_mark import POSITIONS_LOCK

APPEND_ONLY = (
    "events",
    "notifications",
    "bodies",
    "archives",
    "decisions",
    "acts",
    "apparent_names",
    "repeats",
    "stream_names",
    "log_entries",
    "log_tiles",
    "checkpoints",
    "timestamps",
    "erasures",
    "erased_origins",
    "erased_streams",
    "expiries",
    "holds",
    "journal_files",
    "journal_parts",
    "reports",
    "report_days",
    "questions",
    "answers",
    "notes",
    "access_log",
    "schema_revisions",
)
"""Tables whose rows are never changed or deleted; those of the access log by age alone."""

BY_AGE = "access_log"
_YOUNG_ON_SQLITE = "OLD.at >= strftime('%Y-%m-%dT%H:%M:%S', 'now', '-12 months')"
_YOUNG_ON_POSTGRESQL = "((old.at >= (now() - make_interval(months => 12))))"
"""The one condition of a guard, to the letter as the database has it: younger rows stay."""

ORDERED = (
    "events",
    "notifications",
    "decisions",
    "acts",
    "erasures",
    "expiries",
    "journal_files",
    "reports",
    "answers",
    "notes",
)
"""Tables that are followed in the order in which their rows were committed."""


def missing_guards(connection: Connection) -> list[str]:
    """Name every trigger and constraint that should protect the ledger and does not."""
    is_sqlite = connection.dialect.name == "sqlite"
    triggers = _missing_on_sqlite if is_sqlite else _missing_on_postgresql
    return [*triggers(connection), *_missing_constraints(connection)]


def _missing_on_sqlite(connection: Connection) -> Iterator[str]:
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    definition_by_name = {row.name: row.sql for row in connection.execute(query)}
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            name = f"{table}_refuse_{change.lower()}"
            is_by_age = (table, change) == (BY_AGE, "DELETE")
            whole = (
                f"CREATE TRIGGER {name} BEFORE {change} ON {table} "
                f"{f'WHEN {_YOUNG_ON_SQLITE} ' if is_by_age else ''}"
                f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
            )
            if definition_by_name.get(name) != whole:
                yield f"trigger {name} on {table}"


def _missing_on_postgresql(connection: Connection) -> Iterator[str]:
    query = text(
        "SELECT t.tgname AS name, c.relname AS on_table, t.tgenabled::text AS enabled,"
        " pg_get_triggerdef(t.oid) AS definition, p.prosrc AS body FROM pg_trigger t"
        " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
        " WHERE NOT t.tgisinternal AND pg_table_is_visible(c.oid)"
    )
    trigger_by_name = {row.name: row for row in connection.execute(query)}
    for name, (table, *needed) in _ON_POSTGRESQL.items():
        row = trigger_by_name.get(name)
        is_there = row is not None and row.on_table == table and row.enabled in ("O", "A")
        definition = f"{row.definition} {row.body}" if row is not None else ""
        if name == _DELETE_BY_AGE:
            definition = _without_condition(definition)
        if not is_there or not _is_whole(definition, needed):
            yield f"trigger {name} on {table}"


def _without_condition(definition: str) -> str:
    """Return a definition without its one right condition; empty when it has another, or none."""
    before, is_right, after = definition.partition(f" WHEN {_YOUNG_ON_POSTGRESQL} EXECUTE ")
    return f"{before} EXECUTE {after}" if is_right else ""


def _is_whole(definition: str, needed: Sequence[str]) -> bool:
    """Return True if a trigger does all that is needed, and does it without a condition."""
    return " WHEN (" not in definition and all(phrase in definition for phrase in needed)


_REFUSES = ("BEFORE ", "UPDATE", "TRUNCATE", "BEGIN RAISE EXCEPTION")
_DELETE_BY_AGE = f"{BY_AGE}_refuse_delete"
_ON_POSTGRESQL = {
    **{
        f"{table}_refuse_change": (table, *_REFUSES, *(("DELETE",) if table != BY_AGE else ()))
        for table in APPEND_ONLY
    },
    _DELETE_BY_AGE: (BY_AGE, "BEFORE DELETE ", " FOR EACH ROW ", "BEGIN RAISE EXCEPTION"),
    **{
        f"{table}_lock_positions": (
            table,
            "BEFORE INSERT",
            f"BEGIN PERFORM pg_advisory_xact_lock_shared({POSITIONS_LOCK})",
        )
        for table in ORDERED
    },
}
"""Trigger -> its table, and what its definition and its function must say."""


def _missing_constraints(connection: Connection) -> Iterator[str]:
    schema = inspect(connection)
    keys = {"events": ["position"], "notifications": ["place"], "bodies": ["origin_id"]}
    for table, columns in keys.items():
        if schema.get_pk_constraint(table)["constrained_columns"] != columns:
            yield f"primary key of {table}"
    unique = [constraint["column_names"] for constraint in schema.get_unique_constraints("events")]
    if ["originator_id", "originator_version"] not in unique:
        yield "uniqueness of a version in its stream"
    indexes = {index["name"]: index["unique"] for index in schema.get_indexes("notifications")}
    if not indexes.get("uq_notifications_recorded"):
        yield "uniqueness of what was recorded"
