"""Check the rows of own data, which ingest writes: numbers for ids, half stars or strengths, a time or none.

A rule returns its value, or raises RejectedRowError, as those of field_rules do.
"""

from __future__ import annotations

import math
import re

from field_rules import RejectedRowError

# The layouts: rows of ratings, and rows whose strengths are summed by user and item.
ROWS, STRENGTHS = "rows", "strengths"
DELIMITERS = {ROWS: b"\t", STRENGTHS: b"\t"}
# How a row begins that ingest has rejected.
REJECTED = b"!"
# A pair that was only seen has no stars, which no rating has.
SEEN, SEEN_TEXT = b"0", b"0.0"
SECONDS_PER_DAY = 86_400
# A strength halves with this age, measured from the newest row of its pair.
HALF_LIFE_DAYS = 365.0
FEWEST_STARS, MOST_STARS = 0.5, 5.0

# Nearly all weights of events and numbers of plays.
USUAL_STRENGTHS = {text: text for text in (b"%d" % number for number in range(1000))}

_REASON = re.compile(rb"[a-z0-9_]{1,60}")
_STRENGTH = re.compile(rb"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def refuse_rejected(line: bytes) -> None:
    """Raise RejectedRowError if ingest has rejected this row, for ingest's reason."""
    if line.startswith(REJECTED):
        reason = line.split(b"\t", 1)[0].removeprefix(REJECTED)
        raise RejectedRowError(reason.decode("ascii") if _REASON.fullmatch(reason) else "rejected_by_ingest")


def parse_strength(field: bytes) -> bytes:
    """Return a strength as it is written; 0 is a pair that was only seen.

    Raise RejectedRowError: strength_not_number, strength_out_of_range.
    """
    if _STRENGTH.fullmatch(field) is None:
        raise RejectedRowError("strength_not_number")
    if math.isinf(float(field)):
        raise RejectedRowError("strength_out_of_range")
    return field


def summed_strength(strengths: list[tuple[int, float]]) -> float:
    """Return the sum of a pair's (time, strength), in which older ones count less."""
    newest = max(time for time, _ in strengths)
    half_life = HALF_LIFE_DAYS * SECONDS_PER_DAY
    return math.fsum(strength * 0.5 ** ((newest - time) / half_life) for time, strength in strengths)


def stars_of_strength(strength: float) -> bytes:
    """Return a strength as half stars: 1 gives one star, 3 two, 7 three, 31 five.

    A strength of 0 has no stars: the pair was only seen.
    """
    if strength <= 0:
        return SEEN_TEXT
    stars = math.floor(math.log2(1 + strength) * 2 + 0.5) / 2
    return b"%.1f" % min(max(stars, FEWEST_STARS), MOST_STARS)
