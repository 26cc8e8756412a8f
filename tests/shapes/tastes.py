"""Tastes that files of every shape are written from."""

import csv
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from marquee.ingest.sources.embedded import embedded_pickle_path, write_embedded_csv

USERS, ITEMS, TASTES = 300, 400, 8
FIRST_TIME, LAST_TIME = 820_454_400, 1_451_606_400  # 1996 to 2016


@dataclass(frozen=True)
class Rating:
    user: int
    item: int
    stars: float
    time: int


@dataclass(frozen=True)
class Taste:
    """Ratings, and title, year and genres by item."""

    ratings: list[Rating]
    titles: dict[int, str]
    years: dict[int, int]
    genres: dict[int, list[str]]


@dataclass
class OwnData:
    """An archive of one shape, and what a run must make of it.

    ``seen`` has the own ids of each user's items. ``rows`` is the number of rows that are kept, of which ``marks`` only say
    that an item was seen. ``corrections`` are the lines of the proposal that a person has to replace, and those put there.
    """

    archive: Path
    seen: dict[str, set[str]] = field(default_factory=dict)
    rows: int = 0
    marks: int = 0
    timed: bool = True
    titles: dict[str, str] = field(default_factory=dict)
    years: dict[str, str] = field(default_factory=dict)
    genres: dict[str, set[str]] = field(default_factory=dict)
    corrections: list[tuple[str, str]] = field(default_factory=list)

    def add(self, user: str, item: str, rows: int = 1) -> None:
        self.seen.setdefault(user, set()).add(item)
        self.rows += rows

    def add_titles(self, own_id: Callable[[int], str] = str, title: Callable[[str], str] = str) -> None:
        """Say that items have their titles and years, where the year is known."""
        self.titles = {own_id(item): title(name) for item, name in taste().titles.items()}
        self.years = {own_id(item): str(year) for item, year in taste().years.items() if year}

    def add_genres(self, own_id: Callable[[int], str] = str) -> None:
        self.genres = {own_id(item): set(names) for item, names in taste().genres.items() if " " not in "".join(names)}

    def corrected(self, mapping: str) -> str:
        """Return a proposed mapping with what a person corrects."""
        for old, new in self.corrections:
            assert old in mapping, f"{old!r} is not in the proposal:\n{mapping}"
            mapping = mapping.replace(old, new)
        return mapping


def year_of(title: str) -> int:
    found = title.rstrip()[-5:-1]
    return int(found) if found.isdecimal() else 0


@cache
def taste() -> Taste:
    """Return ratings of users who each have one of a few tastes, for real movies.

    A model of planted tastes is clearly better than popularity, so that the gate lets it go live. Models of a few hundred
    real users are not always.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_embedded_csv(embedded_pickle_path(), Path(folder))
        rows, movies = (
            list(csv.reader(Path(folder, f"{name}.csv").read_text(encoding="utf-8").splitlines()))[1:]
            for name in ("ratings", "movies")
        )
    most = dict(Counter(row[1] for row in rows).most_common(ITEMS))
    described = {int(row[0]): row for row in movies if row[0] in most}
    return Taste(
        _ratings(sorted(described)),
        {item: row[1] for item, row in described.items()},
        {item: year_of(row[1]) for item, row in described.items()},
        {item: row[2].split("|") for item, row in described.items()},
    )


def _ratings(items: list[int]) -> list[Rating]:
    chance = random.Random(20261129)
    by_taste = [items[first::TASTES] for first in range(TASTES)]
    ratings = []
    for user in range(1, USERS + 1):
        liked = by_taste[user % TASTES]
        others = [item for item in items if item not in liked]
        chosen = [*chance.sample(liked, chance.randint(20, 30)), *chance.sample(others, chance.randint(6, 14))]
        for item in chosen:
            stars = chance.choice((3.5, 4.0, 4.5, 5.0) if item in liked else (0.5, 1.0, 2.0, 3.0))
            ratings.append(Rating(user, item, stars, chance.randint(FIRST_TIME, LAST_TIME)))
    chance.shuffle(ratings)
    return ratings
