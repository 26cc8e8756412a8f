"""Parts of ratings: where one ends and the next begins, and that models do not depend on where they are."""

import numpy as np
import pytest
import scipy.sparse as sp
from recommender.parts.layout import Part, PartsHere, groups_of, lay_out_here, parts_of, runs
from recommender.parts.profiles import WHOLE, ByUser, Weighing
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings
from recommender.training import NEVER


def test_a_part_ends_with_the_first_entity_that_reaches_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.parts.layout.RATINGS_PER_PART", 10)
    assert runs(np.array([4, 4, 4, 30, 1, 1])).tolist() == [0, 3, 4, 6]
    assert runs(np.array([10])).tolist() == [0, 1]


def test_ratings_are_laid_out_by_user_and_by_movie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.parts.layout.RATINGS_PER_PART", 2)
    columns = {"user_id": [5, 5, 7, 9], "movie_id": [20, 10, 10, 30], "rating": [4.0] * 4, "rated_at": [3, 1, 2, 9]}
    laid = lay_out_here(Ratings.from_columns(columns))
    assert (laid.user_ids.tolist(), laid.movie_ids.tolist()) == ([5, 7, 9], [10, 20, 30])
    assert (laid.counts.tolist(), laid.first_rated.tolist(), laid.newest) == ([2, 1, 1], [1, 2, 9], 9)

    def shown(part: Part) -> tuple[int, list[int], list[int], list[int]]:
        return part.first, part.starts.tolist(), part.columns.tolist(), part.rated_at.tolist()

    assert laid.by_user.each(shown) == [(0, [0, 2], [0, 1], [1, 3]), (1, [0, 1, 2], [0, 2], [2, 9])]
    assert laid.by_movie.each(shown) == [(0, [0, 2], [0, 1], [1, 2]), (1, [0, 1, 2], [0, 2], [3, 9])]


def test_a_cut_by_time_leaves_no_entity_out() -> None:
    (part,) = parts_of(np.array([0, 0, 1, 2]), np.array([1, 2, 1, 0]), np.array([5, 9, 9, 5]), np.array([0, 3]))
    before = part.before(9)
    assert (before.starts.tolist(), before.columns.tolist(), len(before)) == ([0, 1, 1, 2], [1, 0], 3)


def test_groups_are_few_however_many_parts_there_are() -> None:
    assert [(g.start, g.stop) for g in groups_of(17)] == [(0, 8), (8, 16), (16, 17)]
    assert len(groups_of(5000)) == 32
    assert groups_of(5000)[-1].stop == 5000


def test_the_gram_matrix_of_whole_numbers_is_exact_in_any_order(
    generator: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.parts.gram.ROWS_PER_BLOCK", 4)
    tables = [sp.random(7, 10, 0.3, "csr", rng=generator) for _ in range(5)]
    for table in tables:
        table.data = np.rint(table.data * WHOLE)
    whole = sp.vstack(tables).toarray().astype(np.int64)
    for entries_at_once, order in ((10**6, tables), (50, tables), (1, tables[::-1])):
        monkeypatch.setattr("recommender.parts.gram.ENTRIES_AT_ONCE", entries_at_once)
        assert np.array_equal(PartsHere(order).gram(sp.csr_matrix, 10), whole.T @ whole)


def test_rows_of_whole_numbers_are_those_of_the_regression(generator: np.random.Generator) -> None:
    owners, columns = np.nonzero(generator.random((20, 10)) < 0.5)
    (part,) = parts_of(owners, columns, generator.integers(0, 10**8, len(owners)), np.array([0, 20]))
    by_user = ByUser(Weighing(TrainingSettings(), 2 * 10**8, NEVER), np.zeros(20), np.arange(10), 10)
    whole, rows = by_user.whole_rows(part).toarray(), by_user.rows(part).toarray()
    assert np.array_equal(whole, np.rint(whole))
    assert 0 < np.abs(whole / WHOLE - rows).max() <= 0.5 / WHOLE
