import numpy as np
from recommender.ratings import Ratings


def rated_at(times: np.ndarray) -> Ratings:
    count = len(times)
    return Ratings(np.arange(count), np.ones(count, dtype=np.int64), np.full(count, 4.0), times.astype(np.int64))


def test_a_few_late_ratings_do_not_age_all_others() -> None:
    of_2016 = np.arange(1_476_000_000, 1_476_002_000)
    of_2026 = np.full(2, 1_795_000_000)
    assert rated_at(of_2016).reference_time() == 1_476_001_999 - 1
    assert rated_at(np.concatenate([of_2016, of_2026])).reference_time() == 1_476_001_999


def test_the_reference_time_of_one_rating_is_its_own() -> None:
    assert rated_at(np.array([7])).reference_time() == 7
