"""How alike the lists are that a model would publish, over its users."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from recommender.arrays import BoolArray, FloatArray, IntArray
from recommender.model import FactorModel
from recommender.ratings import Ratings

from evaluation.diversity import Catalogue, mean_overlap, miscalibration, novelty_by_user, share_in
from evaluation.lists import recommend
from evaluation.metrics import ACTIVITY_SLICES, coverage, exposure_gini

# The lists of this many users say enough of all: overlap is a mean over two million pairs of them.
MOST_USERS = 2_000
EVERYBODY = "all"


class Concentration(TypedDict):
    """Measures of some users' lists; `movies` counts the different ones in them."""

    users: int
    movies: int
    coverage: float
    exposure_gini: float
    overlap: float
    recent_top_share: float
    novelty: float
    miscalibration: float


def sampled_users(user_ids: IntArray, most: int = MOST_USERS) -> IntArray:
    """Return at most so many of the users, evenly spaced by id."""
    if len(user_ids) <= most:
        return user_ids
    return user_ids[np.arange(most) * len(user_ids) // most]


def concentration_of(model: FactorModel, catalogue: Catalogue, k: int) -> dict[str, Concentration]:
    """Return the measures of the model's lists of k movies.

    The lists are those of its users, or of a sample of them, however many ratings there are. The catalogue is of the ratings that
    the model was trained on. What the users rated is in the model's profiles.
    """
    users = sampled_users(model.user_ids)
    profiles = model.profiles_of(users)
    owners, untimed = np.repeat(users, np.diff(profiles.starts)), np.zeros(len(profiles.columns))
    before = Ratings(owners, model.movie_ids[profiles.columns], untimed, untimed.astype(np.int64))
    return concentration(recommend(model, users, k)[0], users, before, catalogue)


def concentration(
    lists: IntArray, list_users: IntArray, before: Ratings, catalogue: Catalogue
) -> dict[str, Concentration]:
    """Return the measures of these lists, of all and by how much the users have rated.

    `lists`, (users, k), are movie ids with NO_MOVIE (-1) at the end of a short list. `list_users` ascend, and each has ratings in
    `before`. The slices are EVERYBODY and those of ACTIVITY_SLICES, without empty ones.
    """
    ratings = np.searchsorted(before.user_id, list_users, side="right") - np.searchsorted(before.user_id, list_users)
    slices: dict[str, BoolArray] = {EVERYBODY: np.ones(len(list_users), dtype=np.bool_)}
    slices |= {name: (ratings >= least) & (ratings < below) for name, (least, below) in ACTIVITY_SLICES.items()}
    novel, shares = novelty_by_user(lists, catalogue), share_in(lists, catalogue.movie_ids, catalogue.recent_top)
    off = miscalibration(lists, list_users, before, catalogue)
    movies = len(catalogue.movie_ids)
    return {
        name: {
            "users": int(inside.sum()),
            "movies": len(np.unique(lists[inside][lists[inside] >= 0])),
            "coverage": coverage(lists[inside], movies),
            "exposure_gini": exposure_gini(lists[inside], movies),
            "overlap": mean_overlap(lists[inside]),
            "recent_top_share": _mean(shares[inside]),
            "novelty": _mean(novel[inside]),
            "miscalibration": _mean(off[inside]),
        }
        for name, inside in slices.items()
        if inside.any()
    }


def _mean(values: FloatArray) -> float:
    """Return the mean of the values that are defined, and 0 without one."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else 0.0
