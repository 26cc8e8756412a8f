"""What calibrated genres and a cap on one series cost and bring: make bench-lists.

    PYTHONPATH=spark_jobs:dags:. OPENBLAS_NUM_THREADS=1 python tests/bench/list_rules.py [--windows tuning|gate]

The embedded set. nDCG@10 and miscalibration are those of returning users in the windows; movies, overlap and repeats those of everybody's
first ten by a model of the whole set. Each list is made from a user's CANDIDATES best movies. Prints docs/discovery.md's table.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from evaluation.diversity import MIXED_IN, Catalogue, mean_overlap, miscalibration
from evaluation.lists import recommend
from evaluation.metrics import hits, ranking_metrics
from evaluation.splits import Window, rolling_windows
from evaluation.windows import returning_users
from marquee.ingest.sources.embedded import embedded_pickle_path, write_embedded_csv
from other_splits import read_embedded
from recommender.attributes import MovieAttributes
from recommender.ratings import Ratings, positions
from recommender.settings import TrainingSettings
from recommender.top_n import NO_MOVIE
from recommender.training import train
from threadpoolctl import threadpool_limits

from mr_jobs.field_rules import split_title

K, CANDIDATES, SLICES = 10, 100, 20
# The first window of the tuning half and of the whole timeline, as in docs/evaluation.md.
FIRST_TUNING, FIRST_GATE = 6, 10
ALTERNATIVE_NAME = re.compile(r"\s*\(.*?\)")
# What follows the name of a series: "2", "II", "Part Two", "Episode IV", "Vol. 1".
PART = r"(?:part|episode|vol(?:ume)?|chapter)\.?\s+(?:\d+|[ivx]+|one|two|three|four)"
NUMBERED = re.compile(rf"(?:\s+(?:\d{{1,2}}|ii|iii|iv|v|vi|vii|viii|ix|x)|[\s,]+{PART})$")
ARTICLE = re.compile(r"^(.*), (?:the|a|an)$")

Rule = Callable[["Tens"], np.ndarray]


def series_name(title: str) -> str:
    """Return the name that a movie's title shares with those of its series.

    It is what stands before a colon, " - " or " and the ", without the year, other names in brackets, the article and a number at the end.
    """
    name = ALTERNATIVE_NAME.sub("", split_title(title)[0]).strip().lower()
    for mark in (":", " - ", " and the "):
        head = name.split(mark)[0].strip()
        # Three letters before a mark are seldom the name of a series.
        name = head if len(head) > 3 else name
    while (shorter := NUMBERED.sub("", name)) != name and shorter:
        name = shorter
    found = ARTICLE.match(name)
    return found.group(1) if found else name


def series_of(titles: list[str]) -> np.ndarray:
    """Return a number per movie that movies of one series share."""
    return np.asarray(np.unique([series_name(title) for title in titles], return_inverse=True)[1])


@dataclass(frozen=True)
class Tens:
    """What a rule makes lists of.

    Shapes: movies and scores (users, CANDIDATES), best first, with NO_MOVIE at the end; series (users, CANDIDATES); votes (users,
    CANDIDATES, genres), each movie's shares of genres; wanted (users, genres), those of the user's own movies.
    """

    movies: np.ndarray
    scores: np.ndarray
    series: np.ndarray
    votes: np.ndarray
    wanted: np.ndarray


def unchanged(given: Tens) -> np.ndarray:
    """Return the first K movies, (users, K)."""
    return given.movies[:, :K]


def capped(given: Tens, most: int) -> Tens:
    """Return the candidates without those that have `most` of their series before them."""
    place = (given.series[:, :, None] == given.series[:, None, :]) & (given.movies != NO_MOVIE)[:, None, :]
    left_out = np.tril(place, -1).sum(axis=2) >= most
    order = np.argsort(left_out, axis=1, kind="stable")
    rows = np.arange(len(order))[:, None]
    movies = np.where(left_out, NO_MOVIE, given.movies)[rows, order]
    return Tens(movies, given.scores[rows, order], given.series[rows, order], given.votes[rows, order], given.wanted)


def calibrated(given: Tens, strength: float) -> np.ndarray:
    """Return lists of K movies whose genres resemble the user's, (users, K).

    Greedy (Steck 2018, *Calibrated recommendations*): each place takes the movie with the greatest (1 - strength) * sum of scores -
    strength * the Kullback-Leibler divergence of the list so far from the user's genres. Scores are relative to the user's best.
    """
    users = np.arange(len(given.movies))
    listed = given.movies != NO_MOVIE
    worth = np.where(listed, given.scores / np.maximum(given.scores[:, :1], 1e-9), -np.inf)
    shown = np.zeros_like(given.wanted)
    lists = np.full((len(users), K), NO_MOVIE)
    watched = given.wanted > 0
    logs = np.where(watched, given.wanted * np.log(np.where(watched, given.wanted, 1)), 0).sum(axis=1)
    for place in range(K):
        after = shown[:, None] + given.votes
        share = after / np.maximum(after.sum(axis=2, keepdims=True), 1e-9)
        mixed = (1 - MIXED_IN) * share + MIXED_IN * given.wanted[:, None]
        divergence = logs[:, None] - (given.wanted[:, None] * np.log(np.where(watched[:, None], mixed, 1))).sum(axis=2)
        best = np.argmax((1 - strength) * worth - strength * divergence, axis=1)
        lists[users, place] = np.where(worth[users, best] > -np.inf, given.movies[users, best], NO_MOVIE)
        shown += given.votes[users, best]
        worth[users, best] = -np.inf
    return lists


RULES: dict[str, Rule] = {
    "as published": unchanged,
    "one movie of a series": lambda given: unchanged(capped(given, 1)),
    "two of a series": lambda given: unchanged(capped(given, 2)),
    **{
        f"calibrated, strength {strength}": lambda given, strength=strength: calibrated(given, strength)
        for strength in (0.05, 0.1, 0.2, 0.3, 0.4)
    },
    "one of a series, calibrated, strength 0.1": lambda given: calibrated(capped(given, 1), 0.1),
    "one of a series, calibrated, strength 0.2": lambda given: calibrated(capped(given, 1), 0.2),
}


@dataclass(frozen=True)
class Made:
    """A model's candidates for some users, and what is needed to judge lists of them."""

    users: np.ndarray
    tens: Tens
    before: Ratings
    catalogue: Catalogue

    @classmethod
    def of(
        cls, before: Ratings, users: np.ndarray, as_of: int, attributes: MovieAttributes, series: np.ndarray
    ) -> Made:
        """Return the candidates of a model of the ratings `before`; `series` are by movie of the attributes."""
        model = train(before, TrainingSettings(), as_of, attributes)
        movies, scores = recommend(model, users, CANDIDATES)
        catalogue = Catalogue.of(before, attributes.of(before.movies()).genres, as_of)
        genres = catalogue.genres / np.maximum(catalogue.genres.sum(axis=1, keepdims=True), 1)
        at = np.where(movies == NO_MOVIE, 0, positions(catalogue.movie_ids, movies.ravel()).reshape(movies.shape))
        own = np.zeros((len(users), genres.shape[1]))
        user_at = positions(users, before.user_id)
        np.add.at(own, user_at[user_at >= 0], genres[positions(catalogue.movie_ids, before.movie_id[user_at >= 0])])
        wanted = own / np.maximum(own.sum(axis=1, keepdims=True), 1e-9)
        of_series = series[positions(attributes.movie_ids, catalogue.movie_ids)][at]
        votes = np.where((movies == NO_MOVIE)[:, :, None], 0, genres[at])
        return cls(users, Tens(movies, scores, of_series, votes, wanted), before, catalogue)

    def repeats(self, lists: np.ndarray) -> float:
        """Return how many movies of a list are of a series that stands before them in it, on average."""
        found = 0
        for row, own in enumerate(lists):
            of = dict(zip(self.tens.movies[row].tolist(), self.tens.series[row].tolist(), strict=True))
            found += len(own) - len({of[movie] for movie in own.tolist()})
        return found / len(lists)


def windows(ratings: Ratings, first: int) -> Iterator[tuple[Window, Ratings, Ratings]]:
    """Yield the windows with returning users, with the ratings before and in each."""
    for window in rolling_windows(ratings.rated_at, SLICES, first):
        if returning_users(window, ratings):
            yield window, *(ratings.select(f(ratings.rated_at)) for f in (window.train_mask, window.test_mask))


def interval(differences: np.ndarray, users: np.ndarray) -> str:
    """Return the mean of paired differences with the 95 % interval of a bootstrap over users, as text."""
    each, own = np.unique(users, return_inverse=True)
    sums, counts = np.bincount(own, differences), np.bincount(own)
    drawn = np.random.default_rng(1).integers(len(each), size=(2000, len(each)))
    low, high = np.percentile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [2.5, 97.5])
    return f"{differences.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


def read_titles() -> dict[int, str]:
    """Return the titles of the embedded set by movie id."""
    with tempfile.TemporaryDirectory(prefix="marquee-titles-") as folder:
        write_embedded_csv(embedded_pickle_path(), Path(folder))
        with (Path(folder) / "movies.csv").open(encoding="utf-8", newline="") as file:
            # A movie without a title is a series of its own.
            return {int(row["movieId"]): row["title"] or f"<{row['movieId']}>" for row in csv.DictReader(file)}


def before_the_middle(ratings: Ratings) -> Ratings:
    """Return the ratings before the middle one in time; the gate uses the others."""
    middle = np.sort(ratings.rated_at)[len(ratings) // 2]
    return ratings.select(ratings.rated_at < middle)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", choices=["tuning", "gate"], default="tuning")
    gate = parser.parse_args().windows == "gate"
    everything, attributes = read_embedded()
    titles = read_titles()
    series = series_of([titles[movie] for movie in attributes.movie_ids.tolist()])
    ratings = everything if gate else before_the_middle(everything)
    users: list[np.ndarray] = []
    ndcg: dict[str, list[np.ndarray]] = {name: [] for name in RULES}
    apart: dict[str, list[np.ndarray]] = {name: [] for name in RULES}
    with threadpool_limits(1):
        for window, before, test in windows(ratings, FIRST_GATE if gate else FIRST_TUNING):
            tested, relevant = np.unique(test.user_id, return_counts=True)
            known = positions(before.users(), tested) >= 0
            tested, relevant = tested[known], relevant[known]
            made = Made.of(before, tested, window.test_from, attributes, series)
            users.append(tested)
            for name, rule in RULES.items():
                lists = rule(made.tens)
                hit = hits(lists, tested, test.user_id, test.movie_id)
                ndcg[name].append(ranking_metrics(hit, relevant)["ndcg"])
                apart[name].append(miscalibration(lists, tested, before, made.catalogue))
            print(f"window {window.index}: {len(tested)} users", file=sys.stderr, flush=True)
        whole = Made.of(everything, everything.users(), everything.reference_time(), attributes, series)
    pairs = np.concatenate(users)
    base = np.concatenate(ndcg["as published"])
    print(
        f"{len(pairs)} pairs of user and window\n\n| list | nDCG@10 | change | miscalibration | movies | overlap | repeats |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, rule in RULES.items():
        own, lists = np.concatenate(ndcg[name]), rule(whole.tens)
        different = len(np.unique(lists[lists != NO_MOVIE]))
        far = np.nanmean(np.concatenate(apart[name]))
        print(
            f"| {name} | {own.mean():.4f} | {interval(own - base, pairs)} | {far:.3f} | {different} | {mean_overlap(lists):.2f} | "
            f"{whole.repeats(lists):.2f} |"
        )


if __name__ == "__main__":
    main()
