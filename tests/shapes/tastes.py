"""Real tastes, from the embedded MovieLens ratings, that files of other shapes are written from."""

import csv
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from marquee.ingest.sources.embedded import embedded_pickle_path, write_embedded_csv

USERS, ITEMS = 300, 400
FEWEST_OF_A_USER = 10


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
    """Return the ratings of the first users for the items that these rated most, with their items.

    The times are dealt to other ratings: most users have rated on one day, and then few would have a future to test a model by.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_embedded_csv(embedded_pickle_path(), Path(folder))
        rows, movies = (
            list(csv.reader(Path(folder, f"{name}.csv").read_text(encoding="utf-8").splitlines()))[1:]
            for name in ("ratings", "movies")
        )
    early = [row for row in rows if int(row[0]) <= USERS]
    most = dict(Counter(row[1] for row in early).most_common(ITEMS))
    kept = [row for row in early if row[1] in most]
    counts = Counter(row[0] for row in kept)
    kept = [row for row in kept if counts[row[0]] >= FEWEST_OF_A_USER]
    times = [int(row[3]) for row in kept]
    random.Random(20261129).shuffle(times)
    ratings = [
        Rating(int(user), int(item), float(stars), time)
        for (user, item, stars, _), time in zip(kept, times, strict=True)
    ]
    described = {int(row[0]): row for row in movies if row[0] in most}
    return Taste(
        ratings,
        {item: row[1] for item, row in described.items()},
        {item: year_of(row[1]) for item, row in described.items()},
        {item: row[2].split("|") for item, row in described.items()},
    )
