"""Keep the tables that group or sum a read model's rows in step with those rows."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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

from ledger.projections.view import ADD, Projection, Regrouped, Row, Summed, merge_of
from ledger.projections.writing import Tables, write_rows

_GroupKey = tuple[Any, ...]


@contextmanager
def updated_groupings(
    connection: Connection,
    model: Projection,
    tables: Tables,
    rows_by_table: Mapping[Table, Sequence[Row]],
) -> Iterator[None]:
    """Bring a model's grouped tables up to date with the rows that are written meanwhile."""
    updates = [
        _update_of(connection, grouping, tables, rows_by_table[grouping.source])
        for grouping in model.groupings
        if rows_by_table.get(grouping.source)
    ]
    for update in updates:
        update.prepare()
    yield
    for update in updates:
        update.finish()


def build_groupings(connection: Connection, model: Projection, tables: Tables) -> None:
    """Make a model's grouped tables from all rows of their sources."""
    for grouping in model.groupings:
        target, source = tables[grouping.table], tables[grouping.source]
        connection.execute(delete(target))
        _insert_selected(connection, target, grouping.select(source))


def _insert_selected(connection: Connection, target: Table, groups: Select[Any]) -> None:
    column_names = [column.name for column in groups.selected_columns]
    connection.execute(insert(target).from_select(column_names, groups))


def _update_of(
    connection: Connection, grouping: Summed | Regrouped, tables: Tables, rows: Sequence[Row]
) -> "_SumUpdate | _RegroupUpdate":
    target, source = tables[grouping.table], tables[grouping.source]
    if isinstance(grouping, Summed):
        return _SumUpdate(connection, grouping, target, source, rows)
    return _RegroupUpdate(connection, grouping, target, source, rows)


class _SumUpdate:
    """Adds to sums what a batch has changed: the sums of its rows after, less those before."""

    def __init__(
        self,
        connection: Connection,
        grouping: Summed,
        target: Table,
        source: Table,
        rows: Sequence[Row],
    ) -> None:
        self._connection = connection
        self._target = target
        touched = _select_texts(connection, {row[grouping.touched] for row in rows})
        lines = select(source).where(source.c[grouping.touched].in_(touched)).subquery()
        self._query = grouping.select(lines)  # type: ignore[arg-type]  # a subquery reads like its table
        self._key_columns = [column.name for column in target.primary_key]
        self._sum_columns = [column.name for column in target.columns if merge_of(column) == ADD]

    def prepare(self) -> None:
        self._sums_before = self._read()

    def finish(self) -> None:
        sums_after = self._read()
        differences = []
        for key in sums_after.keys() | self._sums_before.keys():
            row = dict(sums_after.get(key) or self._sums_before[key])
            for name in self._sum_columns:
                row[name] = _sum_of(sums_after, key, name) - _sum_of(self._sums_before, key, name)
            differences.append(row)
        changed = [row for row in differences if any(row[name] for name in self._sum_columns)]
        write_rows(self._connection, self._target, changed)
        if any(int(row["count"] or 0) < 0 for row in changed):
            self._connection.execute(delete(self._target).where(self._target.c.count == 0))

    def _read(self) -> dict[_GroupKey, Row]:
        rows = self._connection.execute(self._query).mappings()
        return {tuple(row[name] for name in self._key_columns): dict(row) for row in rows}


def _sum_of(row_by_key: Mapping[_GroupKey, Row], group_key: _GroupKey, name: str) -> int:
    return int(row_by_key[group_key][name] or 0) if group_key in row_by_key else 0


class _RegroupUpdate:
    """Reads the groups again to which a batch's rows belonged before or belong after."""

    def __init__(
        self,
        connection: Connection,
        grouping: Regrouped,
        target: Table,
        source: Table,
        rows: Sequence[Row],
    ) -> None:
        self._connection = connection
        self._grouping = grouping
        self._target = target
        self._source = source
        row_ids = _select_texts(connection, {row["id"] for row in rows})
        self._touched_keys = grouping.select_keys(source, row_ids)

    def prepare(self) -> None:
        self._keys_before = self._read()

    def finish(self) -> None:
        keys = self._keys_before | self._read()
        if not keys:
            return
        selected = _select_texts(self._connection, keys)
        column = self._target.c[self._grouping.key_column]
        self._connection.execute(delete(self._target).where(column.in_(selected)))
        groups = self._grouping.select(self._source, selected)
        _insert_selected(self._connection, self._target, groups)

    def _read(self) -> set[str]:
        return set(self._connection.scalars(self._touched_keys))


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
