"""Instants as people type them."""

from datetime import datetime
from typing import Any

import click

from ledger.instants import read_as_of


class Instant(click.ParamType[datetime]):
    """An ISO 8601 instant; without an offset it is in UTC, a bare day means its end."""

    name = "instant"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return read_as_of(value)
        except ValueError:
            self.fail(f"{value} is no ISO 8601 instant, for example 2026-03-10T09:15:00Z")
