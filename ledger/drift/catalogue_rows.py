"""Reads and writes catalogues as rows, and the findings beside them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, delete, select

from ledger.drift.catalogue import Catalogue, DriftFinding, NameSeen, Seen
from ledger.projections.engine.writing import upsert_into
from ledger.storage.drift_tables import (
    SCOPE,
    drift_findings,
    drift_kinds,
    drift_names,
    drift_values,
)


class DriftScope(NamedTuple):
    """A shop, one of its modes, and a format: each is known by itself."""

    shop_id: str
    mode: str
    format: str


def read_catalogue(connection: Connection, drift_scope: DriftScope) -> Catalogue:
    """Read what is known of a shop, mode and format. Shape: empty when nothing is."""
    catalogue = Catalogue()
    for row in _rows(connection, drift_kinds, drift_scope):
        catalogue.calls_by_kind[row.pop("kind")] = row["call_count"]
    for row in _rows(connection, drift_names, drift_scope):
        catalogue.put_name(row.pop("kind"), row.pop("name"), NameSeen(**row))
    for row in _rows(connection, drift_values, drift_scope):
        key = row.pop("name"), row.pop("what"), row.pop("value")
        catalogue.put_value(key, Seen(**row))
    return catalogue


def write_catalogue(
    connection: Connection,
    drift_scope: DriftScope,
    catalogue: Catalogue,
    noticed: Sequence[DriftFinding],
) -> None:
    """Write what was touched since the last time, and what was noticed."""
    of_scope = drift_scope._asdict()
    kinds = [
        {"kind": kind, "call_count": calls}
        for kind, calls in catalogue.calls_by_kind.items()
        if calls
    ]
    names = [
        {"kind": kind, "name": name, **_columns(catalogue.names_by_kind[kind][name], NameSeen)}
        for kind, name in sorted(catalogue.touched_names)
    ]
    values = [
        {"name": name, "what": what, "value": value}
        | _columns(catalogue.seen_values[name, what, value], Seen)
        for name, what, value in sorted(catalogue.touched_values)
    ]
    for table, rows in (
        (drift_kinds, kinds),
        (drift_names, names),
        (drift_values, values),
        (drift_findings, [finding._asdict() for finding in noticed]),
    ):
        _put(connection, table, [of_scope | row for row in rows])
    catalogue.touched_names.clear()
    catalogue.touched_values.clear()


def delete_catalogues(connection: Connection) -> None:
    """Remove all that is known and was noticed."""
    for table in (drift_kinds, drift_names, drift_values, drift_findings):
        connection.execute(delete(table))


def _rows(connection: Connection, table: Table, drift_scope: DriftScope) -> list[dict[str, Any]]:
    columns = [column for column in table.c if column.name not in SCOPE]
    conditions = (table.c[name] == value for name, value in drift_scope._asdict().items())
    return [dict(row) for row in connection.execute(select(*columns).where(*conditions)).mappings()]


def _columns(seen: Seen, seen_class: type[Seen]) -> dict[str, Any]:
    slots = Seen.__slots__ if seen_class is Seen else (*Seen.__slots__, *NameSeen.__slots__)
    return {name: getattr(seen, name) for name in slots}


def _put(connection: Connection, table: Table, new_rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or replace those of the same key."""
    if not new_rows:
        return
    statement = upsert_into(connection, table)
    key_columns = [column.name for column in table.primary_key]
    replaced = {
        column.name: statement.excluded[column.name]
        for column in table.c
        if column.name not in key_columns
    }
    connection.execute(
        statement.on_conflict_do_update(index_elements=key_columns, set_=replaced), new_rows
    )
