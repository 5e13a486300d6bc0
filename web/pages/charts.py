"""Charts as plain SVG: bars are placed here and drawn by a macro; the stylesheet colours them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 300, 100
"""The size of the drawing in its own coordinates; it is stretched to the space there is."""

GAP = 0.28
HEIGHT_MIN = 1.2
"""The height of the smallest segment, so that it can be seen."""


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
    """The segments over one label, from the bottom up."""

    label: str
    counts: Mapping[str, int]
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
        return sum(bar.counts.get(name, 0) for bar in self.bars)


def stacked(labels: Sequence[str], series: Mapping[str, Sequence[int]]) -> Chart:
    """Stack several series. Shape: `series` from the bottom up, a value for each label."""
    sums = [sum(counts) for counts in zip(*series.values(), strict=True)]
    top = max(sums, default=0)
    slot = WIDTH / max(1, len(labels))
    bars = []
    for index, label in enumerate(labels):
        by_name = {name: counts[index] for name, counts in series.items()}
        x, width = round(slot * (index + GAP / 2), 2), round(slot * (1 - GAP), 2)
        bars.append(Bar(label, by_name, tuple(_segments(by_name, top, x, width))))
    return Chart(tuple(bars), top)


def _segments(counts: Mapping[str, int], top: int, x: float, width: float) -> list[Segment]:
    segments, y = [], float(HEIGHT)
    for name, count in counts.items():
        if count > 0 and top:
            height = max(HEIGHT_MIN, count / top * (HEIGHT - 2 * HEIGHT_MIN))
            y -= height
            segments.append(Segment(name, x, round(max(0.0, y), 2), width, round(height, 2)))
    return segments
