"""The options that several commands have, so that each is called and read the same everywhere."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from ledger.access.roles import ROLES
from ledger.cli import AS_JSON
from ledger.instants import read_as_of, read_day, utc_now
from ledger.ipn.modes import PUBLIC_MODES

Command = TypeVar("Command", bound=Callable[..., Any] | click.Command)


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
            self.fail(f"{value} is not {self._meaning}")


ISO = "an ISO 8601 instant, for example 2026-03-10T09:15:00Z"
INSTANT = Readable("instant", read_as_of, ISO)
DAY = Readable("day", read_day, "a day, for example 2026-03-10")


def _remember_json(ctx: click.Context, _: click.Parameter, as_json: bool) -> bool:
    if as_json:
        ctx.meta[AS_JSON] = True
    return as_json


def _json_option(meaning: str) -> Callable[[Command], Command]:
    return click.option(
        "--json", "as_json", is_flag=True, is_eager=True, callback=_remember_json, help=meaning
    )


json_option = _json_option("Print one JSON document.")
json_lines_option = _json_option("Print JSON Lines: a document a line.")


def shop_id_option(meaning: str, **attributes: Any) -> Callable[[Command], Command]:
    """Return the option that names a shop, with its short name."""
    return click.option("--shop-id", "--shop", "shop_id", help=meaning, **attributes)


def mode_option(**attributes: Any) -> Callable[[Command], Command]:
    """Return the option that names a mode, in any case."""
    modes = click.Choice(PUBLIC_MODES, case_sensitive=False)
    return click.option("--mode", type=modes, **attributes)


workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=lambda: os.cpu_count() or 1,
    show_default="all cores",
    help="Processes that work at the same time.",
)

scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Let the workers of a Dask cluster do it, as of tcp://HOST:8786; PostgreSQL only.",
)


def _refuse_past(_: click.Context, __: click.Parameter, expires: Any) -> Any:
    if expires is not None and expires <= utc_now():
        raise click.UsageError("--expires is in the past")
    return expires


role_option = click.option(
    "--role", type=click.Choice(ROLES), required=True, help="What the reader may see and do."
)
shops_option = click.option(
    "--shop-id",
    "--shop",
    "shops",
    multiple=True,
    help="Only this shop; may be given several times.  [default: all shops]",
)
expires_option = click.option(
    "--expires", type=INSTANT, callback=_refuse_past, help="Until when (ISO 8601).  [default: ever]"
)
