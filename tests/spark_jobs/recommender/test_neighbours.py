import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from recommender.neighbours import LARGEST_SYSTEM, Neighbours, cosine_neighbours, linear_neighbours


def regression(x: np.ndarray, ridge: float) -> np.ndarray:
    """B of min |X - XB|^2 + ridge |B|^2 with a diagonal of zeros, column by column from the normal equations."""
    movies = x.shape[1]
    weights = np.zeros((movies, movies))
    for movie in range(movies):
        others = np.delete(np.arange(movies), movie)
        y = x[:, others]
        weights[others, movie] = np.linalg.solve(y.T @ y + ridge * np.eye(len(others)), y.T @ x[:, movie])
    return weights


def neighbours(
    rated: np.ndarray,
    gain: np.ndarray,
    ridge: float,
    n: int,
    attributes: np.ndarray | None = None,
    reach: np.ndarray | None = None,
) -> Neighbours:
    """linear_neighbours on dense arrays, without attributes and with the same reach for all unless given."""
    movies = rated.shape[1]
    return linear_neighbours(
        sp.csr_matrix(rated),
        sp.csr_matrix((0, movies) if attributes is None else attributes),
        np.ones(movies) if reach is None else reach,
        gain.astype(np.float32),
        ridge,
        n,
    )


# Fewer rows than movies, and more: both ways to the inverse.
@pytest.mark.parametrize(("users", "movies"), [(12, 30), (60, 10)])
def test_weights_are_those_of_the_regression(generator: np.random.Generator, users: int, movies: int) -> None:
    weight = (generator.random((users, movies)) < 0.5) * generator.uniform(0.1, 1, (users, movies))
    found = neighbours(weight, np.ones(movies), 2.0, movies).matrix.toarray()
    assert found == pytest.approx(regression(np.sqrt(weight), 2.0), abs=1e-5)
    assert (found < -0.01).any()


@pytest.mark.parametrize(("users", "movies"), [(12, 30), (60, 10)])
def test_an_attribute_counts_as_a_user_who_rated_all_that_have_it(
    generator: np.random.Generator, users: int, movies: int
) -> None:
    weight = (generator.random((users, movies)) < 0.5).astype(float)
    attributes = 0.5 * (generator.random((3, movies)) < 0.5)
    found = neighbours(weight, np.ones(movies), 2.0, movies, attributes).matrix.toarray()
    assert found == pytest.approx(regression(np.vstack([weight, attributes]), 2.0), abs=1e-5)


# With the smallest blocks, sifting begins long before the last.
@pytest.mark.parametrize("block", [1, 256])
def test_what_changes_scores_most_is_kept_strongest_first(
    generator: np.random.Generator, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.neighbours.MOVIES_PER_BLOCK", block)
    weight = (generator.random((40, 20)) < 0.4).astype(float)
    gain, reach = generator.uniform(0.1, 2, 20), generator.uniform(0.1, 5, 20)
    worth = np.abs(regression(weight, 2.0)) * gain * reach[:, None]
    found = neighbours(weight, gain, 2.0, 3, reach=reach)
    rows = np.repeat(np.arange(20), np.diff(found.starts))
    best = np.argsort(-worth, axis=None)[:60]
    assert sorted(zip(rows.tolist(), found.columns.tolist(), strict=True)) == sorted(
        zip(*(at.tolist() for at in np.unravel_index(best, worth.shape)), strict=True)
    )
    for row in range(20):
        own = worth[row, found.columns[found.starts[row] : found.starts[row + 1]]]
        assert own.tolist() == sorted(own, reverse=True)


def test_of_entries_worth_the_same_the_first_are_kept() -> None:
    # All users rated all movies: all weights are equal.
    found = neighbours(np.ones((5, 4)), np.ones(4), 1.0, 2)
    assert np.diff(found.starts).tolist() == [3, 3, 2, 0]
    assert found.columns.tolist() == [1, 2, 3, 0, 2, 3, 0, 1]


def test_a_movie_of_one_user_has_no_neighbours_and_is_none() -> None:
    found = neighbours(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]]), np.ones(3), 1.0, 5, np.ones((1, 3)))
    assert (np.diff(found.starts).tolist(), found.columns.tolist()) == ([1, 1, 0], [1, 0])


def test_the_largest_system_holds_the_most_rated_movies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.neighbours.LARGEST_SYSTEM", 2)
    assert LARGEST_SYSTEM > 2
    found = neighbours(np.array([[1, 1, 1], [1, 1, 1], [1, 0, 1], [0, 0, 1]]), np.ones(3), 1.0, 5)
    assert np.diff(found.starts).tolist() == [1, 0, 1]


def test_few_users_and_many_movies_are_held_to_the_largest_system_s_size_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.neighbours.LARGEST_SYSTEM", 3)
    # Two users, both of whom rated five movies: 3 * 3 // 2 = 4 of them are worked on.
    found = neighbours(np.ones((2, 5)), np.ones(5), 1.0, 5)
    assert np.diff(found.starts).tolist() == [3, 3, 3, 3, 0]


def test_without_neighbours_no_movie_has_one() -> None:
    assert np.diff(neighbours(np.ones((1, 2)), np.ones(2), 1.0, 0).starts).tolist() == [0, 0]


def test_cosine_neighbours_count_common_users() -> None:
    # Users 0 and 1 rated movies 0 and 1, user 2 rated 1 and 2.
    found = cosine_neighbours(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 1, 2]), 3, 1.0, 2)
    expected = np.zeros((3, 3))
    expected[0, 1] = expected[1, 0] = 2 / (np.sqrt(2 * 3) + 1)
    expected[1, 2] = expected[2, 1] = 1 / (np.sqrt(3 * 1) + 1)
    assert found.matrix.toarray() == pytest.approx(expected)


def test_beside_the_inverse_x_is_there_once_with_the_known_movies_alone(
    generator: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rated = sp.random(2000, 1000, 0.2, format="csr", random_state=generator)
    alive = []

    def inverse(_x: sp.csr_matrix, _ridge: float) -> None:
        alive.append(tracemalloc.get_traced_memory()[0])
        raise InterruptedError

    monkeypatch.setattr("recommender.neighbours.ridge_inverse", inverse)
    # All movies are known, so X holds as much as was given: a double and an index of 4 bytes for each rating.
    tracemalloc.start()
    with pytest.raises(InterruptedError):
        linear_neighbours(rated, sp.csr_matrix((0, 1000)), np.ones(1000), np.ones(1000, dtype=np.float32), 1.0, 5)
    tracemalloc.stop()
    assert alive == [pytest.approx(12 * rated.nnz, rel=0.05)]


def test_weights_between_movies_are_the_same_by_a_whole_matrix_and_without(
    generator: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = (generator.random((40, 20)) < 0.4).astype(float)
    weight[:, 7] = 0
    found = neighbours(weight, np.ones(20), 2.0, 3)
    rows, columns = np.array([3, 7, 0, 11]), np.array([5, 7, 19, 2, 3])
    between = found.between(rows, columns)
    assert np.array_equal(between, found.matrix.toarray()[np.ix_(rows, columns)])
    assert between.any()
    assert set(vars(pickle.loads(pickle.dumps(found)))) == {"starts", "columns", "weights"}
    monkeypatch.setattr("recommender.neighbours.MOST_DENSE", 1)
    assert np.array_equal(pickle.loads(pickle.dumps(found)).between(rows, columns), between)
