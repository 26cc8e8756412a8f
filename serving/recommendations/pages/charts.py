"""Place the marks of a chart.

The templates draw them as SVG, so that a chart needs neither a script nor a library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 16, 16, 24
# At most this many labels are shown below a chart: more would overlap.
_LABELS = 10


@dataclass(frozen=True)
class Mark:
    """A bar, or a point at the middle of its upper edge.

    `label` is shown below it if `labelled`.
    """

    x: float
    y: float
    width: float
    height: float
    label: str
    value: float
    labelled: bool

    @property
    def middle(self) -> float:
        """The x of the middle."""
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True)
class Chart:
    """Marks in a frame of WIDTH x HEIGHT, and the axis as pairs (y, value)."""

    marks: list[Mark]
    ticks: list[tuple[float, float]]

    @property
    def points(self) -> str:
        """The marks' upper middles as the points of an SVG polyline."""
        return " ".join(f"{mark.middle},{mark.y}" for mark in self.marks)


def _round_up(value: float) -> float:
    """Return the next 1, 2, 2.5, 5 or 10 times a power of ten."""
    scale = 1.0
    while scale * 10 < value:
        scale *= 10
    return next(step * scale for step in (1, 2, 2.5, 5, 10) if step * scale >= value)


def chart(values: Sequence[tuple[str, float]], highest: float | None = None) -> Chart:
    """Return the chart of (label, value) pairs, from left to right.

    The axis goes from 0 to `highest`, or to a round number above all values.
    """
    top = highest or _round_up(max((value for _, value in values), default=1) or 1)
    room = HEIGHT - _TOP - _BOTTOM
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(values))
    every = -(-len(values) // _LABELS)
    marks = []
    for at, (label, value) in enumerate(values):
        height = round(room * value / top, 1)
        x = round(_LEFT + at * step + step * 0.1, 1)
        y = round(_TOP + room - height, 1)
        marks.append(Mark(x, y, round(step * 0.8, 1), height, label, value, at % every == 0))
    ticks = [(round(_TOP + room * (1 - share), 1), top * share) for share in (0, 0.5, 1)]
    return Chart(marks, ticks)
