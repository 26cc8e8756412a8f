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

# These must be more than their least value, too.
_ABOVE_0 = (
    *("alpha", "neighbour_ridge", "confidence_half_life_days", "profile_half_life_days", "prior_half_life_days"),
    "first_visit_weight",
)
# Settings that were constants of the code, with the value that is their default now: a model may have been saved without them.
ONCE_CONSTANT = ("largest_system",)
# The largest seed that numpy, MLlib and Optuna all take.
MOST_SEED = 2**32 - 1
_MOST_DAYS = 100_000


def _setting(default: Any, text: str, most: float, least: int = 0) -> Any:
    """Return a field with its default, its option's help text, and its bounds."""
    return field(default=default, metadata={"help": text, "least": least, "most": most})


@dataclass(frozen=True)
class TrainingSettings:
    """The settings that a training may vary; help_texts() explains each one.

    The confidence in a rating is 1 + alpha * weight (Hu, Koren and Volinsky 2008). A movie's share is its recent popularity among
    returning users, relative to the largest: gain = personal_weight * share^gain_power, and prior = share.
    """

    rank: int = _setting(64, "factors per user and per movie", 512, least=1)
    max_iter: int = _setting(6, "ALS iterations", 100, least=1)
    reg_param: float = _setting(0.3, "regularisation", 100)
    alpha: float = _setting(1.0, "confidence that a rating adds", 1000)
    seed: int = _setting(20261123, "seed of the initial factors", MOST_SEED)
    cg_steps: int = _setting(
        3,
        "conjugate-gradient steps of a blocked half step, in single precision; 0: solved exactly, in double precision",
        100,
    )
    confidence_half_life_days: float = _setting(
        730.0, "age at which a rating counts half in learning the movie factors", _MOST_DAYS
    )
    profile_half_life_days: float = _setting(
        90.0,
        "age at which a rating counts half in a user's profile, measured from the user's newest rating",
        _MOST_DAYS,
    )
    neighbours: int = _setting(
        300, "neighbours kept on average for each movie with two ratings or more; 0: factors alone", 10_000
    )
    largest_system: int = _setting(
        6_000,
        "rows and columns of the largest system of the neighbours' regression, 8 bytes times their product; when not all movies fit, "
        "the most rated get neighbours",
        40_000,
        least=1,
    )
    neighbour_ridge: float = _setting(100.0, "ridge of the neighbours' regression", 1_000_000)
    neighbour_weight: float = _setting(80.0, "weight of the neighbours relative to the product of the factors", 100_000)
    # In the regression, a genre and a year count like the square of a rating's weight.
    genre_weight: float = _setting(
        0.3, "weight of a movie's genre in the neighbours' regression, where a new rating has 1", 1000
    )
    year_weight: float = _setting(0.3, "weight of a movie's year of release there", 1000)
    prior_half_life_days: float = _setting(90.0, "age at which a rating counts half in recent popularity", _MOST_DAYS)
    personal_weight: float = _setting(4.0, "weight of a user's taste relative to recent popularity", 1000)
    gain_power: float = _setting(0.4, "power of recent popularity by which a user's taste is multiplied", 10)
    first_visit_days: float = _setting(90.0, "length of a user's first visit", _MOST_DAYS)
    first_visit_weight: float = _setting(0.25, "weight of a first visit's ratings in popularity and neighbours", 1)

    def __post_init__(self) -> None:
        """Refuse unusable values; raises ValueError that names the option."""
        for option in fields(self):
            value = getattr(self, option.name)
            _check_number(option.name, value, whole=isinstance(option.default, int))
            _check_bounds(option.name, value, **bounds()[option.name])
        if self.cg_steps and self.reg_param == 0:
            raise ValueError(
                "cg-steps needs a reg-param above 0. Without one, give --cg-steps 0, which solves exactly."
            )


def bounds() -> dict[str, dict[str, Any]]:
    """Return the bounds of each setting by its name: `least`, `most` and `above`.

    With `above`, the value must be more than `least`.
    """
    return {
        option.name: {name: option.metadata[name] for name in ("least", "most")} | {"above": option.name in _ABOVE_0}
        for option in fields(TrainingSettings)
    }


def help_texts() -> dict[str, str]:
    """Return the help text of each setting by its name."""
    return {option.name: option.metadata["help"] for option in fields(TrainingSettings)}


def whole_or_fraction(text: str) -> float:
    """Return a JSON number with a point or exponent; 8.0 is the whole number 8."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _check_number(name: str, value: object, whole: bool) -> None:
    """Raise ValueError for a value that is not a finite number, or not a whole one."""
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise ValueError(f"{_option(name)} is {value!r}. It must be a {'whole ' if whole else ''}number.")
    # Python's whole numbers have no bounds of their own, and isfinite raises for those beyond a float.
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{_option(name)} is {value}. It must be finite.")


def _check_bounds(name: str, value: float, least: int, most: float, above: bool) -> None:
    """Raise ValueError for a value that is not between the bounds."""
    if value > most or value < least or (above and value == least):
        least_in_words = f"more than {least}" if above else f"{least} or more"
        raise ValueError(f"{_option(name)} is {value}. It must be {least_in_words}, and at most {most:,}.")


def _option(name: str) -> str:
    return name.replace("_", "-")


def training_weights(ratings: Ratings, settings: TrainingSettings, as_of: int) -> FloatArray:
    """Return each rating's weight in learning the movie factors.

    It is 1 at `as_of` (Unix seconds UTC), and halves with age.
    """
    return decay(as_of - ratings.rated_at, settings.confidence_half_life_days)


def profile_weights(ratings: Ratings, settings: TrainingSettings) -> FloatArray:
    """Return each rating's weight in its user's profile.

    It is 1 for the user's newest rating, and halves with the time before that.
    """
    starts, lengths = ratings.runs()
    newest = np.repeat(np.maximum.reduceat(ratings.rated_at, starts), lengths)
    return decay(newest - ratings.rated_at, settings.profile_half_life_days)


def decay(age_seconds: FloatArray | IntArray, half_life_days: float) -> FloatArray:
    """Return weights that halve with each half-life of age, down to LEAST_DECAY."""
    days = np.maximum(age_seconds, 0) / SECONDS_PER_DAY
    return np.asarray(np.maximum(np.exp2(-days / half_life_days), LEAST_DECAY))
