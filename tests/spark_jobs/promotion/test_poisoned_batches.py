"""The gate on the embedded data themselves, sound and spoiled in the ways that a batch can be."""

from pathlib import Path

import numpy as np
import pytest
from evaluation.record import BatchSize, measured
from evaluation.splits import rolling_windows
from evaluation.windows import evaluate_window
from marquee.ingest.sources.embedded import embedded_pickle_path, write_embedded_csv
from promotion.gate import Decision, Rule, decide_on_record
from recommender.attributes import MovieAttributes
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings

# Fewer factors than the default's, which add little here and take most of the time.
SETTINGS = TrainingSettings(rank=8, max_iter=1)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Ratings:
    folder = tmp_path_factory.mktemp("embedded")
    write_embedded_csv(Path(embedded_pickle_path()), folder)
    user, movie, stars, when = np.loadtxt(folder / "ratings.csv", delimiter=",", skiprows=1, unpack=True)
    return Ratings.from_columns({"user_id": user, "movie_id": movie, "rating": stars, "rated_at": when})


def verdict(ratings: Ratings, champion_ratings: int | None = None, first_window: int = 10) -> Decision:
    windows = rolling_windows(ratings.rated_at, 20, first_window)
    results = [
        r for w in windows for r in evaluate_window(ratings, w, {"candidate": SETTINGS}, 10, MovieAttributes.none())
    ]
    record = measured(results, BatchSize.of(ratings), 10) | {"champion_ratings": champion_ratings}
    return decide_on_record(record, Rule(resamples=500))


def test_the_sound_batch_is_promoted(embedded: Ratings) -> None:
    assert verdict(embedded, len(embedded)).verdict == "promote"


def test_shuffled_ratings_are_refused(embedded: Ratings) -> None:
    # Each user keeps their number of ratings and each moment its movies; who rated what is random.
    order = np.random.default_rng(1).permutation(len(embedded))
    keys = embedded.user_id[order] * 1_000_000 + embedded.movie_id
    _, first = np.unique(keys, return_index=True)
    shuffled = Ratings.from_columns(
        {
            "user_id": embedded.user_id[order][first],
            "movie_id": embedded.movie_id[first],
            "rating": embedded.rating[first],
            "rated_at": embedded.rated_at[first],
        }
    )
    decision = verdict(shuffled, first_window=17)
    assert decision.verdict == "refuse"
    assert any("recent_popularity" in reason for reason in decision.reasons)


def test_one_user_s_spam_is_refused(embedded: Ratings) -> None:
    movies = embedded.movies()
    spam = {
        "user_id": np.full(len(movies), 999_999),
        "movie_id": movies,
        "rating": np.full(len(movies), 5.0),
        "rated_at": np.full(len(movies), embedded.rated_at.max()),
    }
    names = ("user_id", "movie_id", "rating", "rated_at")
    poisoned = Ratings.from_columns({name: np.concatenate([getattr(embedded, name), spam[name]]) for name in names})
    decision = verdict(poisoned, first_window=18)
    assert decision.verdict == "refuse"
    assert decision.reasons[0].startswith("one user gave 8.3% of the batch's ratings")


def test_half_of_the_data_missing_is_refused(embedded: Ratings) -> None:
    half = embedded.select(np.random.default_rng(2).random(len(embedded)) < 0.5)
    decision = verdict(half, len(embedded), first_window=18)
    assert decision.verdict == "refuse"
    assert f"the champion's had {len(embedded)}" in decision.reasons[0]
