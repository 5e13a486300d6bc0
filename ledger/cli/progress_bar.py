"""Show the progress of long work: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

LINE_SECONDS = 5.0


class Meter:
    """Shows how much of a work is done, at which rate, and how long the rest will take."""

    def __init__(self, what: str, unit: str = "positions") -> None:
        self._what = what
        self._unit = unit
        self._is_terminal = sys.stderr.isatty()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not self._is_terminal,
        )
        self._task: TaskID | None = None
        self._stage = ""
        self._began = (0.0, 0)
        self._printed_at = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began, self._printed_at = stage, (now, done), 0.0
        seconds = now - self._began[0]
        rate = (done - self._began[1]) / seconds if seconds > 0.1 else 0.0
        if self._is_terminal:
            self._show(stage, done, total, rate)
        elif now - self._printed_at >= LINE_SECONDS or done >= total:
            self._printed_at = now
            click.echo(f"{self._what}: {stage}{self._remaining(done, total, rate)}", err=True)

    def _remaining(self, done: int, total: int, rate: float) -> str:
        if total == 1:
            return ""  # one step of unknown length
        left = f", {(total - done) / rate:.0f} s left" if rate and done < total else ""
        return f" {done}/{total} {self._unit}, {rate:.0f}/s{left}"

    def _show(self, stage: str, done: int, total: int, rate: float) -> None:
        description = f"{self._what}: {stage}"
        shown_rate = f"{rate:,.0f}/s" if rate else ""
        if self._task is None:
            self._task = self._bar.add_task(description, total=total, rate=shown_rate)
        self._bar.update(
            self._task, description=description, completed=done, total=total, rate=shown_rate
        )
