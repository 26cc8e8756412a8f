"""Tell scales of ratings and strengths, and read their numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
# 1,234,567.8 in English, 1.234.567,8 in German.
GROUPED = {
    ".": re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?"),
    ",": re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]*)?"),
}
WITH_COMMA = re.compile(r"[+-]?[0-9][0-9.]*,[0-9]+")
MISSING = frozenset({"", "\\N", "NULL", "null", "NaN", "nan", "None", "<NA>", "NA", "N/A", "-"})
MOST_DISTINCT = 60
COMMON_ZERO = 0.2
FEW = 1000


@dataclass(frozen=True)
class Scale:
    """Describe a scale: its ends and step, and the values that mean 'seen'.

    A strength, such as a number of plays, has no upper end and no step.
    """

    kind: str
    lowest: float
    highest: float
    step: float
    seen: tuple[float, ...] = ()
    sure: bool = True


def to_number(text: str, decimal: str = ".") -> float | None:
    """Return a finite number, or None."""
    text = text.strip()
    if GROUPED[decimal].fullmatch(text) is not None:
        text = text.replace("." if decimal == "," else ",", "")
    if decimal == ",":
        text = text.replace(",", ".")
    if NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def decimal_mark(values: list[str]) -> str:
    """Return ',' if numbers have a comma where others have a point.

    If each number with a comma has groups of three digits, the commas part thousands.
    """
    with_comma = [text for value in values[:2000] if WITH_COMMA.fullmatch(text := value.strip())]
    if all(GROUPED["."].fullmatch(text) and text.lstrip("+-")[0] != "0" for text in with_comma):
        return "."
    return ","


def find_scale(values: list[str], decimal: str, *, named_strength: bool) -> Scale | None:
    """Return the scale that a sample of values has, or None if they are no numbers."""
    numbers = [number for value in values if (number := to_number(value, decimal)) is not None]
    if len(numbers) < 0.5 * sum(value.strip() not in MISSING for value in values) or not numbers:
        return None
    counts = Counter(numbers)
    seen = _marks(counts)
    rated = sorted(value for value in counts if value not in seen)
    lowest, highest = rated[0], rated[-1]
    step = _step(rated)
    continuous = len(rated) > MOST_DISTINCT or not step
    if (
        named_strength
        or (lowest == highest and len(numbers) >= FEW)
        or (continuous and lowest >= 0 and highest > 10)
        or (lowest >= 0 and highest > 100)
    ):
        return Scale("strength", 0.0, math.inf, 0.0, (), sure=named_strength)
    if continuous:
        low, high = _round_ends(lowest, highest)
        return Scale("rating", low, high, 0.01, seen, sure=False)
    low, high = _usual_ends(lowest, highest, step, few=len(numbers) < FEW)
    return Scale("rating", low, high, step, seen, sure=not seen and (lowest, highest) == (low, high))


def _marks(counts: Counter[float]) -> tuple[float, ...]:
    """Return the values that mean 'seen'.

    Those are -1 below a scale that starts above, and a 0 that is far too common.
    """
    total = counts.total()
    below = sorted(value for value in counts if value < 0)
    others = [value for value in counts if value > 0]
    if below == [-1.0] and others and 0.0 not in counts:
        return (-1.0,)
    zero = counts.get(0.0, 0)
    if not below and len(others) >= 3 and 5 < max(others) <= 10 and all(value == int(value) for value in others):
        return (0.0,) if zero >= COMMON_ZERO * total else ()
    return ()


def _step(values: list[float]) -> float:
    """Return the distance of values, or 0 if there is no usual one."""
    for step in (1.0, 0.5, 0.25, 0.1):
        if all(abs(value / step - round(value / step)) < 1e-6 for value in values):
            return step
    return 0.0


def _usual_ends(lowest: float, highest: float, step: float, *, few: bool) -> tuple[float, float]:
    """Return the ends of a scale of which a sample may lack the rarest value."""
    if lowest > 0 and (3 < highest <= 5 or (few and highest <= 3)):
        return (0.5 if step < 1 else 1.0), 5.0
    if lowest > 0 and 5 < highest <= 10:
        return (0.5 if lowest < 1 else 1.0), 10.0
    if lowest == 0 and 5 < highest <= 10:
        return 0.0, 10.0
    return lowest, highest if lowest < highest else lowest + step


def _round_ends(lowest: float, highest: float) -> tuple[float, float]:
    if lowest >= 0 and highest <= 1:
        return 0.0, 1.0
    end = float(math.ceil(max(-lowest, highest)))
    return (-end, end) if lowest < 0 else (float(math.floor(lowest)), end)
