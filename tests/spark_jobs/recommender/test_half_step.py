import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from recommender.half_step import OtherSide, half_step
from recommender.incidence import Incidence
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits


# Widths below the rank and above it: both ways of solving run.
@pytest.mark.parametrize("reg_param", [0.3, 0.0])
def test_a_half_step_solves_each_entity_s_normal_equations(generator: np.random.Generator, reg_param: float) -> None:
    rank, entities, others = 20, 40, 30
    other = generator.normal(size=(others, rank))
    # From no rating to all thirty: systems narrower than the rank, wider, and padded ones.
    rated = [generator.choice(others, size=min(e, others), replace=False) for e in range(entities)]
    entity = np.repeat(np.arange(entities), [len(r) for r in rated])
    column = np.concatenate(rated).astype(np.int64)
    weight = generator.uniform(0.1, 5, size=len(column))
    found = half_step(Incidence.build(entity, column, weight, entities), OtherSide.of(other), 2.0, reg_param)
    for e in range(entities):
        rows, w = other[column[entity == e]], 2.0 * weight[entity == e]
        system = other.T @ other + rows.T @ (w[:, None] * rows) + reg_param * len(rows) * np.eye(rank)
        assert found[e] == pytest.approx(np.linalg.solve(system, rows.T @ (1 + w)), abs=1e-9)


def test_equations_without_one_solution_are_refused() -> None:
    rated = Incidence.build(np.array([0]), np.array([0]), np.ones(1), 1)
    with pytest.raises(np.linalg.LinAlgError, match="Set reg-param above 0"):
        half_step(rated, OtherSide.of(np.zeros((2, 3))), 1.0, 0.0)


def test_rows_of_a_side_hold_its_ratings(generator: np.random.Generator) -> None:
    whole = Incidence.build(np.array([0, 0, 2, 2, 2]), np.array([3, 1, 0, 2, 1]), np.arange(5.0), 3)
    assert whole.columns.tolist() == [1, 3, 0, 1, 2]
    part = whole.rows(1, 3)
    assert (part.starts.tolist(), part.columns.tolist(), part.weights.tolist()) == (
        [0, 0, 3],
        [0, 1, 2],
        [2.0, 4.0, 3.0],
    )


def test_a_half_step_equals_that_of_the_package_implicit(generator: np.random.Generator) -> None:
    rank, movies, alpha, reg_param = 8, 25, 2.0, 0.3
    factors = generator.normal(size=(movies, rank)).astype(np.float32)
    for width in (3, 20):
        rated = np.sort(generator.choice(movies, width, replace=False))
        # implicit's confidence is the value itself, and it does not scale its regularisation by the ratings' number.
        with threadpool_limits(1):
            model = AlternatingLeastSquares(factors=rank, regularization=reg_param * width)
        model.item_factors = factors
        values = csr_matrix((np.full(width, 1 + alpha, dtype=np.float32), ([0] * width, rated)), shape=(1, movies))
        theirs = model.recalculate_user(0, values)
        y = factors.astype(np.float64)
        incidence = Incidence.build(np.zeros(width, dtype=np.int64), rated, np.ones(width), 1)
        assert half_step(incidence, OtherSide.of(y), alpha, reg_param)[0] == pytest.approx(theirs, abs=1e-4)
