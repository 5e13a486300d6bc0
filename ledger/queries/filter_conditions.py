"""Derives from a filter the conditions of a query, and the same test for events in memory."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from operator import attrgetter, eq, ge, le, lt
from typing import Any

from sqlalchemy import ColumnElement, Table, Text, literal_column, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from ledger.instants import write_instant, write_second_from
from ledger.queries.filter_comparisons import Comparison, Condition, Filter, narrowing
from ledger.queries.filter_declarations import EventFilter
from ledger.storage.tables import UtcDateTime

Conditions = list[ColumnElement[bool]]


def sql_conditions(filter_: Filter, table: Table, *, without: Collection[str] = ()) -> Conditions:
    """Return the conditions of a query, but those of the filters named in `without`."""
    return [
        sql
        for name, condition, value in narrowing(filter_)
        if name not in without
        for sql in _SQL[condition.comparison](condition, table, value)
    ]


def event_test(filter_: EventFilter) -> Callable[[Any], bool]:
    """Return the test that an event passes exactly if the audit trail would list it."""
    tests = [
        (_EVENT_FIELDS[condition.column], _IN_MEMORY[condition.comparison], value)
        for _, condition, value in narrowing(filter_)
    ]
    return lambda event: all(passes(read(event), value) for read, passes, value in tests)


_EVENT_FIELDS: dict[str, Callable[[Any], Any]] = {
    "shop_id": attrgetter("shop_id"),
    "mode": attrgetter("mode"),
    "type": attrgetter("TOPIC"),
    "kind": lambda event: event.TOPIC.partition(".")[0],
    "rule": attrgetter("rule"),
    "reference": attrgetter("reference"),
    "is_late": attrgetter("late"),
    "is_contradiction": attrgetter("contradiction"),
    "is_odd": attrgetter("odd"),
    "recorded_at": attrgetter("timestamp"),
}
"""Columns of the audit trail, read from an event."""

_IN_MEMORY: dict[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.EQUAL: eq,
    Comparison.AMONG: lambda field, words: field in words,
    Comparison.SINCE: ge,
    Comparison.UNTIL: lt,
    Comparison.IS_SET: lambda field, _: bool(field),
}


def _equal(condition: Condition, table: Table, value: Any) -> Iterator[ColumnElement[bool]]:
    yield table.c[condition.column] == value


def _among(condition: Condition, table: Table, words: Any) -> Iterator[ColumnElement[bool]]:
    column = table.c[condition.column]
    yield column == next(iter(words)) if len(words) == 1 else column.in_(sorted(words))


def _bounded(compare: Callable[[Any, Any], Any]) -> Any:
    def bound(
        condition: Condition, table: Table, instant: datetime
    ) -> Iterator[ColumnElement[bool]]:
        for name in filter(None, (condition.column, condition.bounds_too)):
            yield compare(table.c[name], _as_stored(condition, table.c[name], instant))

    return bound


def _as_stored(condition: Condition, column: Any, instant: datetime) -> datetime | str:
    """Return an instant as the column has it: text of fixed width, which sorts as instants do.

    The platform's times have whole seconds: what is not before a fraction is not before the next.
    """
    if isinstance(column.type, UtcDateTime):
        return instant
    return write_second_from(instant) if condition.is_platform_time else write_instant(instant)


def _compared(compare: Callable[[Any, Any], Any]) -> Any:
    def comparison(condition: Condition, table: Table, value: Any) -> Iterator[ColumnElement[bool]]:
        as_stored = value if isinstance(value, int) else value.isoformat()
        yield compare(table.c[condition.column], as_stored)

    return comparison


def _written_out(ending: str) -> Any:
    """Write the comparison out, without a parameter: else the small indexes of just these rows
    are not used."""

    def comparison(condition: Condition, *_: Any) -> Iterator[ColumnElement[bool]]:
        yield literal_column(f"{condition.column} {ending}")

    return comparison


def _contains(condition: Condition, table: Table, text: str) -> Iterator[ColumnElement[bool]]:
    part = text.translate(_LOWER)
    matches = [
        _AsciiLower(table.c[name]).contains(part, autoescape=True) for name in condition.contained
    ]
    if condition.column:
        beginning = _AsciiLower(table.c[condition.column])
        matches.append(beginning.startswith(part, autoescape=True))
    yield or_(*matches)


_SQL: dict[Comparison, Callable[[Condition, Table, Any], Iterator[ColumnElement[bool]]]] = {
    Comparison.EQUAL: _equal,
    Comparison.AMONG: _among,
    Comparison.SINCE: _bounded(ge),
    Comparison.UNTIL: _bounded(lt),
    Comparison.FIRST_DAY: _compared(ge),
    Comparison.LAST_DAY: _compared(le),
    Comparison.AT_LEAST: _compared(ge),
    Comparison.AT_MOST: _compared(le),
    Comparison.IS_POSITIVE: _written_out("> 0"),
    Comparison.IS_SET: _written_out("= 1"),
    Comparison.CONTAINS: _contains,
}

_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class _AsciiLower(FunctionElement[str]):
    """The text with A to Z in small letters: that much SQLite and every server agree on."""

    type = Text()
    inherit_cache = True


@compiles(_AsciiLower)
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"lower({compiler.process(element.clauses, **options)})"


@compiles(_AsciiLower, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f'lower({compiler.process(element.clauses, **options)} COLLATE "C")'
