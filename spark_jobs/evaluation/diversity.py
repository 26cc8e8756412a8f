r"""How much lists differ from one another, and from what everybody knows.

All functions take lists as arrays of movie ids, (users, k), with NO_MOVIE (-1) at the end of a short list. A measure by user has NaN
where it is not defined: for a user without tested movies in the long tail, or with an empty list. docs/evaluation.md has the sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from recommender.arrays import BoolArray, FloatArray, IntArray
from recommender.popularity import RECENT_HALF_LIFE_DAYS, long_tail, popularity, recent_popularity
from recommender.ratings import Ratings, positions
from recommender.top_n import NO_MOVIE

from evaluation.metrics import hits, ranking_metrics

RECENT_TOP = 100
# A movie with N ratings counts like N to the minus this power in stratified recall (Steck 2011).
STRATIFIED_POWER = 0.5
# This share of the person's own genres is mixed into the list's, so that a missing genre is not infinitely wrong (Steck 2018).
MIXED_IN = 0.01

BY_USER = ("ndcg_tail", "stratified_recall", "miscalibration", "user_novelty", "serendipity", "recent_top_share")


@dataclass(frozen=True)
class Catalogue:
    """The movies that lists are measured against, by ascending movie id.

    Shapes: movie_ids, ratings and recent (movies,), genres (movies, genres). `ratings` is the number of ratings, and `recent` recent
    popularity. `users` is the number of users who gave these ratings.
    """

    movie_ids: IntArray
    ratings: FloatArray
    recent: FloatArray
    genres: BoolArray
    users: int

    @classmethod
    def of(cls, before: Ratings, genres: BoolArray, as_of: int) -> Catalogue:
        """Return the catalogue of these ratings as at `as_of`, in Unix seconds UTC.

        `genres` are those of the movies with ratings.
        """
        movies = before.movies()
        recent = recent_popularity(before, movies, RECENT_HALF_LIFE_DAYS, as_of)
        return cls(movies, popularity(before, movies), recent, genres, len(before.users()))

    # Each part of a larger batch asks for these of one catalogue.
    @cached_property
    def tail(self) -> BoolArray:
        """Return which movies are outside the short head, (movies,)."""
        return long_tail(self.ratings)

    @cached_property
    def by_recent(self) -> IntArray:
        """Return the places of the movies, the most popular of late first."""
        return np.argsort(-self.recent, kind="stable")

    @cached_property
    def recent_top(self) -> BoolArray:
        """Return which movies are among the RECENT_TOP by recent popularity, (movies,)."""
        members = np.zeros(len(self.recent), dtype=np.bool_)
        members[self.by_recent[:RECENT_TOP]] = True
        return members

    @cached_property
    def votes(self) -> FloatArray:
        """Return the genres of each movie as shares of one vote, (movies, genres)."""
        return np.asarray(self.genres / np.maximum(self.genres.sum(axis=1, keepdims=True), 1))


def mean_overlap(lists: IntArray) -> float:
    """Return how many movies the lists of two users share, on average over all pairs.

    A list holds a movie once. With fewer than two lists, the result is 0.
    """
    users = len(lists)
    if users < 2:
        return 0.0
    _, counts = np.unique(lists[lists != NO_MOVIE], return_counts=True)
    # A movie in c lists is shared by c (c - 1) / 2 pairs.
    return float((counts * (counts - 1.0)).sum() / (users * (users - 1.0)))


def share_in(lists: IntArray, movie_ids: IntArray, members: BoolArray) -> FloatArray:
    """Return the share of each list's places that these movies hold, (users,)."""
    listed = lists != NO_MOVIE
    inside = np.zeros(lists.shape, dtype=np.bool_)
    inside[listed] = members[np.searchsorted(movie_ids, lists[listed])]
    return _quotient(inside.sum(axis=1), listed.sum(axis=1))


def novelty_by_user(lists: IntArray, catalogue: Catalogue) -> FloatArray:
    """Return the mean of -log2(share of users who rated the movie) over each list."""
    listed = lists != NO_MOVIE
    bits = np.zeros(lists.shape)
    at = np.searchsorted(catalogue.movie_ids, lists[listed])
    bits[listed] = -np.log2(np.maximum(catalogue.ratings[at], 1.0) / catalogue.users)
    return _quotient(bits.sum(axis=1), listed.sum(axis=1))


def stratified_recall(
    lists: IntArray, list_users: IntArray, test_users: IntArray, test_movies: IntArray, catalogue: Catalogue
) -> FloatArray:
    """Return the share of the tested movies that each list holds, (users,).

    A rare movie counts more: a movie with N ratings counts like N to the minus STRATIFIED_POWER, and one without ratings like one with one.
    """
    found = hits(lists, list_users, test_users, test_movies)
    held = np.zeros(lists.shape)
    held[found] = _rarity(lists[found], catalogue)
    user_at = positions(list_users, test_users)
    of_lists = user_at >= 0
    wanted = np.bincount(user_at[of_lists], _rarity(test_movies[of_lists], catalogue), minlength=len(list_users))
    return _quotient(held.sum(axis=1), wanted)


def _rarity(movies: IntArray, catalogue: Catalogue) -> FloatArray:
    at = positions(catalogue.movie_ids, movies)
    known = np.where(at >= 0, catalogue.ratings[at] if len(catalogue.ratings) else 1.0, 1.0)
    return np.asarray(np.maximum(known, 1.0) ** -STRATIFIED_POWER)


def miscalibration(lists: IntArray, list_users: IntArray, before: Ratings, catalogue: Catalogue) -> FloatArray:
    """Return how far each list's genres are from its user's own, (users,).

    The user's genres are those of the rated movies, and a movie's genres share one vote. The distance is the Kullback-Leibler divergence in
    nats: 0 for equal shares. `list_users` ascend. A user or a list without any genre has no value.
    """
    votes = catalogue.votes
    listed = lists != NO_MOVIE
    shown = np.zeros((*lists.shape, votes.shape[1]))
    shown[listed] = votes[np.searchsorted(catalogue.movie_ids, lists[listed])]
    own = np.zeros((len(list_users), votes.shape[1]))
    user_at = positions(list_users, before.user_id)
    of_lists = user_at >= 0
    np.add.at(own, user_at[of_lists], votes[np.searchsorted(catalogue.movie_ids, before.movie_id[of_lists])])
    wanted = _quotient(own, own.sum(axis=1, keepdims=True))
    given = _quotient(shown.sum(axis=1), shown.sum(axis=(1, 2))[:, None])
    mixed = (1 - MIXED_IN) * given + MIXED_IN * wanted
    # A genre that the person never watched adds nothing, however often it is listed.
    watched = wanted > 0
    terms = np.where(watched, wanted * np.log(np.where(watched, wanted, 1) / np.where(watched, mixed, 1)), 0)
    defined = (own.sum(axis=1) > 0) & (shown.sum(axis=(1, 2)) > 0)
    return np.where(defined, terms.sum(axis=1), np.nan)


def expected_lists(list_users: IntArray, before: Ratings, catalogue: Catalogue, k: int) -> IntArray:
    """Return the k movies that recent popularity would show each user, (users, k).

    Movies that the user rated are left out. `list_users` ascend.
    """
    order = catalogue.movie_ids[catalogue.by_recent]
    starts = np.searchsorted(before.user_id, list_users)
    ends = np.searchsorted(before.user_id, list_users, side="right")
    lists = np.full((len(list_users), k), NO_MOVIE, dtype=np.int64)
    for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
        # Of the first k + n movies, n at most were rated.
        first = order[: k + end - start]
        unseen = first[~np.isin(first, before.movie_id[start:end])][:k]
        lists[row, : len(unseen)] = unseen
    return lists


def serendipity(lists: IntArray, hit: BoolArray, expected: IntArray) -> FloatArray:
    """Return the share of each list that is a hit and not expected, (users,).

    Shapes: lists (users, k), hit (users, k), expected (users, any). The expected movies are those of a plain recommender (Ge,
    Delgado-Battenfeld and Jannach 2010).
    """
    surprising = (lists[:, :, None] != expected[:, None, :]).all(axis=2)
    return _quotient((hit & surprising).sum(axis=1), (lists != NO_MOVIE).sum(axis=1))


def measures_by_user(
    lists: IntArray,
    tail_lists: IntArray,
    list_users: IntArray,
    before: Ratings,
    test: Ratings,
    catalogue: Catalogue,
) -> dict[str, FloatArray]:
    """Return each of BY_USER as one value per user.

    `tail_lists` are the best movies of the long tail, and `list_users`, ascending, are the users of both kinds of lists. The lists were
    made from the ratings `before`.
    """
    hit = hits(lists, list_users, test.user_id, test.movie_id)
    expected = expected_lists(list_users, before, catalogue, lists.shape[1])
    return {
        "ndcg_tail": tail_ndcg(tail_lists, list_users, test, catalogue),
        "stratified_recall": stratified_recall(lists, list_users, test.user_id, test.movie_id, catalogue),
        "miscalibration": miscalibration(lists, list_users, before, catalogue),
        "user_novelty": novelty_by_user(lists, catalogue),
        "serendipity": serendipity(lists, hit, expected),
        "recent_top_share": share_in(lists, catalogue.movie_ids, catalogue.recent_top),
    }


def tail_ndcg(tail_lists: IntArray, list_users: IntArray, test: Ratings, catalogue: Catalogue) -> FloatArray:
    """Return each list's nDCG against tested movies of the long tail, (users,).

    A tested movie that the catalogue lacks is of the tail, and counts against every list.
    """
    at = positions(catalogue.movie_ids, test.movie_id)
    rare = test.select((at < 0) | catalogue.tail[at])
    user_at = positions(list_users, rare.user_id)
    relevant = np.bincount(user_at[user_at >= 0], minlength=len(list_users))
    values = np.full(len(list_users), np.nan)
    tested = relevant > 0
    if tested.any():
        hit = hits(tail_lists[tested], list_users[tested], rare.user_id, rare.movie_id)
        values[tested] = ranking_metrics(hit, relevant[tested])["ndcg"]
    return values


def _quotient(part: FloatArray | IntArray, whole: FloatArray | IntArray) -> FloatArray:
    """Return part / whole, and NaN where the whole is 0."""
    shape = np.broadcast(part, whole).shape
    return np.asarray(np.divide(part, whole, out=np.full(shape, np.nan), where=np.broadcast_to(whole, shape) > 0))
