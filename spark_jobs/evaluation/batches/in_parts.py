"""The evaluation of ratings that stay where they are: each part makes its users' lists.

A window's model is trained on the parts, cut by time, and goes to all of them. What comes back are lists of test users.
The windows follow one another in time, and each goes on from the factors of the one before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from recommender.arrays import BoolArray, Factors, Float32Array, FloatArray, IntArray
from recommender.attributes import MovieAttributes
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.neighbours import Neighbours
from recommender.parts.layout import LaidOut, Part
from recommender.parts.profiles import Weighing, popularity_of
from recommender.ratings import Ratings, positions
from recommender.settings import TrainingSettings
from recommender.top_n import NO_MOVIE, users_per_block
from recommender.training import HalfStep, folding_in, learned, of_movies

from evaluation.diversity import BY_USER, Catalogue, measures_by_user
from evaluation.metrics import hits
from evaluation.record import GATE_BASELINES
from evaluation.results import WindowResult
from evaluation.splits import Window
from evaluation.windows import Tested, result_of

# A window that goes on from the one before, a twentieth of all ratings earlier, needs fewer iterations.
ITERATIONS_FROM_BEFORE = 2
# Pairs of user and window from which nothing further is evaluated: the interval of a difference in nDCG is some .02 wide.
ENOUGH_PAIRS = 1_000
# Each window is a training. Where slices have few returning users, a window is of several instead.
MOST_WINDOWS, MOST_SLICES = 2, 3


@dataclass(frozen=True)
class Scorer:
    """A model of movies alone, and how a user's factors follow from the profile.

    `fold_in` is None for a model that gives all users the same scores.
    """

    model: FactorModel
    weighing: Weighing
    fold_in: HalfStep | None


@dataclass(frozen=True)
class Lists:
    """One scorer's lists of a part's test users, as positions of movies, (users, k).

    `diversity` holds the measures of `measures_by_user`.
    """

    columns: IntArray
    scores: Float32Array
    hit: BoolArray
    diversity: dict[str, FloatArray]


@dataclass(frozen=True)
class PartOfWindow:
    """A part's test users, and each scorer's lists of them.

    `users` are positions; `relevant` and `activity` are their numbers of ratings in the window and before.
    """

    users: IntArray
    relevant: IntArray
    activity: IntArray
    cold: int
    lists: dict[str, Lists]


def returning_by_window(windows: Sequence[Window], part: Part) -> IntArray:
    """Return how many of a part's users rated both before each window and in it."""
    owners = part.owners()
    return np.array(
        [len(np.intersect1d(owners[w.train_mask(part.rated_at)], owners[w.test_mask(part.rated_at)])) for w in windows]
    )


def windows_needed(laid: LaidOut, slices: Sequence[Window]) -> list[Window]:
    """Return the newest windows that together have ENOUGH_PAIRS, in time order.

    They are at most MOST_WINDOWS, and each is a slice of the timeline, or as many as that takes, but at most MOST_SLICES. Windows without
    a returning user are left out. Raises ValueError when no user came back in any.
    """
    ways = [together(slices, count) for count in range(1, MOST_SLICES + 1)]
    tried = [window for way in ways for window in way]
    returning = np.sum(laid.by_user.each(partial(returning_by_window, tried)), axis=0)
    users = dict(zip(tried, returning.tolist(), strict=True))
    chosen: list[Window] = []
    for way in ways:
        chosen = []
        for window in reversed(way):
            if users[window] and len(chosen) < MOST_WINDOWS and sum(users[own] for own in chosen) < ENOUGH_PAIRS:
                chosen.insert(0, window)
        if sum(users[own] for own in chosen) >= ENOUGH_PAIRS:
            break
    if not chosen:
        raise ValueError(
            "No user came back in any window of the timeline, so there is nothing to evaluate on. "
            "Choose a lower first window, or give more ratings."
        )
    return chosen


def together(slices: Sequence[Window], count: int) -> list[Window]:
    """Return windows of so many slices each, from the newest on, in time order.

    Slices that are left over are the oldest; they are in no window, unless there is no other.
    """
    starts = range(len(slices) % count if len(slices) > count else 0, len(slices), count)
    return [replace(slices[at], test_until=slices[min(at + count, len(slices)) - 1].test_until) for at in starts]


def evaluate_in_parts(
    laid: LaidOut,
    attributes: MovieAttributes,
    windows: Sequence[Window],
    candidates: Mapping[str, TrainingSettings],
    k: int,
    against: Sequence[str] = GATE_BASELINES,
) -> list[WindowResult]:
    """Return the results of the baselines and of every candidate.

    They are window by window, in time order. Candidates with equal settings are trained once. `against` are some of GATE_BASELINES.
    """
    results: list[WindowResult] = []
    factors: dict[str, Factors] = {}
    for window in windows:
        catalogue = catalogue_of(laid, attributes, window.test_from, window.test_from)
        by_place = replace(catalogue, movie_ids=positions(laid.movie_ids, catalogue.movie_ids))
        scores = catalogue.ratings, catalogue.recent
        scorers = {
            name: _unpersonalised(laid, window, by_place.movie_ids, own)
            for name, own in zip(GATE_BASELINES, scores, strict=True)
            if name in against
        }
        same: dict[TrainingSettings, str] = {}
        for name, settings in candidates.items():
            first = same.setdefault(settings, name)
            if first == name:
                scorers[name], factors[name] = _trained(laid, attributes, window, settings, factors.get(name))
        found = laid.by_user.each(InWindow(window, k, scorers, by_place).lists)
        for name in (*against, *candidates):
            tested = _joined(found, name if name in scorers else same[candidates[name]], laid)
            results.append(result_of(window, name, tested, catalogue))
    return results


def catalogue_of(laid: LaidOut, attributes: MovieAttributes, until: int, as_of: int) -> Catalogue:
    """Return the catalogue of the ratings before `until` as at `as_of`.

    Both are in Unix seconds UTC. `attributes` may hold any movies. A movie that nobody had rated is not in the catalogue.
    """
    counts, recent = popularity_of(laid, until, as_of)
    rated = counts > 0
    movies, users = laid.movie_ids[rated], int((laid.first_rated < until).sum())
    return Catalogue(movies, counts[rated], recent[rated], attributes.of(movies).genres, users)


def _trained(
    laid: LaidOut, attributes: MovieAttributes, window: Window, settings: TrainingSettings, before: Factors | None
) -> tuple[Scorer, Factors]:
    """Return the scorer trained on what was rated before the window.

    The second result are its movies' factors as they were learned.
    """
    weighing = Weighing(settings, window.test_from, window.test_from)
    iterations = settings.max_iter if before is None else min(ITERATIONS_FROM_BEFORE, settings.max_iter)
    factors = learned(laid, weighing, iterations, before)
    parts = of_movies(laid, factors, weighing, attributes)
    # A movie that nobody had rated is in no list.
    prior = np.where(parts.counts > 0, parts.prior, -np.inf).astype(np.float32)
    model = _of_movies_alone(laid, parts.factors, parts.gain, prior, parts.neighbours, settings)
    return Scorer(model, weighing, folding_in(parts.factors, settings)), factors


def _unpersonalised(laid: LaidOut, window: Window, rated: IntArray, scores: FloatArray) -> Scorer:
    """Return the scorer that gives everybody these scores of the movies at `rated`."""
    movies, settings = len(laid.movie_ids), TrainingSettings(rank=1)
    prior = np.full(movies, -np.inf, dtype=np.float32)
    prior[rated] = scores
    nothing = np.zeros((movies, 1), dtype=np.float32)
    model = _of_movies_alone(laid, nothing, np.ones(movies, dtype=np.float32), prior, Neighbours.none(movies), settings)
    return Scorer(model, Weighing(settings, window.test_from, window.test_from), None)


def _of_movies_alone(
    laid: LaidOut,
    factors: Float32Array,
    gain: Float32Array,
    prior: Float32Array,
    near: Neighbours,
    settings: TrainingSettings,
) -> FactorModel:
    nobody = np.zeros(0, dtype=np.int64), np.zeros((0, factors.shape[1]), dtype=np.float32)
    return FactorModel(*nobody, laid.movie_ids, factors, gain, prior, near, Incidence.none(0), settings)


@dataclass(frozen=True)
class InWindow:
    """Makes each scorer's lists of k movies for a part's returning users.

    Movies are positions, in the catalogue too.
    """

    window: Window
    k: int
    scorers: dict[str, Scorer]
    catalogue: Catalogue

    def lists(self, part: Part) -> PartOfWindow:
        """Return the part's test users with all scorers' lists."""
        earlier, later = part.before(self.window.test_from), part.select(self.window.test_mask(part.rated_at))
        known, relevant = np.diff(earlier.starts), np.diff(later.starts)
        users = np.flatnonzero((known > 0) & (relevant > 0))
        before, test = _ratings(earlier), _ratings(later)
        lists = {}
        for name, scorer in self.scorers.items():
            columns, scores, of_tail = self._best(scorer, part, users)
            hit = hits(columns, users, test.user_id, test.movie_id)
            diversity = measures_by_user(columns, of_tail, users, before, test, self.catalogue)
            lists[name] = Lists(columns, scores, hit, diversity)
        cold = int(((known == 0) & (relevant > 0)).sum())
        return PartOfWindow(part.first + users, relevant[users], known[users], cold, lists)

    def _best(self, scorer: Scorer, part: Part, users: IntArray) -> tuple[IntArray, Float32Array, IntArray]:
        """Return the best movies of a part's users, scores, and the long tail's best."""
        model, whole = scorer.model, scorer.weighing.profiles(part)
        tail = np.zeros(len(model.movie_ids), dtype=np.bool_)
        tail[self.catalogue.movie_ids] = self.catalogue.tail
        columns = np.full((len(users), self.k), NO_MOVIE, dtype=np.int64)
        scores, of_tail = np.full(columns.shape, -np.inf, dtype=np.float32), columns.copy()
        size = users_per_block(len(model.movie_ids))
        for start in range(0, len(users), size):
            block = slice(start, start + size)
            own = [whole.rows(user, user + 1) for user in users[block].tolist()]
            profiles = replace(Incidence.joined(own), first=0)
            rank = model.movie_factors.shape[1]
            factors = np.zeros((len(own), rank)) if scorer.fold_in is None else scorer.fold_in.solve(profiles)
            personal = model.personal(factors.astype(np.float32), profiles)
            # Each ranking overwrites what it ranks.
            columns[block], scores[block] = model.best_of(personal.copy(), profiles, self.k)
            of_tail[block], _ = model.best_of(personal, profiles, self.k, tail)
        return columns, scores, of_tail


def _ratings(part: Part) -> Ratings:
    """Return a part's ratings with positions for ids, and without stars.

    Users are counted from the part's first.
    """
    return Ratings(part.owners(), part.columns.astype(np.int64), np.zeros(len(part.columns)), part.rated_at)


def _joined(found: Sequence[PartOfWindow], name: str, laid: LaidOut) -> Tested:
    """Return what all parts found for a scorer, with ids in place of positions."""
    users, relevant, activity = (
        np.concatenate([getattr(part, field) for part in found]) for field in ("users", "relevant", "activity")
    )
    own = [part.lists[name] for part in found]
    columns, scores, hit = (
        np.concatenate([getattr(lists, field) for lists in own]) for field in ("columns", "scores", "hit")
    )
    diversity = {measure: np.concatenate([lists.diversity[measure] for lists in own]) for measure in BY_USER}
    lists = np.where(columns >= 0, laid.movie_ids[columns], NO_MOVIE)
    cold = sum(part.cold for part in found)
    return Tested(laid.user_ids[users], relevant, activity, cold, lists, scores, hit, diversity)
