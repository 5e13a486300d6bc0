"""Checks the grouped tables of read models against the rows that they are made of."""

import json
from collections.abc import Sequence
from typing import Any, TypeGuard

from sqlalchemy import (
    JSON,
    Connection,
    Table,
    Text,
    cast,
    column,
    func,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.types import TypeEngine

from ledger.audit.view_parts import ViewResult
from ledger.projections.definition import Regrouped, Summed
from ledger.projections.engine.compare import DifferingRow, Side, compare_sides, in_bytes
from ledger.projections.engine.generations import Generation
from ledger.projections.engine.key_ranges import KeyRange
from ledger.projections.engine.snapshots import snapshot
from ledger.projections.engine.writing import column_names
from ledger.storage.database import Database


def check_groups(
    database: Database,
    generation: Generation,
    table: str,
    key_range: KeyRange,
    differing_rows: Sequence[DifferingRow],
) -> ViewResult:
    """Compare a grouped table with the groups of the rows that it is made of, in one snapshot.

    Shape: `differing_rows` are those of these rows that are not what the events make of them.
    """
    (grouping,) = (each for each in generation.model.groupings if each.table.name == table)
    with snapshot(database) as log:
        source = _as_it_should_be(
            log, grouping.source, generation.tables[grouping.source], differing_rows
        )
        cut_by: tuple[str, ...] = ()
        if is_cut_by_group(grouping):
            cut_by = (grouping.key_column,)
            key = source.alias("keys").c[grouping.key_column]  # else it would be the same rows
            of_range = select(key).where(*key_range.conditions([in_bytes(log, key)]))
            groups = grouping.select(source, of_range).subquery()
        else:
            groups = grouping.select(source).subquery()
        ordered = select(*(groups.c[column.name] for column in grouping.table.columns))
        difference = compare_sides(
            grouping.table,
            Side(log, generation.tables[grouping.table]),
            Side(log, ordered.subquery()),
            key_range,
            cut_by=cut_by,
        )
    return ViewResult(differences_by_view={generation.name: [difference]})


def is_cut_by_group(grouping: Summed | Regrouped) -> TypeGuard[Regrouped]:
    """Return True if the groups of a range can be made from some of the rows.

    Each has its key from the rows, and the key of its own row begins with it or holds it.
    """
    if isinstance(grouping, Summed):
        return False
    name = grouping.key_column
    return name in grouping.source.c and name in grouping.table.primary_key.columns


def _as_it_should_be(
    log: Connection, declared_table: Table, live: Table, differing_rows: Sequence[DifferingRow]
) -> Any:
    """Return rows as the events make them, where those that are otherwise are known."""
    if not differing_rows:
        return live
    key = [live.c[name] for name in column_names(declared_table.primary_key)]
    untouched = select(live).where(tuple_(*key).not_in([each for each, _, _ in differing_rows]))
    by_events = [row for _, _, row in differing_rows if row is not None]
    columns = [column(each.name, _of_events(each.type)) for each in declared_table.columns]
    if log.dialect.name == "postgresql":
        rows = func.json_to_recordset(cast(by_events, JSON)).table_valued(*columns)
        mended = select(rows.render_derived(name="mended", with_types=True))
    else:
        elements = func.json_each(json.dumps(by_events)).table_valued("value")
        mended = select(
            *(
                func.json_extract(elements.c.value, f"$.{each.name}", type_=each.type).label(
                    each.name
                )
                for each in declared_table.columns
            )
        )
    return union_all(untouched, mended).subquery()


def _of_events(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    return Text(collation="C") if isinstance(type_, Text) else type_
