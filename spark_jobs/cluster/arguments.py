"""Read the numbers of a program's command line, each between two bounds."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number from `least` to `most` for argparse."""

    def read(text: str) -> int:
        # int() alone reads 1_000 too, and refuses 5,000 digits in words of its own.
        if re.fullmatch(r"-?[0-9]{1,20}", text) is None or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from {least} to {most}.")
        return int(text)

    return read


def number(least: float, most: float) -> Callable[[str], float]:
    """Return what reads a finite number from `least` to `most` for argparse."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        # No comparison with NaN holds.
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from {least:g} to {most:g}.")
        return value

    return read
