import numpy as np
import pytest
from linear_neighbours import LARGEST_SYSTEM, cosine_neighbours, linear_neighbours


def regression(x: np.ndarray, ridge: float) -> np.ndarray:
    """B of min |X - XB|^2 + ridge |B|^2 with a diagonal of zeros, column by column from the normal equations."""
    movies = x.shape[1]
    weights = np.zeros((movies, movies))
    for movie in range(movies):
        others = np.delete(np.arange(movies), movie)
        y = x[:, others]
        weights[others, movie] = np.linalg.solve(y.T @ y + ridge * np.eye(len(others)), y.T @ x[:, movie])
    return weights


# Fewer users than movies, and more: both ways to the inverse.
@pytest.mark.parametrize(("users", "movies"), [(12, 30), (60, 10)])
def test_weights_are_those_of_the_regression(generator: np.random.Generator, users: int, movies: int) -> None:
    user, movie = np.nonzero(generator.random((users, movies)) < 0.5)
    weight = generator.uniform(0.1, 1, len(user))
    gain = np.ones(movies, dtype=np.float32)
    found = linear_neighbours(user, movie, weight, gain, 2.0, movies).matrix.toarray()
    x = np.zeros((users, movies))
    x[user, movie] = np.sqrt(weight)
    assert found == pytest.approx(np.maximum(regression(x, 2.0), 0), abs=1e-5)


def test_the_neighbours_worth_most_are_kept_strongest_first(generator: np.random.Generator) -> None:
    user, movie = np.nonzero(generator.random((40, 20)) < 0.4)
    gain = generator.uniform(0.1, 2, 20).astype(np.float32)
    whole = linear_neighbours(user, movie, np.ones(len(user)), gain, 2.0, 20)
    cut = linear_neighbours(user, movie, np.ones(len(user)), gain, 2.0, 3)
    for row in range(20):
        every, kept = slice(*whole.starts[row : row + 2]), slice(*cut.starts[row : row + 2])
        worth = whole.weights[every] * gain[whole.columns[every]]
        assert worth.tolist() == sorted(worth, reverse=True)
        assert cut.columns[kept].tolist() == whole.columns[every][:3].tolist()
        assert row not in whole.columns[every]


def test_a_movie_of_one_user_has_no_neighbours_and_is_none() -> None:
    found = linear_neighbours(
        np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 2]), np.ones(5), np.ones(3, dtype=np.float32), 1.0, 5
    )
    assert (np.diff(found.starts).tolist(), found.columns.tolist()) == ([1, 1, 0], [1, 0])


def test_the_largest_system_holds_the_most_rated_movies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linear_neighbours.LARGEST_SYSTEM", 2)
    assert LARGEST_SYSTEM > 2
    user = np.array([0, 0, 0, 1, 1, 1, 2, 2, 3])
    movie = np.array([0, 1, 2, 0, 1, 2, 0, 2, 2])
    found = linear_neighbours(user, movie, np.ones(9), np.ones(3, dtype=np.float32), 1.0, 5)
    assert np.diff(found.starts).tolist() == [1, 0, 1]


def test_few_users_and_many_movies_are_held_to_the_largest_system_s_size_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linear_neighbours.LARGEST_SYSTEM", 3)
    # Two users, both of whom rated five movies: 3 * 3 // 2 = 4 of them are worked on.
    user, movie = np.repeat([0, 1], 5), np.tile(np.arange(5), 2)
    found = linear_neighbours(user, movie, np.ones(10), np.ones(5, dtype=np.float32), 1.0, 5)
    assert np.diff(found.starts).tolist() == [3, 3, 3, 3, 0]


def test_without_neighbours_no_movie_has_one() -> None:
    found = linear_neighbours(np.array([0, 0]), np.array([0, 1]), np.ones(2), np.ones(2, dtype=np.float32), 1.0, 0)
    assert np.diff(found.starts).tolist() == [0, 0]


def test_cosine_neighbours_count_common_users() -> None:
    # Users 0 and 1 rated movies 0 and 1, user 2 rated 1 and 2.
    found = cosine_neighbours(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 1, 2]), 3, 1.0, 2)
    expected = np.zeros((3, 3))
    expected[0, 1] = expected[1, 0] = 2 / (np.sqrt(2 * 3) + 1)
    expected[1, 2] = expected[2, 1] = 1 / (np.sqrt(3 * 1) + 1)
    assert found.matrix.toarray() == pytest.approx(expected)
