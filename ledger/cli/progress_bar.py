"""Show the progress of long work: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Callable
from math import inf
from typing import Self

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

LINE_SECONDS = 5.0
RATE_SECONDS_MIN = 0.1
"""What was done in less time says nothing about a rate."""


class Meter:
    """Shows how much of a work is done, at which rate, and how long the rest will take.

    Shape: what is counted is called by its `unit`; without one it is weights, shown as a share of
    the whole.
    """

    def __init__(
        self, what: str, unit: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._what = what
        self._unit = unit
        self._is_terminal = sys.stderr.isatty()
        context = click.get_current_context(silent=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn() if unit else TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(
                stderr=True, no_color=True if context and context.color is False else None
            ),
            disable=not self._is_terminal,
        )
        self._task = self._bar.add_task(what, total=None, rate="")
        self._stage = ""
        self._began = (0.0, 0)
        self._printed_at = -inf

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = self._clock()
        if stage != self._stage:
            self._stage, self._began, self._printed_at = stage, (now, done), -inf
        rate = self._rate(done, now - self._began[0])
        line = f"{self._what}: {stage}"
        if self._is_terminal:
            shown_rate = f"{rate:,.0f}/s" if rate and self._unit else ""
            self._bar.update(
                self._task, description=line, completed=done, total=total, rate=shown_rate
            )
        elif now - self._printed_at >= LINE_SECONDS or done >= total:
            self._printed_at = now
            click.echo(line + self._figures(done, total, rate), err=True)

    def _rate(self, done: int, seconds: float) -> float | None:
        """Return how much is done in a second; None while that is not known."""
        done_since = done - self._began[1]
        return done_since / seconds if seconds >= RATE_SECONDS_MIN and done_since else None

    def _figures(self, done: int, total: int, rate: float | None) -> str:
        if total == 1:  # one step of unknown length
            return ""
        words = [f" {done}/{total} {self._unit}" if self._unit else f" {done / total:.0%}"]
        if rate and self._unit:
            words.append(f"{rate:,.0f}/s" if rate >= 1 else f"{rate:.2f}/s")
        if rate and done < total:
            words.append(f"{(total - done) / rate:.0f} s left")
        return ", ".join(words)
