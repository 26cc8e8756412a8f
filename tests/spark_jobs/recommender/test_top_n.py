import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from recommender.top_n import most_similar, top_n_of_scores


# Few distinct values: ties, at the border too, are the rule and not the exception.
@given(
    arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 12)), elements=st.sampled_from([0, 1, 2, -np.inf])),
    st.integers(1, 15),
    st.sampled_from([1, 2, 3, 32]),
)
def test_the_best_n_equal_a_full_sort_by_score_and_then_by_column(scores: np.ndarray, n: int, per_run: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recommender.top_n.COLUMNS_PER_RUN", per_run)
        columns, values = top_n_of_scores(scores, n)
    for row, found, found_scores in zip(scores, columns, values, strict=True):
        best = [c for c in sorted(range(len(row)), key=lambda c: (-row[c], c)) if row[c] > -np.inf][:n]
        assert found.tolist() == best + [-1] * (n - len(best))
        assert found_scores[: len(best)].tolist() == row[best].tolist()


def test_similar_movies_equal_brute_force_cosines_and_leave_the_movie_itself_out(
    generator: np.random.Generator,
) -> None:
    movies = generator.normal(size=(30, 5)).astype(np.float32)
    movies[4] = 0
    found, scores = most_similar(movies, slice(0, 30), 6)
    assert found[4].tolist() == [-1] * 6
    for movie in (m for m in range(30) if m != 4):
        exact = {
            o: float(movies[movie] @ movies[o] / np.linalg.norm(movies[movie]) / np.linalg.norm(movies[o]))
            for o in range(30)
            if o not in (movie, 4)
        }
        assert found[movie].tolist() == sorted(exact, key=lambda o: -exact[o])[:6]
        assert scores[movie].tolist() == pytest.approx(sorted(exact.values(), reverse=True)[:6], abs=1e-5)


def test_a_nan_score_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        top_n_of_scores(np.array([[np.nan, 1]], dtype=np.float32), 1)
