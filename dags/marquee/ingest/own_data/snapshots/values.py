"""Write a row's value as a snapshot has it: half stars, a strength, or a mark for seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from marquee.ingest.reading.mapping.schema import Mapping, Values
from marquee.ingest.reading.rows.normalise import Rows

RATINGS, STRENGTHS = "rows", "strengths"
SEEN = "0"
FEWEST_STARS, MOST_STARS = 0.5, 5.0

Array = np.ndarray[Any, Any]


def layout_name(mapping: Mapping) -> str:
    """Return 'rows' if the values are ratings on a scale, else 'strengths'."""
    table = mapping.ratings
    has_value = "value" in table.columns or table.shape == "matrix"
    return RATINGS if has_value and not mapping.events and mapping.values.has_scale else STRENGTHS


def half_stars(values: Array, scale: Values) -> Array:
    """Return values on a scale as half stars from 0.5 to 5.

    A scale within that range keeps its numbers; the ends of another become the ends of the range.
    """
    if scale.lowest >= FEWEST_STARS and scale.highest <= MOST_STARS:
        stars = values
    else:
        share = (values - scale.lowest) / max(scale.highest - scale.lowest, 1e-9)
        stars = FEWEST_STARS + share * (MOST_STARS - FEWEST_STARS)
    rounded: Array = np.clip(np.floor(stars * 2 + 0.5) / 2, FEWEST_STARS, MOST_STARS)
    return rounded


def value_texts(rows: Rows, mapping: Mapping) -> pa.Array:
    """Return the text of each row's value.

    A row without a number is a strength of 1: that it is there says that the user chose the item.
    """
    numbers = np.where(np.isnan(rows.values), 1.0, rows.values)
    distinct, place = np.unique(numbers, return_inverse=True)
    if layout_name(mapping) == RATINGS:
        texts = [f"{stars:.1f}" for stars in half_stars(distinct, mapping.values)]
    else:
        texts = [SEEN if number <= 0 else f"{number:.9g}" for number in distinct]
    chosen = np.array(texts, dtype=object)[place]
    chosen[rows.seen] = SEEN
    return pa.array(chosen, pa.string())
