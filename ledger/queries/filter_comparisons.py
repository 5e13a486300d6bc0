"""What the declaration of a filter says, and what all filters share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum, auto
from typing import Annotated, Any, Self, get_type_hints

from ledger.errors import BadFilterError
from ledger.ipn.modes import MODES, Mode
from ledger.ipn.storable import INTEGER_MAX, UNSTORABLE

TEXT_MAX = 500
PUBLIC_MODES = tuple(Mode(mode).public for mode in MODES)

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
    `is_upper`: stored in upper case, accepted in any. `bounds_too` is another column that the same
    bound holds for. `is_platform_time`: the column has whole seconds. A search looks for a part of
    the columns in `contained`, and for the beginning of `column`.
    """

    comparison: Comparison
    column: str
    meaning: str
    choices: tuple[str, ...] = ()
    is_upper: bool = False
    bounds_too: str = ""
    is_platform_time: bool = False
    contained: tuple[str, ...] = ()


def equal(column: str, meaning: str, **more: Any) -> Condition:
    return Condition(Comparison.EQUAL, column, meaning, **more)


def among(column: str, meaning: str, **more: Any) -> Condition:
    return Condition(Comparison.AMONG, column, meaning, **more)


def since(column: str, meaning: str, **more: Any) -> Condition:
    return Condition(Comparison.SINCE, column, f"{meaning} then or later", **more)


def until(column: str, meaning: str, **more: Any) -> Condition:
    return Condition(Comparison.UNTIL, column, f"{meaning} before; a bare day is included", **more)


def positive(column: str, meaning: str) -> Condition:
    return Condition(Comparison.IS_POSITIVE, column, meaning)


def is_set(column: str, meaning: str) -> Condition:
    return Condition(Comparison.IS_SET, column, meaning)


def contains(meaning: str, *contained: str, beginning: str = "") -> Condition:
    return Condition(Comparison.CONTAINS, beginning, meaning, contained=contained)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What every list can be narrowed to.

    Shape: None, False and the empty set do not narrow, except `shop_id`: None is every shop, the
    empty set none. Words and names match exactly, but those of `is_upper` in any case.
    Errors: BadFilterError for a value that no row could have.
    """

    shop_id: Annotated[Words | None, among("shop_id", "shop")] = None
    mode: Annotated[
        str | None, equal("mode", "test or production", choices=PUBLIC_MODES, is_upper=True)
    ] = None

    def __post_init__(self) -> None:
        for name, condition in conditions_of(type(self)).items():
            if condition.is_upper:
                object.__setattr__(self, name, _upper(getattr(self, name)))
            _check(name, getattr(self, name))

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the filter of these parameters; one that is None or empty does not narrow."""
        given: dict[str, Any] = {}
        for name in conditions_of(cls):
            value = parameters.get(name)
            if value is not None and value not in ((), []):
                given[name] = frozenset(value) if isinstance(value, list | tuple) else value
        return cls(**given)


def conditions_of(filter_class: type[Filter]) -> dict[str, Condition]:
    """Return what a class of filters declares, by name."""
    if filter_class not in _CONDITIONS:
        hints = get_type_hints(filter_class, include_extras=True)
        names = [declared.name for declared in fields(filter_class)]
        _CONDITIONS[filter_class] = {name: hints[name].__metadata__[0] for name in names}
    return _CONDITIONS[filter_class]


_CONDITIONS: dict[type[Filter], dict[str, Condition]] = {}


def narrowing(filter_: Filter) -> Iterator[tuple[str, Condition, Any]]:
    """Yield each filter that narrows: its name, its declaration and what it says."""
    for name, condition in conditions_of(type(filter_)).items():
        value = getattr(filter_, name)
        is_empty = value == frozenset() and name != "shop_id"
        if value is not None and value is not False and not is_empty:
            yield name, condition, value


def _upper(value: Words | str | None) -> Words | str | None:
    if isinstance(value, frozenset):
        return frozenset(word.upper() for word in value)
    return value and value.upper()


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
