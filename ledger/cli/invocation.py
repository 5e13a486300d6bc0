"""What commands are called with: the ledger that the environment names, and their options."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from ledger.application import Ledger, bootstrap
from ledger.cli.databases import named_database, refuse_missing
from ledger.errors import SettingsError
from ledger.instants import read_as_of, read_day, read_since, read_until
from ledger.queries.filter_conditions import Comparison, Condition, Filter, conditions_of
from ledger.settings import read_settings
from ledger.storage.migrations import pending

Command = TypeVar("Command", bound=Callable[..., Any])


def open_ledger(*, needs_shops: bool = False) -> Ledger:
    """Open the ledger that the environment names; never make one. Errors: SettingsError."""
    settings = read_settings(os.environ)
    refuse_missing(settings, os.environ)
    ledger = bootstrap(settings, os.environ, needs_shops=needs_shops)
    if pending(ledger.database):
        where = named_database(settings, os.environ)
        raise SettingsError(f"the database {where} is not up to date: run `ledger migrate`")
    return ledger


class Readable(click.ParamType[Any]):
    """Reads what a function can read; its ValueError is the fault of whoever typed it."""

    def __init__(self, name: str, reader: Callable[[str], Any], meaning: str) -> None:
        self.name = name
        self._reader = reader
        self._meaning = meaning

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            return self._reader(value) if isinstance(value, str) else value
        except ValueError:
            self.fail(f"{value} is no {self._meaning}")


_ISO = "ISO 8601 instant, for example 2026-03-10T09:15:00Z"
INSTANT = Readable("instant", read_as_of, _ISO)
_DAY = Readable("day", read_day, "day, for example 2026-03-10")

json_option = click.option("--json", "as_json", is_flag=True, help="For machines.")
json_lines_option = click.option(
    "--json", "as_json", is_flag=True, help="For machines: a line each."
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=lambda: os.cpu_count() or 1,
    help="Default: all cores.",
)

_TYPES: dict[Comparison, click.ParamType[Any]] = {
    Comparison.SINCE: Readable("instant", read_since, _ISO),
    Comparison.UNTIL: Readable("instant", read_until, _ISO),
    Comparison.FIRST_DAY: _DAY,
    Comparison.LAST_DAY: _DAY,
    Comparison.AT_LEAST: click.INT,
    Comparison.AT_MOST: click.INT,
}


def filter_options(filter_class: type[Filter], **flags: str) -> Callable[[Command], Command]:
    """Give a command the options of a class of filters, and hand it `filter_`.

    Shape: `flags` are those of options that are not called like their filters, by its name.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**options: Any) -> Any:
            given = {name: options.pop(name) for name in conditions_of(filter_class)}
            return command(filter_=filter_class.of(given), **options)

        with_options: Any = run
        for name, condition in reversed(conditions_of(filter_class).items()):
            with_options = _option(name, condition, flags.get(name, ""))(with_options)
        return with_options  # type: ignore[no-any-return]  # click's decorators return what they get

    return decorate


def _option(name: str, condition: Condition, flag: str) -> Callable[[Any], Any]:
    flags = [flag or f"--{name.replace('_', '-')}", *(["--shop"] if name == "shop_id" else [])]
    meaning = f"{condition.meaning[0].upper()}{condition.meaning[1:]}."
    if condition.comparison in (Comparison.IS_POSITIVE, Comparison.IS_SET):
        return click.option(*flags, name, is_flag=True, help=meaning)
    of = _TYPES.get(condition.comparison, click.STRING)
    if condition.choices:
        of = click.Choice(condition.choices, case_sensitive=not condition.is_upper)
    is_multiple = condition.comparison is Comparison.AMONG
    more = " May be given several times." if is_multiple else ""
    return click.option(*flags, name, type=of, multiple=is_multiple, help=meaning + more)
