"""Keep the tables that group or sum a read model's rows in step with those rows."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import (
    ARRAY,
    Connection,
    Select,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
)

from ledger.projections.definition import ADD, Projection, Regrouped, Row, Summed, merge_of
from ledger.projections.engine.writing import Tables, write_rows


@contextmanager
def updated_groupings(
    connection: Connection,
    model: Projection,
    tables: Tables,
    rows_by_table: Mapping[Table, Sequence[Row]],
) -> Iterator[None]:
    """Bring a model's grouped tables up to date with the rows that are written meanwhile."""
    with ExitStack() as stack:
        for grouping in model.groupings:
            if rows := rows_by_table.get(grouping.source):
                if isinstance(grouping, Summed):
                    stack.enter_context(_updated_sums(connection, grouping, tables, rows))
                else:
                    stack.enter_context(_updated_groups(connection, grouping, tables, rows))
        yield


def build_groupings(connection: Connection, model: Projection, tables: Tables) -> None:
    """Make a model's grouped tables from all rows of their sources."""
    for grouping in model.groupings:
        target, source = tables[grouping.table], tables[grouping.source]
        connection.execute(delete(target))
        _insert_selected(connection, target, grouping.select(source))


def _insert_selected(connection: Connection, target: Table, groups: Select[Any]) -> None:
    column_names = [column.name for column in groups.selected_columns]
    connection.execute(insert(target).from_select(column_names, groups))


@contextmanager
def _updated_sums(
    connection: Connection, grouping: Summed, tables: Tables, rows: Sequence[Row]
) -> Iterator[None]:
    """Add to sums what a batch changes: the sums of its rows after, less those before."""
    target, source = tables[grouping.table], tables[grouping.source]
    touched = _select_texts(connection, {row[grouping.touched] for row in rows})
    lines = select(source).where(source.c[grouping.touched].in_(touched)).subquery()
    query = grouping.select(lines)  # type: ignore[arg-type]  # a subquery reads like its table
    key_columns = [column.name for column in target.primary_key]
    sum_columns = [column.name for column in target.columns if merge_of(column) == ADD]

    def read_sums() -> dict[tuple[Any, ...], dict[str, Any]]:
        sums = connection.execute(query).mappings()
        return {tuple(row[name] for name in key_columns): dict(row) for row in sums}

    sums_before = read_sums()
    yield
    sums_after = read_sums()
    changed = []
    for key in sums_after.keys() | sums_before.keys():
        before, after = sums_before.get(key, {}), sums_after.get(key, {})
        differences = {
            name: (after.get(name) or 0) - (before.get(name) or 0) for name in sum_columns
        }
        if any(differences.values()):
            changed.append((after or before) | differences)
    write_rows(connection, target, changed)
    if any(row["count"] < 0 for row in changed):
        connection.execute(delete(target).where(target.c.count == 0))


@contextmanager
def _updated_groups(
    connection: Connection, grouping: Regrouped, tables: Tables, rows: Sequence[Row]
) -> Iterator[None]:
    """Read the groups again to which a batch's rows belonged before or belong after."""
    target, source = tables[grouping.table], tables[grouping.source]
    row_ids = _select_texts(connection, {row["id"] for row in rows})
    touched_keys = grouping.select_keys(source, row_ids)
    keys = set(connection.scalars(touched_keys))
    yield
    keys |= set(connection.scalars(touched_keys))
    if keys:
        group_keys = _select_texts(connection, keys)
        connection.execute(delete(target).where(target.c[grouping.key_column].in_(group_keys)))
        _insert_selected(connection, target, grouping.select(source, group_keys))


def _select_texts(connection: Connection, texts: Iterable[Any]) -> Select[Any]:
    """Return a query that reads these texts from one value.

    A statement with a list of hundreds is another one for each length, and costs more to make
    than to execute.
    """
    ordered = sorted(map(str, texts))
    if connection.dialect.name == "postgresql":
        return select(func.unnest(bindparam(None, ordered, ARRAY(Text))))
    elements = func.json_each(json.dumps(ordered)).table_valued("value")
    return select(elements.c.value)
