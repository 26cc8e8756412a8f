"""The model as tables that score a newcomer without Spark.

docs/model.md explains their use.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from recommender.arrays import Columns
from recommender.discovery import FIRST_PLACES, FIRST_PRICE, TASTE, Discovery
from recommender.model import FactorModel
from recommender.settings import LEAST_DECAY

MOVIE_FACTORS_COLUMNS = "movie_id int, gain float, prior float, factors string"
DISCOVERY_PRICES_COLUMNS = "movie_id int, price float"
MOVIE_NEIGHBOURS_COLUMNS = "movie_id int, rank int, neighbour_id int, weight float"


def movie_factors(model: FactorModel) -> Columns:
    """Return the movie_factors table, in order of movie_id.

    Factors are base64 of `rank` little-endian 4-byte floats.
    """
    return {
        "movie_id": model.movie_ids.astype(np.int32),
        "gain": model.movie_gain,
        "prior": model.movie_prior,
        "factors": [base64.b64encode(row.astype("<f4").tobytes()).decode("ascii") for row in model.movie_factors],
    }


def discovery_prices(model: FactorModel, discovery: Discovery) -> Columns:
    """Return the discovery_prices table: movies of the long tail, by movie_id."""
    return {
        "movie_id": model.movie_ids[discovery.tail].astype(np.int32),
        "price": discovery.price[discovery.tail],
    }


def movie_neighbours(model: FactorModel) -> Columns:
    """Return the movie_neighbours table: each movie's neighbours, strongest first."""
    near = model.neighbours
    lengths = np.diff(near.starts)
    return {
        "movie_id": np.repeat(model.movie_ids, lengths).astype(np.int32),
        "rank": (np.arange(len(near.columns)) - np.repeat(near.starts[:-1], lengths) + 1).astype(np.int32),
        "neighbour_id": model.movie_ids[near.columns].astype(np.int32),
        "weight": near.weights,
    }


def fold_in(model: FactorModel) -> dict[str, Any]:
    """Return the settings that are needed to compute a newcomer's factors."""
    settings = model.settings
    return {
        "rank": settings.rank,
        "alpha": settings.alpha,
        "reg_param": settings.reg_param,
        "profile_half_life_days": settings.profile_half_life_days,
        "least_decay": LEAST_DECAY,
    }


def discovery_settings() -> dict[str, Any]:
    """Return the settings that are needed to make a newcomer's list of discoveries."""
    return {"taste": TASTE, "first_places": FIRST_PLACES, "first_price": FIRST_PRICE}
