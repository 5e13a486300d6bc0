"""What the declaration of a filter says, and the conditions of a query that follow from it."""

# ruff: noqa: RUF009  # each call returns a field of a dataclass

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import Enum, auto
from functools import partial
from operator import eq, ge, le, lt
from typing import Any, Self

from sqlalchemy import ColumnElement, FromClause, and_, literal_column, or_

from ledger.errors import BadFilterError
from ledger.instants import write_instant, write_second_from
from ledger.ipn.modes import MODES, PUBLIC_MODES
from ledger.ipn.storable import INTEGER_MAX, NAME_MAX, UNSTORABLE
from ledger.storage.columns import AsciiLower, UtcDateTime, lower_ascii

TEXT_MAX = NAME_MAX
"""What is shown can be asked for; nothing longer is stored as a name."""

Words = frozenset[str]


class Comparison(Enum):
    """How a column is compared with what a filter says."""

    EQUAL = auto()
    AMONG = auto()
    SINCE = auto()
    UNTIL = auto()
    FIRST_DAY = auto()
    LAST_DAY = auto()
    AT_LEAST = auto()
    AT_MOST = auto()
    IS_POSITIVE = auto()
    IS_SET = auto()
    CONTAINS = auto()


@dataclass(frozen=True, slots=True)
class Condition:
    """The declaration of one filter.

    Shape: `column` is that of the view or table; `choices` are all it may say, none for any text.
    `is_upper`: stored in upper case, accepted in any. `is_any_case`: stored as it came, compared in
    any case of A to Z. `spell` returns a word as it is stored, or raises ValueError; `schema` is
    what JSON Schema can say of such words. `bounds_too` is another column that the same bound holds
    for. `is_platform_time`: the column has whole seconds. A search looks for a part of the columns
    in `contained`, and for the beginning of `column`.
    """

    comparison: Comparison
    column: str
    meaning: str
    choices: tuple[str, ...] = ()
    is_upper: bool = False
    is_any_case: bool = False
    spell: Callable[[str], str] | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    bounds_too: str = ""
    is_platform_time: bool = False
    contained: tuple[str, ...] = ()


# -- declarations -------------------------------------------------------------------------------


def _declared(
    comparison: Comparison, column: str, meaning: str, *, default: Any = None, **more: Any
) -> Any:
    """Return a field of a class of filters that compares a column so."""
    condition = Condition(comparison, column, meaning, **more)
    return field(default=default, metadata={"condition": condition})


equal = partial(_declared, Comparison.EQUAL)
among = partial(_declared, Comparison.AMONG, default=frozenset())
first_day = partial(_declared, Comparison.FIRST_DAY)
last_day = partial(_declared, Comparison.LAST_DAY)
at_least = partial(_declared, Comparison.AT_LEAST)
at_most = partial(_declared, Comparison.AT_MOST)
positive = partial(_declared, Comparison.IS_POSITIVE, default=False)
is_set = partial(_declared, Comparison.IS_SET, default=False)


def since(column: str, meaning: str, **more: Any) -> Any:
    return _declared(Comparison.SINCE, column, f"{meaning} then or later", **more)


def until(column: str, meaning: str, **more: Any) -> Any:
    return _declared(Comparison.UNTIL, column, f"{meaning} before; a bare day is included", **more)


def contains(meaning: str, *contained: str, beginning: str = "") -> Any:
    return _declared(Comparison.CONTAINS, beginning, meaning, contained=contained)


def is_search(filter_: "Filter") -> bool:
    """Return True if a filter looks for a part of a name."""
    return getattr(filter_, "search", None) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What every list can be narrowed to.

    Shape: None, False and the empty set do not narrow, except `shop_id`: None is every shop, the
    empty set none. Words and names match exactly, but those of `is_upper`, `is_any_case` and
    currencies in any case.
    Errors: BadFilterError for a value that no row could have.
    """

    shop_id: Words | None = among("shop_id", "shop", default=None)
    mode: str | None = equal("mode", "test or production", choices=PUBLIC_MODES, is_upper=True)

    def __post_init__(self) -> None:
        for name, condition in conditions_of(type(self)).items():
            for change in _changes(condition):
                object.__setattr__(self, name, _changed(name, change, getattr(self, name)))
            _check(name, getattr(self, name))

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the filter of these parameters; one that is None or empty does not narrow."""
        given: dict[str, Any] = {
            name: frozenset(value) if isinstance(value, list | tuple) else value
            for name in conditions_of(cls)
            if (value := parameters.get(name)) not in (None, (), [])
        }
        return cls(**given)


def conditions_of(filter_class: type[Filter]) -> dict[str, Condition]:
    """Return what a class of filters declares, by name."""
    return {declared.name: declared.metadata["condition"] for declared in fields(filter_class)}


def narrowing(filters: Filter) -> Iterator[tuple[str, Condition, Any]]:
    """Yield each filter that narrows: its name, its declaration and what it says."""
    for name, condition in conditions_of(type(filters)).items():
        value = getattr(filters, name)
        is_empty = value == frozenset() and name != "shop_id"
        if value is not None and value is not False and not is_empty:
            yield name, condition, value


def _changes(condition: Condition) -> Iterator[Callable[[str], str]]:
    """Yield what makes of a word what is compared."""
    if condition.is_upper:
        yield str.upper
    if condition.is_any_case:
        yield lower_ascii
    if condition.spell:
        yield condition.spell


def _changed(name: str, change: Callable[[str], str], words: Any) -> Any:
    try:
        if isinstance(words, frozenset):
            return frozenset(map(change, words))
        return words and change(words)
    except ValueError as error:
        raise BadFilterError(f"{name} {error}") from error


def _check(name: str, value: Any) -> None:
    if isinstance(value, frozenset):
        for word in value:
            _check(name, word)
    elif isinstance(value, str):
        if len(value) > TEXT_MAX or UNSTORABLE.search(value):
            raise BadFilterError(f"{name} is too long or holds what cannot be stored")
        if name == "mode" and value not in MODES:
            raise BadFilterError("mode is test or production")
        if name == "search" and not value:
            raise BadFilterError("search is empty")
    elif isinstance(value, datetime):
        if value.tzinfo is None:
            raise BadFilterError(f"{name} needs a time zone")
    elif isinstance(value, int) and abs(value) > INTEGER_MAX:
        raise BadFilterError(f"{name} is too large")


# -- conditions of a query ----------------------------------------------------------------------


def sql_conditions(
    filters: Filter, relation: FromClause, *, without: Collection[str] = ()
) -> list[ColumnElement[bool]]:
    """Return the conditions of a query, but those of the filters named in `without`."""
    return [
        _SQL[condition.comparison](condition, relation, value)
        for name, condition, value in narrowing(filters)
        if name not in without
    ]


def _compared(compare: Callable[[Any, Any], ColumnElement[bool]]) -> Any:
    def comparison(condition: Condition, relation: FromClause, value: Any) -> ColumnElement[bool]:
        names = filter(None, (condition.column, condition.bounds_too))
        columns = [_column(condition, relation, name) for name in names]
        return and_(*(compare(each, _as_stored(condition, each, value)) for each in columns))

    return comparison


def _column(condition: Condition, relation: FromClause, name: str) -> Any:
    return AsciiLower(relation.c[name]) if condition.is_any_case else relation.c[name]


def _as_stored(condition: Condition, column: Any, value: Any) -> Any:
    """Return a value as the column has it; an instant is text of fixed width, so that it sorts.

    The platform's times have whole seconds: what is not before a fraction is not before the next.
    """
    if isinstance(value, datetime):
        if isinstance(column.type, UtcDateTime):
            return value
        return write_second_from(value) if condition.is_platform_time else write_instant(value)
    return value.isoformat() if isinstance(value, date) else value


def _among(condition: Condition, relation: FromClause, words: Words) -> ColumnElement[bool]:
    column = relation.c[condition.column]
    return column == next(iter(words)) if len(words) == 1 else column.in_(sorted(words))


def _written_out(ending: str) -> Any:
    """Write the comparison out, without a parameter: else the small indexes of just these rows
    are not used."""
    return lambda condition, relation, value: literal_column(f"{condition.column} {ending}")


def _contains(condition: Condition, relation: FromClause, text: str) -> ColumnElement[bool]:
    part = lower_ascii(text)
    matches = [
        AsciiLower(relation.c[name]).contains(part, autoescape=True) for name in condition.contained
    ]
    if condition.column:
        beginning = AsciiLower(relation.c[condition.column])
        matches.append(beginning.startswith(part, autoescape=True))
    return or_(*matches)


_SQL: dict[Comparison, Callable[[Condition, FromClause, Any], ColumnElement[bool]]] = {
    Comparison.EQUAL: _compared(eq),
    Comparison.AMONG: _among,
    Comparison.SINCE: _compared(ge),
    Comparison.UNTIL: _compared(lt),
    Comparison.FIRST_DAY: _compared(ge),
    Comparison.LAST_DAY: _compared(le),
    Comparison.AT_LEAST: _compared(ge),
    Comparison.AT_MOST: _compared(le),
    Comparison.IS_POSITIVE: _written_out("> 0"),
    Comparison.IS_SET: _written_out("= 1"),
    Comparison.CONTAINS: _contains,
}
