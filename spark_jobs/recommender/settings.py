"""The settings of a training, and the weights of ratings that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from recommender.arrays import FloatArray, IntArray
from recommender.ratings import SECONDS_PER_DAY, Ratings

# However old, a rating keeps this share of its weight. It is still evidence, and with a weight of 0 it would be none.
LEAST_DECAY = 0.02

_AT_LEAST_0 = (
    *("reg_param", "cg_steps", "neighbours", "neighbour_weight", "genre_weight", "year_weight"),
    *("personal_weight", "gain_power", "first_visit_days"),
)
_HALF_LIVES = ("confidence_half_life_days", "profile_half_life_days", "prior_half_life_days")


def _setting(default: Any, text: str) -> Any:
    """Return a field with a default and the help text of its option."""
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class TrainingSettings:
    """The settings that a training may vary; help_texts() explains each one.

    The confidence in a rating is 1 + alpha * weight (Hu, Koren and Volinsky 2008). A movie's share is its recent popularity among
    returning users, relative to the largest: gain = personal_weight * share^gain_power, and prior = share.
    """

    rank: int = _setting(64, "factors per user and per movie")
    max_iter: int = _setting(6, "ALS iterations")
    reg_param: float = _setting(0.3, "regularisation")
    alpha: float = _setting(1.0, "confidence that a rating adds")
    seed: int = _setting(20261123, "seed of the initial factors")
    cg_steps: int = _setting(
        3,
        "conjugate-gradient steps of a blocked half step, in single precision; 0: solved exactly, in double precision",
    )
    confidence_half_life_days: float = _setting(
        730.0, "age at which a rating counts half in learning the movie factors"
    )
    profile_half_life_days: float = _setting(
        90.0, "age at which a rating counts half in a user's profile, measured from the user's newest rating"
    )
    neighbours: int = _setting(
        300, "neighbours kept on average for each movie with two ratings or more; 0: factors alone"
    )
    neighbour_ridge: float = _setting(100.0, "ridge of the neighbours' regression")
    neighbour_weight: float = _setting(80.0, "weight of the neighbours relative to the product of the factors")
    # In the regression, a genre and a year count like the square of a rating's weight.
    genre_weight: float = _setting(
        0.3, "weight of a movie's genre in the neighbours' regression, where a new rating has 1"
    )
    year_weight: float = _setting(0.3, "weight of a movie's year of release there")
    prior_half_life_days: float = _setting(90.0, "age at which a rating counts half in recent popularity")
    personal_weight: float = _setting(4.0, "weight of a user's taste relative to recent popularity")
    gain_power: float = _setting(0.4, "power of recent popularity by which a user's taste is multiplied")
    first_visit_days: float = _setting(90.0, "length of a user's first visit")
    first_visit_weight: float = _setting(0.25, "weight of a first visit's ratings in popularity and neighbours")

    def __post_init__(self) -> None:
        """Refuse unusable values; raises ValueError that names the option."""
        for option in fields(self):
            _check_number(option.name, getattr(self, option.name), whole=isinstance(option.default, int))
        if self.rank < 1 or self.max_iter < 1:
            raise ValueError(f"rank is {self.rank} and max-iter is {self.max_iter}. Both must be 1 or more.")
        for name in _AT_LEAST_0:
            if getattr(self, name) < 0:
                raise ValueError(f"{_option(name)} is {getattr(self, name)}. It must be 0 or more.")
        for name in ("alpha", "neighbour_ridge", *_HALF_LIVES):
            if not getattr(self, name) > 0:
                raise ValueError(f"{_option(name)} is {getattr(self, name)}. It must be more than 0.")
        if self.cg_steps and self.reg_param == 0:
            raise ValueError(
                "cg-steps needs a reg-param above 0. Without one, give --cg-steps 0, which solves exactly."
            )
        if not 0 < self.first_visit_weight <= 1:
            raise ValueError(f"first-visit-weight is {self.first_visit_weight}. It must be more than 0 and at most 1.")


def help_texts() -> dict[str, str]:
    """Return the help text of each setting by its name."""
    return {option.name: option.metadata["help"] for option in fields(TrainingSettings)}


def _check_number(name: str, value: object, whole: bool) -> None:
    """Raise ValueError for a value that is not a finite number, or not a whole one."""
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise ValueError(f"{_option(name)} is {value!r}. It must be a {'whole ' if whole else ''}number.")
    if not math.isfinite(value):
        raise ValueError(f"{_option(name)} is {value}. It must be finite.")


def _option(name: str) -> str:
    return name.replace("_", "-")


def training_weights(ratings: Ratings, settings: TrainingSettings, as_of: int) -> FloatArray:
    """Return each rating's weight in learning the movie factors.

    It is 1 at `as_of` (Unix seconds UTC), and halves with age.
    """
    return _decay(as_of - ratings.rated_at, settings.confidence_half_life_days)


def profile_weights(ratings: Ratings, settings: TrainingSettings) -> FloatArray:
    """Return each rating's weight in its user's profile.

    It is 1 for the user's newest rating, and halves with the time before that.
    """
    starts, lengths = ratings.runs()
    newest = np.repeat(np.maximum.reduceat(ratings.rated_at, starts), lengths)
    return _decay(newest - ratings.rated_at, settings.profile_half_life_days)


def _decay(age_seconds: FloatArray | IntArray, half_life_days: float) -> FloatArray:
    days = np.maximum(age_seconds, 0) / SECONDS_PER_DAY
    return np.asarray(np.maximum(np.exp2(-days / half_life_days), LEAST_DECAY))
