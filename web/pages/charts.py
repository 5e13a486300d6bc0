"""Charts as plain SVG: where each bar stands, computed here, drawn by a macro without any style."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 300, 100
"""Of the drawing's own coordinates; it is stretched to the space there is."""

GAP = 0.28
SEEN = 1.2
"""What is there at all can be seen, however little it is."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar. Shape: `name` is a class of the stylesheet."""

    name: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """What stands over one label, from the bottom up."""

    label: str
    values: Mapping[str, int]
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars beside each other. Units: `top` is the value of the full height."""

    bars: tuple[Bar, ...]
    top: int

    @property
    def is_empty(self) -> bool:
        return self.top == 0

    def total(self, name: str) -> int:
        return sum(one.values.get(name, 0) for one in self.bars)


def stacked(labels: Sequence[str], series: Mapping[str, Sequence[int]]) -> Chart:
    """Bars of several parts. Shape: `series` from the bottom up, a value for each label."""
    sums = [sum(values) for values in zip(*series.values(), strict=True)]
    top = max(sums, default=0)
    slot = WIDTH / max(1, len(labels))
    bars = []
    for index, label in enumerate(labels):
        values = {name: told[index] for name, told in series.items()}
        x, width = round(slot * (index + GAP / 2), 2), round(slot * (1 - GAP), 2)
        bars.append(Bar(label, values, tuple(_segments(values, top, x, width))))
    return Chart(tuple(bars), top)


def shares(counts: Sequence[int]) -> list[float]:
    """How long each bar of a list is, the longest being 100."""
    longest = max(counts, default=0)
    return [round(100 * one / longest, 2) if longest else 0.0 for one in counts]


def _segments(values: Mapping[str, int], top: int, x: float, width: float) -> list[Segment]:
    found, y = [], float(HEIGHT)
    for name, value in values.items():
        if value > 0 and top:
            height = max(SEEN, value / top * (HEIGHT - 2 * SEEN))
            y -= height
            found.append(Segment(name, x, round(max(0.0, y), 2), width, round(height, 2)))
    return found
