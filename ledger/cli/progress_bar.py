"""Show the progress of long work: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

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
        self._task = self._bar.add_task(what, total=None, rate="")
        self._stage = ""
        self._began = (0.0, 0)
        self._printed_at = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began, self._printed_at = stage, (now, done), 0.0
        seconds = now - self._began[0]
        rate = (done - self._began[1]) / seconds if seconds > 0.1 else 0.0
        line = f"{self._what}: {stage}"
        if self._is_terminal:
            shown_rate = f"{rate:,.0f}/s" if rate else ""
            self._bar.update(
                self._task, description=line, completed=done, total=total, rate=shown_rate
            )
        elif now - self._printed_at >= LINE_SECONDS or done >= total:
            self._printed_at = now
            if total != 1:  # else it is one step of unknown length
                left = f", {(total - done) / rate:.0f} s left" if rate and done < total else ""
                line += f" {done}/{total} {self._unit}, {rate:.0f}/s{left}"
            click.echo(line, err=True)
