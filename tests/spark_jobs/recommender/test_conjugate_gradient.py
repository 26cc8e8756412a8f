from dataclasses import replace

import numpy as np
import pytest
from recommender.conjugate_gradient import conjugate_gradient
from recommender.half_step import OtherSide, half_step
from recommender.incidence import Incidence
from recommender.settings import TrainingSettings
from recommender.training import alternate

RANK, ENTITIES, OTHERS = 20, 40, 30


def side(generator: np.random.Generator) -> tuple[Incidence, np.ndarray]:
    """Entities with no rating up to thirty, in no order of their number: narrower and wider than the rank, and padded."""
    counts = generator.permutation(np.minimum(np.arange(ENTITIES), OTHERS))
    columns = np.concatenate([generator.choice(OTHERS, count, replace=False) for count in counts])
    weights = generator.uniform(0.1, 5, len(columns))
    entities = np.repeat(np.arange(ENTITIES), counts)
    return Incidence.build(entities, columns, weights, ENTITIES), generator.normal(size=(OTHERS, RANK))


# Single precision is what training uses.
@pytest.mark.parametrize(("precision", "closeness"), [(np.float32, 1e-4), (np.float64, 1e-9)])
def test_run_to_convergence_it_equals_the_exact_half_step(
    generator: np.random.Generator, precision: type, closeness: float
) -> None:
    rated, other = side(generator)
    start = generator.normal(size=(ENTITIES, RANK)).astype(precision)
    found = conjugate_gradient(rated, start, OtherSide.of(other.astype(precision)), 2.0, 0.3, 60)
    assert found.dtype == precision
    assert found == pytest.approx(half_step(rated, OtherSide.of(other), 2.0, 0.3), abs=closeness)


def test_one_step_of_one_entity_is_the_one_of_the_textbook() -> None:
    # Orthogonal rows: G = diag(4, 9), and the entity rated row 0 with weight 3. A = G + 3 diag(4, 0) + 0.5 I, b = (2 * (1 + 3), 0).
    other = np.diag([2.0, 3.0])
    rated = Incidence.build(np.array([0]), np.array([0]), np.array([3.0]), 1)
    found = conjugate_gradient(rated, np.array([[1.0, 1.0]]), OtherSide.of(other), 1.0, 0.5, 1)
    system, target, start = np.diag([16.5, 9.5]), np.array([8.0, 0.0]), np.ones(2)
    residual = target - system @ start
    direction = residual / np.array([4.5, 9.5])
    size = residual @ direction / (direction @ system @ direction)
    assert found[0] == pytest.approx(start + size * direction)


def test_each_step_comes_nearer_and_an_entity_with_few_ratings_arrives_in_one_step_more_than_it_has_ratings(
    generator: np.random.Generator,
) -> None:
    rated, other = side(generator)
    exact = half_step(rated, OtherSide.of(other), 2.0, 0.3)
    counts = np.diff(rated.starts)
    start = np.zeros((ENTITIES, RANK))
    off = []
    for steps in range(5):
        found = conjugate_gradient(rated, start, OtherSide.of(other), 2.0, 0.3, steps)
        off.append(np.linalg.norm(found - exact, axis=1)[counts > 0])
        assert found[counts < steps] == pytest.approx(exact[counts < steps], abs=1e-9)
    assert (np.diff([values.sum() for values in off]) < 0).all()


def test_training_reaches_what_exact_training_reaches(generator: np.random.Generator) -> None:
    user, movie = np.nonzero(generator.random((60, 50)) < 0.3)
    weights = generator.uniform(0.1, 1, len(user))
    settings = TrainingSettings(rank=6, max_iter=60, reg_param=0.3)
    products = []
    for steps, precision in ((0, np.float64), (3, np.float32)):
        users, movies = alternate(user, movie, weights, replace(settings, cg_steps=steps))
        assert (users.dtype, movies.dtype) == (precision, precision)
        products.append(users @ movies.T)
    assert products[1] == pytest.approx(products[0], abs=1e-4)


def test_each_chunk_goes_on_from_its_own_factors(
    generator: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, movie = np.nonzero(generator.random((60, 50)) < 0.3)
    settings = TrainingSettings(rank=6, max_iter=4, cg_steps=2)
    whole = alternate(user, movie, np.ones(len(user)), settings)
    monkeypatch.setattr("recommender.parts.layout.RATINGS_PER_PART", 100)
    for in_chunks, at_once in zip(alternate(user, movie, np.ones(len(user)), settings), whole, strict=True):
        assert in_chunks == pytest.approx(at_once, abs=1e-5)


def test_settings_without_regularisation_are_refused_for_it() -> None:
    with pytest.raises(ValueError, match="--cg-steps 0, which solves exactly"):
        TrainingSettings(reg_param=0.0, cg_steps=3)
    assert TrainingSettings(reg_param=0.0, cg_steps=0).reg_param == 0
