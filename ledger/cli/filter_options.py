"""The options of a list or an export: one for each filter that is declared for it."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click

from ledger.cli.options import DAY, ISO, Command, Readable
from ledger.instants import read_since, read_until
from ledger.queries.filter_conditions import Comparison, Condition, Filter, conditions_of

_TYPES: dict[Comparison, click.ParamType[Any]] = {
    Comparison.SINCE: Readable("instant", read_since, ISO),
    Comparison.UNTIL: Readable("instant", read_until, ISO),
    Comparison.FIRST_DAY: DAY,
    Comparison.LAST_DAY: DAY,
    Comparison.AT_LEAST: click.INT,
    Comparison.AT_MOST: click.INT,
}
_SHORT = {"shop_id": ("--shop-id", "--shop")}


def filter_options(
    filter_class: type[Filter], **flags_by_name: Sequence[str]
) -> Callable[[Command], Command]:
    """Give a command the options of a class of filters, and hand it `filter_`.

    Shape: an option is called like its filter, but where `flags_by_name` says how it is called
    here; what that says of filters which are not declared does not matter.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**options: Any) -> Any:
            given = {name: options.pop(name) for name in conditions_of(filter_class)}
            return command(filter_=filter_class.of(given), **options)

        with_options: Any = run
        for name, condition in reversed(conditions_of(filter_class).items()):
            flags = {**_SHORT, **flags_by_name}.get(name) or [f"--{name.replace('_', '-')}"]
            with_options = _option(name, condition, flags)(with_options)
        return with_options  # type: ignore[no-any-return]  # click's decorators return what they get

    return decorate


def _option(name: str, condition: Condition, flags: Sequence[str]) -> Callable[[Any], Any]:
    meaning = f"{condition.meaning[0].upper()}{condition.meaning[1:]}."
    if condition.comparison in (Comparison.IS_POSITIVE, Comparison.IS_SET):
        return click.option(*flags, name, is_flag=True, help=meaning)
    of = _TYPES.get(condition.comparison, click.STRING)
    if condition.choices:
        of = click.Choice(condition.choices, case_sensitive=not condition.is_upper)
    is_multiple = condition.comparison is Comparison.AMONG
    more = " May be given several times." if is_multiple else ""
    return click.option(*flags, name, type=of, multiple=is_multiple, help=meaning + more)
