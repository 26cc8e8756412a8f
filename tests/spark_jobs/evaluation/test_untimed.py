import numpy as np
import pytest
from evaluation.rolling import windows_to_evaluate
from evaluation.untimed import at_once, first_second, settings_without_times, timelines
from recommender.parts.layout import lay_out_here
from recommender.ratings import Ratings


@pytest.fixture
def ratings() -> Ratings:
    user, movie = np.divmod(np.arange(200), 10)
    times = np.full(200, 1_600_000_000)
    # Somebody rated in the accounts service later.
    times[7] = 1_500_000_000
    return Ratings.from_columns({"user_id": user + 1, "movie_id": movie + 1, "rating": user % 5 + 1, "rated_at": times})


def test_ratings_with_times_are_trained_and_tested_as_they_are(ratings: Ratings) -> None:
    trained, tested = timelines(ratings, "time", 20, 1)
    assert (trained is ratings, tested is ratings) == (True, True)
    assert settings_without_times("time") == {}


def test_without_times_all_ratings_have_one_moment_and_random_slices_of_equal_size_test_them(ratings: Ratings) -> None:
    trained, tested = timelines(ratings, "random", 20, 1)
    assert set(trained.rated_at.tolist()) == {1_600_000_000}
    counts = np.unique(tested.rated_at, return_counts=True)
    assert counts[0].tolist() == list(range(1_600_000_000 - 19, 1_600_000_001))
    assert set(counts[1].tolist()) == {10}
    # The slices are mixed: the first user's ratings are in several of them.
    assert len(set(tested.rated_at[:10].tolist())) > 3
    windows = windows_to_evaluate(tested, 20, 10)
    assert [window.index for window in windows] == list(range(10, 20))
    assert [int(window.test_mask(tested.rated_at).sum()) for window in windows] == [10] * 10
    assert settings_without_times("random") == {"first_visit_weight": 1.0}


def test_the_same_seed_draws_the_same_slices_and_another_draws_others(ratings: Ratings) -> None:
    drawn = [timelines(ratings, "random", 20, seed)[1].rated_at.tolist() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_ratings_in_parts_lose_their_times_where_they_are(ratings: Ratings) -> None:
    trained, tested = timelines(ratings, "random", 20, 1)
    assert first_second(1_600_000_000, 20) == int(tested.rated_at.min())
    parts, here = at_once(lay_out_here(tested), 1_600_000_000), lay_out_here(trained)
    assert (parts.newest, parts.reference_time) == (here.newest, here.reference_time) == (1_600_000_000,) * 2
    assert parts.first_rated.tolist() == here.first_rated.tolist()
    for ours, theirs in ((parts.by_user, here.by_user), (parts.by_movie, here.by_movie)):
        (part,), (expected,) = ours, theirs
        assert part.columns.tolist() == expected.columns.tolist()
        assert part.rated_at.tolist() == expected.rated_at.tolist()


def test_no_ratings_stay_none(ratings: Ratings) -> None:
    none = ratings.select(np.zeros(200, dtype=np.bool_))
    assert len(timelines(none, "random", 20, 1)[1]) == 0
