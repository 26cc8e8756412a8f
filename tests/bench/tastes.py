"""People with taste and movies with an age: who rates what, when, and how many stars.

A rating's movie comes from one of TOPICS distributions over movies (a mixture of topics for each person: latent factors), times what
age does to a movie's popularity. Most people enter once what they saw over the years; some return, and enter what came out since.
The figures were chosen such that samples resemble MovieLens (latest small, 100,004 ratings): tests/bench/test_movielens_like.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

DAY, YEAR = 86_400, 365 * 86_400
FIRST_TIME, LAST_TIME = 825_638_400, 1_574_300_000  # 1996-03-01 to 2019-11-21, as ml-25m
TOPICS = 12
# A topic's genres; the last are no genre's.
GENRES = (
    *("Drama", "Comedy", "Action|Thriller", "Documentary", "Horror|Sci-Fi", "Children|Animation", "Musical|Romance"),
    *("Comedy|Romance", "Crime|Drama", "Adventure|Fantasy", "War|Drama", "Western", "Film-Noir|Mystery"),
    *("Action|Sci-Fi", "Thriller", "Comedy|Drama", "Adventure|Children", "Horror", "Drama|Romance", "Animation"),
    *("Crime|Thriller", "Action|Adventure", "Mystery|Sci-Fi", "(no genres listed)"),
)
# How many ratings each month of the year brings, relative to the mean.
MONTHS = np.array([0.92, 0.86, 0.84, 1.15, 0.98, 1.06, 0.94, 1.02, 0.73, 0.97, 1.37, 1.15])
# Each topic has a month in which it is watched most.
SEASON_STRENGTH = 0.3
# The share of a movie's first popularity that never fades, on a first visit and on later ones; it fades by 1/e in FADING.
LASTING_AT_FIRST, LASTING_LATER, FADING = 0.6, 0.16, 1.0 * YEAR
# Shares of people who come back within 90 days, and who come back for years.
SOON_AGAIN, FOR_YEARS = 0.17, 0.24
ROUNDS, TRIES = 30, 4
# How many topics a person likes (the parameter of a Dirichlet distribution), and the share of everybody's taste in each.
CONCENTRATION, SHARED = 0.07, 0.03


@dataclass(frozen=True)
class World:
    """The movies: ascending ids, release times, topics, quality and each topic's cumulated shares, (TOPICS x movies,)."""

    ids: Array
    released: Array
    topic: Array
    second: Array
    quality: Array
    by_popularity: Array
    cumulated: Array

    @classmethod
    def of(cls, rows: int, seed: int) -> World:
        """Return the movies of a set with that many ratings."""
        generator = np.random.default_rng([seed, 0])
        count = max(200, int(62_000 * (rows / 25_000_000) ** 0.28))
        ids = np.sort(generator.choice(np.arange(1, 4 * count), count, replace=False))
        released = LAST_TIME - (generator.exponential(17, count) * YEAR).astype(np.int64)
        topic, second = generator.integers(TOPICS, size=(2, count))
        shares = generator.permutation((np.arange(1, count + 1) + count / 70) ** -1.65)
        # What is watched in all topics is above all what is popular.
        liked = 0.01 + 0.9 * (topic == np.arange(TOPICS)[:, None]) + 0.4 * (second == np.arange(TOPICS)[:, None])
        weights = liked * shares
        weights /= weights.sum(axis=1, keepdims=True)
        cumulated = (np.cumsum(weights, axis=1) + np.arange(TOPICS)[:, None]).ravel()
        quality = generator.normal(0, 0.4, count) + 0.25 * np.log10(shares / shares.mean())
        return cls(ids, released, topic, second, quality, np.argsort(-shares, kind="stable"), cumulated)

    def draw(self, generator: np.random.Generator, topics: Array) -> Array:
        """Return one movie for each topic given, by its position."""
        count = len(self.ids)
        found = np.searchsorted(self.cumulated, topics + generator.random(topics.shape), side="right") - topics * count
        return np.minimum(np.maximum(found, 0), count - 1)


def activity(generator: np.random.Generator, people: int, movies: int) -> Array:
    """Return how many movies each person rates: 20 at least, with a long tail."""
    wanted = 20 + generator.lognormal(3.93, 1.45, people).astype(np.int64)
    return np.minimum(wanted, max(20, movies // 5))


def times(generator: np.random.Generator, wanted: Array) -> tuple[Array, Array]:
    """Return each rating's time, ascending for each person, and whether it is of their first visit."""
    people, person = len(wanted), np.repeat(np.arange(len(wanted)), wanted)
    begun = _in_season(generator, FIRST_TIME, LAST_TIME, people)
    # Who rates much comes back more often.
    much = np.argsort(np.argsort(wanted + generator.lognormal(4, 1.5, people))) / people
    for_years = much > 1 - FOR_YEARS
    again = for_years | (generator.random(people) < SOON_AGAIN / (1 - FOR_YEARS))
    later = again[person] & (generator.random(len(person)) < np.where(for_years, 0.68, 0.5)[person])
    years, days = 200 * DAY + generator.exponential(2.2 * YEAR, people), generator.uniform(2, 60, people) * DAY
    span = np.where(for_years, years, days)
    # A person's visits are a few moments of the span; its ratings follow one another within some hours.
    visits = 1 + wanted // 12
    visit = (generator.random(len(person)) * visits[person]).astype(np.int64)
    at = generator.random(int(visits.sum()))[np.cumsum(visits)[person] - visits[person] + visit]
    moment = at**1.1 * span[person]
    when = begun[person] + np.where(later, DAY + moment, 0).astype(np.int64)
    when += generator.integers(0, 3 * 3600, len(person))
    # After the last day nobody rates; those who would have returned then did so on the first day.
    when = np.where(when > LAST_TIME, begun[person] + generator.integers(0, 3 * 3600, len(person)), when)
    order = np.lexsort((when, person))
    when = when[order]
    return when, when - begun[person] < DAY


def _in_season(generator: np.random.Generator, first: int, last: int, count: int) -> Array:
    """Return that many moments, more of them in the months that bring more."""
    drawn = generator.integers(first, last, 4 * count)
    month = drawn.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12
    kept = drawn[generator.random(len(drawn)) < MONTHS[month] / MONTHS.max()][:count]
    return np.asarray(np.append(kept, drawn[: count - len(kept)]))


def movies_of(
    generator: np.random.Generator, world: World, wanted: Array, when: Array, at_first: Array
) -> tuple[Array, Array]:
    """Return the movie of each rating, each once for a person, and how much the person likes its topic."""
    people, person = len(wanted), np.repeat(np.arange(len(wanted)), wanted)
    taste = generator.dirichlet(np.full(TOPICS, CONCENTRATION), people) * (1 - SHARED) + SHARED / TOPICS
    cumulated = (np.cumsum(taste, axis=1) + np.arange(people)[:, None]).ravel()
    month = when.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12
    lasting = np.where(at_first, LASTING_AT_FIRST, LASTING_LATER)
    movie = np.full(len(person), -1, dtype=np.int64)
    taken = np.zeros(0, dtype=np.int64)
    open_ = np.arange(len(person))
    for round_ in range(ROUNDS):
        who, shape = person[open_], (len(open_), TRIES)
        # Towards the end, those who have seen nearly all that they like take what there is.
        choosy = round_ < ROUNDS * 2 // 3
        topic = np.searchsorted(cumulated, who[:, None] + generator.random(shape), side="right") - who[:, None] * TOPICS
        topic = np.clip(topic, 0, TOPICS - 1) if choosy else generator.integers(TOPICS, size=shape)
        drawn = world.draw(generator, topic)
        age = when[open_][:, None] - world.released[drawn]
        bare = lasting[open_][:, None]
        season = 1 + SEASON_STRENGTH * np.cos((month[open_][:, None] - topic % 12) * np.pi / 6)
        chance = (bare + (1 - bare) * np.exp(-np.maximum(age, 0) / FADING)) * season / (1 + SEASON_STRENGTH)
        fits = (age >= 0) & ((generator.random(shape) < chance) | (not choosy))
        key = who * len(world.ids) + drawn[np.arange(len(open_)), np.argmax(fits, axis=1)]
        new = np.flatnonzero(fits.any(axis=1) & ~_contains(taken, key))
        new = new[np.unique(key[new], return_index=True)[1]]
        movie[open_[new]] = key[new] % len(world.ids)
        taken = np.sort(np.append(taken, key[new]))
        open_ = np.delete(open_, new)
    for unhappy in np.unique(person[open_]):
        slots = open_[person[open_] == unhappy]
        seen = movie[person == unhappy]
        movie[slots] = world.by_popularity[~np.isin(world.by_popularity, seen)][: len(slots)]
    return movie, taste[person, world.topic[movie]]


def _contains(sorted_keys: Array, keys: Array) -> Array:
    if not len(sorted_keys):
        return np.zeros(len(keys), dtype=np.bool_)
    at = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return np.asarray(sorted_keys[at] == keys)


def half_stars(
    generator: np.random.Generator, world: World, person: Array, people: int, movie: Array, liking: Array
) -> Array:
    """Return each rating as a number of half stars, 1 to 10; about half of all people give whole stars alone."""
    mood = generator.normal(0, 0.42, people)[person]
    whole = (generator.random(people) < 0.5)[person]
    stars = 3.32 + mood + world.quality[movie] + 0.8 * np.minimum(liking, 0.5) + generator.normal(0, 0.9, len(person))
    return np.where(whole, 2 * np.clip(np.round(stars), 1, 5), np.clip(np.round(2 * stars), 1, 10)).astype(np.int64)
