"""What a benchmark found: figures beside the goals they were to reach, as a table and as JSON."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("eventsourcing", "flask", "granian", "msgspec", "psycopg", "sqlalchemy")


@dataclass
class Goal:
    """What a ratio should be. Shape: at least `low`, or at most `high`."""

    low: float | None = None
    high: float | None = None

    def is_met_by(self, ratio: float) -> bool:
        above = self.low is None or ratio >= self.low
        return above and (self.high is None or ratio <= self.high)

    def __str__(self) -> str:
        return f">= {self.low:g}" if self.low is not None else f"<= {self.high:g}"


@dataclass
class Figure:
    """One arm over all rounds.

    Units: `rate` per second, `p50_ms` and `p99_ms` milliseconds, `memory_mib` the peak of the
    largest process, `value` in its `unit`. `ratio` is the median of the ratios of each round.
    """

    arm: str
    value: float | None = None
    unit: str = ""
    rate: float | None = None
    ratio: float | None = None
    of: str = ""
    goal: Goal | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    errors: int = 0
    memory_mib: float | None = None

    @property
    def verdict(self) -> str:
        if self.goal is None or self.ratio is None:
            return ""
        return "met" if self.goal.is_met_by(self.ratio) else "missed"


@dataclass
class Sheet:
    """What one benchmark found on one database."""

    title: str
    database: str
    conditions: str
    figures: list[Figure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, arm: str, **values: object) -> Figure:
        figure = Figure(arm, **values)  # type: ignore[arg-type]  # the fields of Figure, by name
        self.figures.append(figure)
        return figure

    def table(self) -> str:
        head = (
            "arm",
            "value",
            "rate/s",
            "ratio",
            "of",
            "goal",
            "",
            "p50 ms",
            "p99 ms",
            "errors",
            "MiB",
        )
        rows: list[tuple[str, ...]] = [head, *(_cells(figure) for figure in self.figures)]
        if not any(figure.unit for figure in self.figures):
            rows = [(arm, *cells) for arm, _, *cells in rows]
        widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        heading = f"{self.title} on {self.database}: {self.conditions}"
        return "\n".join([heading, *("  " + line for line in lines), *self.remarks, ""])


def ratios(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the ratios of rounds that were measured together."""
    return statistics.median([a / b for a, b in zip(above, below, strict=True)])


def add_scaling(
    sheet: Sheet,
    arm: str,
    count: int,
    scaled: Sequence[Mapping[int, float]],
    goals: Mapping[int, Goal | None],
) -> None:
    """Add what several workers gain over one. Shape: seconds by workers, for each round."""
    alone = [count / seconds[1] for seconds in scaled]
    sheet.add(f"{arm}, 1 worker", rate=statistics.median(alone))
    for workers, goal in goals.items():
        rates = [count / seconds[workers] for seconds in scaled]
        rate, ratio = statistics.median(rates), ratios(rates, alone)
        sheet.add(f"{arm}, {workers} workers", rate=rate, ratio=ratio, of="1 worker", goal=goal)


def write_json(path: Path, sheets: Sequence[Sheet]) -> None:
    """Shape: `machine`, and every sheet with its figures and whether each met its goal."""
    report = {"machine": machine(), "sheets": [_sheet(sheet) for sheet in sheets]}
    path.write_text(json.dumps(report, indent=2) + "\n")


def machine() -> dict[str, object]:
    """Where figures were taken."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "libraries": {library: version(library) for library in LIBRARIES},
    }


def _sheet(sheet: Sheet) -> dict[str, object]:
    record = asdict(sheet)
    record["figures"] = [asdict(figure) | {"verdict": figure.verdict} for figure in sheet.figures]
    return record


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.arm,
        _number(figure.value, ",.4g") + f" {figure.unit}".rstrip(),
        _number(figure.rate, ",.0f"),
        _number(figure.ratio, ".2f"),
        figure.of,
        "" if figure.goal is None else str(figure.goal),
        figure.verdict,
        _number(figure.p50_ms, ".2f"),
        _number(figure.p99_ms, ".2f"),
        str(figure.errors or ""),
        _number(figure.memory_mib, ".0f"),
    )


def _number(number: float | None, form: str) -> str:
    return "" if number is None else format(number, form)
