"""Ratings without times: nothing decays, and the test rows are drawn at random.

Such ratings all have the moment of their batch. Ratings given later in the accounts service have times of their own, which would be
the only ones in a test. So they lose them here too.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
from recommender.parts.layout import LaidOut, Part
from recommender.ratings import Ratings

BY_TIME: Final = "time"
AT_RANDOM: Final = "random"
SPLITS: Final = (BY_TIME, AT_RANDOM)
FUTURE_NOT_HIDDEN: Final = (
    "the ratings have no times: the test rows were drawn at random, so the future was not hidden from the model"
)


def timelines(ratings: Ratings, split: str, slices: int, seed: int) -> tuple[Ratings, Ratings]:
    """Return the ratings to train on, and those to evaluate on.

    With times these are the ratings as they are. Without, the first have one moment. The second are in slices of nearly equal size, drawn
    at random, each a second long: as good as one moment, and later slices test what was learned from earlier ones.
    """
    if split == BY_TIME or not len(ratings):
        return ratings, ratings
    moment = int(ratings.rated_at.max())
    drawn = np.random.default_rng(seed).permutation(len(ratings)) * slices // len(ratings)
    at_once = replace(ratings, rated_at=np.full(len(ratings), moment, dtype=np.int64))
    return at_once, replace(ratings, rated_at=first_second(moment, slices) + drawn.astype(np.int64))


def first_second(moment: int, slices: int) -> int:
    """Return the second of the first of the slices that end in a moment."""
    return moment - slices + 1


def at_once(laid: LaidOut, moment: int) -> LaidOut:
    """Return laid out ratings as if all had been given in one moment."""
    side = partial(_at_once, moment)
    return replace(
        laid,
        first_rated=np.full(len(laid.user_ids), moment, dtype=np.int64),
        last_rated=np.full(len(laid.user_ids), moment, dtype=np.int64),
        newest=moment,
        reference_time=moment,
        by_user=laid.by_user.kept(side),
        by_movie=laid.by_movie.kept(side),
    )


def _at_once(moment: int, part: Part) -> Part:
    return replace(part, rated_at=np.full(len(part.columns), moment, dtype=np.int64))


def settings_without_times(split: str) -> dict[str, Any]:
    """Return the settings that hold without times: no rating is of a first visit."""
    return {"first_visit_weight": 1.0} if split == AT_RANDOM else {}
