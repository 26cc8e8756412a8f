"""Hold the generated sets to MovieLens latest small, and to what a generator is for: the same bytes, and taste."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from evaluation.record import CANDIDATE, BatchSize, measured
from evaluation.splits import rolling_windows
from evaluation.windows import evaluate_window
from marquee.ingest.sources.embedded import embedded_pickle_path, write_embedded_csv
from movielens_like import BAD_ROWS, HEADER, write_ratings, write_set
from promotion.gate import Rule, decide_on_record
from recommender.attributes import MovieAttributes
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings

DAY = 86_400


def read(file: Path) -> Ratings:
    user, movie, stars, when = np.loadtxt(file, delimiter=",", skiprows=1, unpack=True)
    return Ratings.from_columns({"user_id": user, "movie_id": movie, "rating": stars, "rated_at": when})


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Ratings:
    folder = tmp_path_factory.mktemp("embedded")
    write_embedded_csv(Path(embedded_pickle_path()), folder)
    return read(folder / "ratings.csv")


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Ratings:
    folder = tmp_path_factory.mktemp("generated")
    write_set(folder, 100_000, dirty=False)
    return read(folder / "ratings.csv")


def statistics(ratings: Ratings) -> dict[str, float]:
    """Return what makes ratings look like people's."""
    starts, by_user = ratings.runs()
    by_movie = np.sort(np.unique(ratings.movie_id, return_counts=True)[1])[::-1]
    first, last = (f.reduceat(ratings.rated_at, starts) for f in (np.minimum, np.maximum))
    since = ratings.rated_at - np.repeat(first, by_user)
    top = np.unique(ratings.movie_id, return_counts=True)[0][
        np.argsort(-np.unique(ratings.movie_id, return_counts=True)[1], kind="stable")[:500]
    ]
    chosen = np.isin(ratings.movie_id, top)
    table = np.zeros((len(starts), 500))
    table[
        np.repeat(np.arange(len(starts)), by_user)[chosen], np.searchsorted(np.sort(top), ratings.movie_id[chosen])
    ] = 1
    expected = table.sum(axis=1, keepdims=True) * table.mean(axis=0) / table.mean() / 500
    values = np.linalg.svd((table - expected) / np.sqrt(np.maximum(expected, 0.02)), compute_uv=False) ** 2
    windows = rolling_windows(ratings.rated_at, 20, 10)
    return {
        "users": len(starts),
        "movies": len(by_movie),
        "ratings of the median user": float(np.median(by_user)),
        "ratings of a busy user": float(np.quantile(by_user, 0.9)),
        "share of a tenth of the movies": by_movie[: len(by_movie) // 10].sum() / len(ratings),
        "share of a hundredth": by_movie[: len(by_movie) // 100].sum() / len(ratings),
        "movies rated once": float((by_movie == 1).mean()),
        "most rated, by share of users": by_movie[0] / len(starts),
        "ratings on the first day": float((since < DAY).mean()),
        "ratings in 90 days": float((since < 90 * DAY).mean()),
        "users of more than a day": float((last - first > DAY).mean()),
        "users of more than 90 days": float((last - first > 90 * DAY).mean()),
        "mean of stars": float(ratings.rating.mean()),
        "spread of stars": float(ratings.rating.std()),
        "half stars": float((ratings.rating % 1 > 0).mean()),
        "variance in ten factors": values[:10].sum() / values.sum(),
        "users who return in a window": sum(
            len(
                np.intersect1d(
                    ratings.user_id[w.train_mask(ratings.rated_at)], ratings.user_id[w.test_mask(ratings.rated_at)]
                )
            )
            for w in windows
        ),
    }


def test_statistics_are_within_a_third_of_movielens(real: Ratings, generated: Ratings) -> None:
    theirs, ours = statistics(real), statistics(generated)
    assert {name: ours[name] / theirs[name] for name in theirs} == {
        name: pytest.approx(1, abs=1 / 3) for name in theirs
    }


def test_seasons_are_those_of_movielens(generated: Ratings) -> None:
    month = generated.rated_at.astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12
    share = np.bincount(month, minlength=12) / len(generated) * 12
    assert share[[10, 11]].min() > 1.1 > 0.95 > share[[2, 8]].max()


def test_a_model_of_generated_ratings_passes_the_gate_by_right(generated: Ratings) -> None:
    settings = TrainingSettings(rank=8, max_iter=2)
    results = [
        result
        for window in rolling_windows(generated.rated_at, 20, 16)
        for result in evaluate_window(generated, window, {CANDIDATE: settings}, 10, MovieAttributes.none())
    ]
    record = measured(results, BatchSize.of(generated), 10) | {"champion_ratings": None}
    assert decide_on_record(record, Rule(resamples=500)).verdict == "promote"


def test_the_same_seed_gives_the_same_bytes_however_many_processes_write_them(tmp_path: Path) -> None:
    figures = write_ratings(tmp_path / "a.csv", 400_000, processes=1)
    write_ratings(tmp_path / "b.csv", 400_000, processes=3)
    write_ratings(tmp_path / "c.csv", 400_000, seed=1)
    content = (tmp_path / "a.csv").read_bytes()
    assert content.startswith(HEADER)
    assert content.count(b"\n") == 400_001 == figures["rows"] + 1
    assert figures["bytes"] == len(content)
    assert content == (tmp_path / "b.csv").read_bytes()
    assert content != (tmp_path / "c.csv").read_bytes()


def test_three_rows_in_a_thousand_are_dirty_in_every_known_way(tmp_path: Path) -> None:
    write_ratings(tmp_path / "dirty.csv", 50_000)
    write_ratings(tmp_path / "clean.csv", 50_000, dirty=False)
    dirty, clean = ((tmp_path / name).read_bytes().split(b"\n")[1:-1] for name in ("dirty.csv", "clean.csv"))
    added = set(dirty) - set(clean)
    assert len(dirty) == len(clean) == 50_000
    assert 0.002 < len(added) / len(dirty) < 0.004
    assert all(added & {spoil(row) for row in clean} for spoil in BAD_ROWS)


def test_a_movie_is_rated_once_by_a_person_and_not_before_it_came_out(tmp_path: Path) -> None:
    write_set(tmp_path, 60_000, dirty=False)
    ratings = read(tmp_path / "ratings.csv")  # refuses a pair that occurs twice
    lines = (tmp_path / "movies.csv").read_text().splitlines()[1:]
    year = {int(line.split(",")[0]): int(line.rsplit("(", 1)[1][:4]) for line in lines if "(no genres" not in line}
    known = np.isin(ratings.movie_id, list(year))
    rated_in = 1970 + ratings.rated_at[known].astype("datetime64[s]").astype("datetime64[Y]").astype(int)
    came_out = np.array([year[movie] for movie in ratings.movie_id[known].tolist()])
    assert known.mean() > 0.8
    assert (rated_in < came_out - 1).mean() < 0.01


def test_a_chunk_that_dirty_rows_made_needless_is_left_out(tmp_path: Path) -> None:
    # The first chunk has 143,908 good rows and 431 dirty ones, so that nothing is left for the second.
    written = write_ratings(tmp_path / "ratings.csv", 144_156)
    assert written["rows"] == 144_156
    assert written["users"] == 999
