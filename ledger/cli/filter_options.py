"""Derives from the declarations of filters the options of a command."""

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from typing import Any, TypeVar

import click

from ledger.instants import read_since, read_until
from ledger.queries.filter_conditions import Comparison, Condition, Filter, conditions_of

Command = TypeVar("Command", bound=Callable[..., Any])


class Bound(click.ParamType[datetime]):
    """An ISO 8601 instant, or a day that is included."""

    name = "instant"

    def __init__(self, read: Callable[[str], datetime]) -> None:
        self._read = read

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return self._read(value)
        except ValueError:
            self.fail(f"{value} is no ISO 8601 instant, for example 2026-03-10T09:15:00Z")


class Day(click.ParamType[date]):
    """A day, such as `2026-03-10`."""

    name = "day"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value} is no day, for example 2026-03-10")


_TYPES: dict[Comparison, Callable[[], click.ParamType[Any]]] = {
    Comparison.SINCE: lambda: Bound(read_since),
    Comparison.UNTIL: lambda: Bound(read_until),
    Comparison.FIRST_DAY: Day,
    Comparison.LAST_DAY: Day,
    Comparison.AT_LEAST: lambda: click.INT,
    Comparison.AT_MOST: lambda: click.INT,
}
_FLAGS = (Comparison.IS_POSITIVE, Comparison.IS_SET)


def filter_options(filter_class: type[Filter]) -> Callable[[Command], Command]:
    """Give a command the options of a class of filters, and hand it `filter_`."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**options: Any) -> Any:
            given = {name: options.pop(name) for name in conditions_of(filter_class)}
            return command(filter_=filter_class.of(given), **options)

        with_options: Any = run
        for name, condition in reversed(conditions_of(filter_class).items()):
            with_options = _option(name, condition)(with_options)
        return with_options  # type: ignore[no-any-return]  # click's decorators return what they get

    return decorate


def _option(name: str, condition: Condition) -> Callable[[Any], Any]:
    flag, meaning = f"--{name.replace('_', '-')}", _sentence(condition.meaning)
    if condition.comparison in _FLAGS:
        return click.option(flag, name, is_flag=True, help=meaning)
    of: click.ParamType[Any] = click.STRING
    if condition.choices:
        of = click.Choice(condition.choices, case_sensitive=not condition.is_upper)
    elif condition.comparison in _TYPES:
        of = _TYPES[condition.comparison]()
    is_multiple = condition.comparison is Comparison.AMONG
    more = " May be given several times." if is_multiple else ""
    return click.option(flag, name, type=of, multiple=is_multiple, help=meaning + more)


def _sentence(meaning: str) -> str:
    return f"{meaning[0].upper()}{meaning[1:]}."
