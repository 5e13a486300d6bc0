"""Checks the live read models: projects the events again part by part, and compares the rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, inspect, select, text

from ledger.audit.check_names import VIEWS
from ledger.audit.check_task import CheckTask
from ledger.audit.fault import NOT_BUILT, PASSED_OVER, CheckResult
from ledger.audit.view_groups import check_groups, is_cut_by_group
from ledger.audit.view_parts import (
    KNOWN_MAX,
    NOTIFICATION,
    POSITION,
    STREAM,
    ViewPart,
    ViewResult,
    check_rows,
    first_of_key,
    in_memory,
)
from ledger.projections.definition import Regrouped, Row, Summed
from ledger.projections.engine.compare import (
    SAMPLE,
    Difference,
    Side,
    add_difference,
    compare_sides,
    in_bytes,
)
from ledger.projections.engine.generations import (
    Generation,
    live_generation,
    poison_of,
    position_of,
)
from ledger.projections.engine.key_ranges import (
    EVERYTHING,
    KeyRange,
    part_size,
    ranges_of_ids,
    ranges_of_positions,
    ranges_of_rows,
)
from ledger.projections.engine.registry import PROJECTIONS
from ledger.projections.engine.snapshots import snapshot
from ledger.projections.engine.writing import Tables
from ledger.storage.database import Database
from ledger.storage.tables import notifications


@dataclass
class CheckedView:
    """A live read model, and what its parts have shown so far.

    Shape: `common_rows` are the live rows to which every part adds, and `added_rows` what parts
    have added, by table; a table is missing in `difference_by_table` while it is not compared.
    """

    generation: Generation
    until: int
    common_rows: Mapping[Table, list[Row]]
    added_rows: dict[str, list[Row]] = field(default_factory=dict)
    difference_by_table: dict[str, Difference] = field(default_factory=dict)
    refused_by: str | None = None

    @property
    def cut_by(self) -> str:
        """Return the column by which the events and rows of this read model are cut."""
        return first_of_key(self.generation.model.tables[0])


class ReadModelCheck:
    """Checks all read models of this code, as far as they are built.

    Shape: first parts of their events and rows, each part for all read models that are cut alike,
    so that its events are read once; then groups, which are made of rows. `size_max` is how many
    events a part has at most.
    """

    def __init__(self, database: Database, size_max: int) -> None:
        self._database = database
        self._views: dict[str, CheckedView] = {}
        self._results: dict[str, CheckResult] = {}
        with snapshot(database) as log:
            newest = log.scalar(text("SELECT max(position) FROM events")) or 0
            self._newest, self._size = newest, part_size(newest, largest=size_max)
            for name in PROJECTIONS:
                self._results[name] = self._look_at(log, name)

    def _look_at(self, log: Connection, name: str) -> CheckResult:
        """Note what is wrong with a read model as a whole, and whether its rows can be checked."""
        result, generation = CheckResult(), live_generation(log, PROJECTIONS[name])
        if generation is None:
            result.remarks[NOT_BUILT] += 1
            return result
        subject, position = f"view {name} g{generation.id}", position_of(log, generation)
        if position > self._newest:
            detail = f"at {position}, the log ends at {self._newest}"
            result.add(None, subject, "view-ahead", detail)
        damaged = _damaged_tables(log, generation.tables)
        for table_name in damaged:
            result.add(None, subject, "view-table", table_name)
        if not damaged:
            result.remarks[PASSED_OVER] += len(poison_of(log, generation.id))
            common_rows = {
                table: list(map(dict, log.execute(select(generation.tables[table])).mappings()))
                for table in generation.model.tables
                if first_of_key(table) != first_of_key(generation.model.tables[0])
            }
            until = min(position, self._newest)
            self._views[name] = CheckedView(generation, until, common_rows)
        return result

    # -- what is to be done -----------------------------------------------------------------------

    def part_tasks(self) -> Iterator[CheckTask]:
        """Yield the parts of the events, each with the rows that they make."""
        for column in (STREAM, POSITION, NOTIFICATION):
            views = [
                (view.generation, view.until)
                for view in self._views.values()
                if view.cut_by == column
            ]
            for key_range in self._cut(column) if views else ():
                arguments = {"view_part": ViewPart(column, key_range), "views": views}
                yield CheckTask(VIEWS, self._size * len(views), check_rows, arguments)

    def _cut(self, column: str) -> list[KeyRange]:
        if column == STREAM:
            return ranges_of_ids(-(-self._newest // self._size) or 1)
        if column == POSITION:
            return ranges_of_positions(self._newest, self._size)
        with self._database.connect() as connection:
            return ranges_of_rows(connection, notifications, [notifications.c.id], self._size)

    def group_tasks(self) -> Iterator[CheckTask]:
        """Yield the grouped tables, or ranges of them, once all parts are done."""
        for view in self._views.values():
            for grouping in view.generation.model.groupings:
                source = view.difference_by_table.get(grouping.source.name)
                if view.refused_by is None and source is not None and is_known(source):
                    for key_range in self._cut_groups(view.generation, grouping):
                        arguments = {
                            "generation": view.generation,
                            "table": grouping.table.name,
                            "key_range": key_range,
                            "differing_rows": source.sample,
                        }
                        yield CheckTask(VIEWS, self._size, check_groups, arguments)

    def _cut_groups(self, generation: Generation, grouping: Summed | Regrouped) -> list[KeyRange]:
        if not is_cut_by_group(grouping):
            return [EVERYTHING]
        target = generation.tables[grouping.table]
        with self._database.connect() as connection:
            key = in_bytes(connection, target.c[grouping.key_column])
            return ranges_of_rows(connection, target, [key], self._size)

    # -- what came of it --------------------------------------------------------------------------

    def add(self, view_result: ViewResult) -> None:
        """Add what a part or a group has shown; those of one table come in the order of keys."""
        for name, error in view_result.refusals.items():
            self._views[name].refused_by = self._views[name].refused_by or error
        for name, differences in view_result.differences_by_view.items():
            for difference in differences:
                add_difference(self._views[name].difference_by_table, difference)
        for view in self._views.values():
            for table in view.common_rows:
                added = view_result.common_rows.get(table.name, ())
                view.added_rows.setdefault(table.name, []).extend(added)

    def results(self) -> Iterator[CheckResult]:
        """Yield what is wrong with each read model, in their order, when all is done."""
        for name, result in self._results.items():
            view = self._views.get(name)
            if view is not None:
                subject = f"view {name} g{view.generation.id}"
                for reason, detail in _disagreements(view):
                    result.add(None, subject, reason, detail)
                result.checked = view.until if view.refused_by is None else 0
            yield result


def is_known(difference: Difference) -> bool:
    """Return True if it is known of every row that differs how it should be."""
    return difference.differing == len(difference.sample) <= KNOWN_MAX


def _damaged_tables(connection: Connection, tables: Tables) -> list[str]:
    """Return the tables that are not there or have other columns."""
    inspector = inspect(connection)
    return [
        table.name
        for table in tables.values()
        if not inspector.has_table(table.name)
        or {column["name"] for column in inspector.get_columns(table.name)} != {*table.c.keys()}
    ]


def _disagreements(checked_view: CheckedView) -> Iterator[tuple[str, str]]:
    """Yield reason and detail for the first rows of a table that differ, and one for the others."""
    if checked_view.refused_by is not None:
        yield "view-refused", checked_view.refused_by
        return
    for table, live_rows in checked_view.common_rows.items():
        checked_view.difference_by_table[table.name] = _compare_common(
            table, live_rows, checked_view.added_rows.get(table.name, [])
        )
    for table in checked_view.generation.model.all_tables:
        difference = checked_view.difference_by_table.get(table.name)
        if difference is None:
            detail = f"{table.name}: not compared, too many rows differ of which it is made"
            yield "view-differs", detail
            continue
        for key, live, projected in difference.sample[:SAMPLE]:
            name = f"{difference.table} {'/'.join(map(str, key))}"
            if live is None:
                yield "view-row-missing", name
            elif projected is None:
                yield "view-row-extra", name
            else:
                yield "view-row-differs", f"{name}: {_changed(live, projected)}"
        if (more := difference.differing - SAMPLE) > 0:
            yield "view-differs", f"{difference.table}: {more} more rows"


def _compare_common(table: Table, live_rows: list[Row], added_rows: list[Row]) -> Difference:
    """Compare rows to which every part adds with all that parts have added, merged."""
    with in_memory({table: live_rows}) as live, in_memory({table: added_rows}) as projected:
        return compare_sides(table, Side(live, table), Side(projected, table))


def _changed(live: Row, projected: Row) -> str:
    return ", ".join(
        f"{column} is {live[column]!r}, the events say {projected[column]!r}"
        for column in live
        if live[column] != projected[column]
    )
