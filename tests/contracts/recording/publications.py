"""Publications of fixed rows and stores of them, built by the product's own commands."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
import struct
from collections.abc import Iterable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.contracts.recorded_applications import run_publications

PLAIN = "20261120T190000"
FIRST = "20261121T190000"
SECOND = "20261122T190000"
THIRD = "20261123T190000"
DATABASE = "publication.sqlite"

Tables = dict[str, list[tuple[Any, ...]]]

MOVIES = [
    (1, "Toy Story", 1995, "Animation|Comedy"),
    (2, "Amélie (Fabuleux destin d'Amélie Poulain, Le)", 2001, "Comedy|Romance"),
    (3, "Heat", 1995, "Action|Crime"),
    (4, "Untitled", "\\N", ""),
    (5, "Alien", 1979, "Horror|Sci-Fi"),
    (6, "Aliens", 1986, "Action|Horror|Sci-Fi"),
    (7, "Fast & Furious <uncut>", 2009, "Action"),
    (8, "올드보이", 2003, "Crime|Thriller"),
    (9, 'The "Quoted" One', 1999, "Drama"),
    (10, "Seven Samurai", 1954, "Action|Drama"),
    (11, "Metropolis", 1927, "Sci-Fi"),
    (12, "Spirited Away", 2001, "Animation|Fantasy"),
    (13, "Paths of Glory", 1957, "Drama|War"),
    (14, "Ran", 1985, "Drama|War"),
]


def _vector(*values: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def tables_of(version: int) -> Tables:
    """Return all tables; the scores of lists tell the version."""
    ranked = [3, 2, 4, 8, 7, 10, 9, 12, 11, 14, 13, 6]
    of_one = [(1, at, movie, version * 10 - 0.5 * at, "1" if at % 2 else "1,5") for at, movie in enumerate(ranked, 1)]
    return {
        "movies": MOVIES,
        "recommendations": [
            *of_one,
            (7, 1, 1, 1.5, "6"),
            (7, 2, 5, 0.5000004, "6"),
            (7, 3, 2, -0.0, "\\N"),
            (1_000_000_002, 1, 6, 2.25, "5"),
            (1_000_000_002, 2, 7, 1.25, ""),
        ],
        "similar_movies": [(5, 1, 6, 0.99), (5, 2, 3, 0.5), (5, 3, 11, 0.25), (6, 1, 5, 0.99), (6, 2, 1, 0.125)],
        "popular_movies": [
            *(("all", at, movie, 9.5 - at, 300 - at) for at, movie in enumerate((1, 5, 4, 8, 10, 2), 1)),
            ("decade:1990", 1, 1, 3.5, 247),
            ("decade:1990", 2, 3, 2.5, 100),
            ("genre:Horror", 1, 5, 2.5, 190),
            ("recent", 1, 8, 1.5, 12),
        ],
        # Two factors: the first says action, the second says laughter. Movies 4 and 9 have none.
        "movie_factors": [
            (movie, 1.0, 0.05 * movie, _vector((movie % 4) / 4, (movie % 3) / 4))
            for movie in (1, 2, 3, 5, 6, 7, 8, 10, 11, 12)
        ],
        "movie_neighbours": [(5, 1, 6, 0.5), (5, 2, 3, 0.25), (1, 1, 2, 0.125)],
        # The long tail is movies 6, 7, 11, 12 and 14, of which movie 14 has no factors and so no price.
        "discoveries": [
            *((1, at, movie, version - 0.25 * at, "1") for at, movie in enumerate((7, 12, 14, 11, 6), 1)),
            (7, 1, 12, 1.5, "6"),
        ],
        "discovery_prices": [(6, 0.5), (7, 0.0), (11, 1.25), (12, 0.125)],
        "ratings_by_year": [(2015, 300, 40, 5, 3.5), (2016, 140, 20, 4, "3.2500004")],
        "popular_by_genre": [("Horror", 1, 5, 190, 4.1), ("Horror", 2, 6, 80, 3.9), ("Crime", 1, 3, 20, 3.0)],
        "movie_ratings_by_year": [(5, 2015, 150, 4.0), (5, 2016, 40, 4.5), (1, 2015, 247, 3.0)],
        "movie_statistics": [
            (5, 190, 4.105263, 4.1, 1431648000, 1476640644),
            (1, 247, 3.0, 3.02, 1431648000, 1450000000),
        ],
        "row_accounting": [("movies.csv", 15, 14, 1, 0), ("ratings.csv", 450, 440, 6, 4)],
    }


REQUIRED = ("movies", "recommendations", "similar_movies", "popular_movies")
LINEAGE: dict[str, Any] = {
    "data_through": 1476640644,
    "git_commit": "3f1c2ab",
    "airflow": {"run_id": "scheduled__2026-11-23T19:00:00+00:00"},
    "snapshot": {"manifest_sha256": "ab" * 32, "files": [{"name": "movies.csv", "rows": 15}]},
    "model": {
        "name": "marquee-als",
        "version": "3",
        "metrics": {"ndcg_at_10": 0.31},
        "parameters": {"alpha": 2.0, "reg_param": 0.1},
    },
    "top_n": {
        "fold_in": {"rank": 2, "alpha": 2.0, "reg_param": 0.5, "profile_half_life_days": 30.0, "least_decay": 0.02},
        "discovery": {"taste": 2.0, "first_places": 2, "first_price": 0.1},
    },
}


def run(*arguments: object) -> None:
    """Run a command of the publications' program. A failure fails the test."""
    assert run_publications([str(argument) for argument in arguments]) == 0, arguments


def write_exports(folder: Path, tables: Tables, names: Iterable[str] | None = None) -> Path:
    """Write tables as Hive exports them."""
    for table in tables if names is None else names:
        (folder / table).mkdir(parents=True)
        text = "".join("\t".join(map(str, row)) + "\n" for row in tables[table])
        (folder / table / "000000_0").write_text(text, encoding="utf-8")
    return folder


def build(work: Path, publication: str, version: int = 1, *, whole: bool = True) -> Path:
    """Build a publication in work/built and return its folder; one that is not whole has the required tables alone."""
    exports = write_exports(work / f"exports-{publication}", tables_of(version), None if whole else REQUIRED)
    lineage = work / f"lineage-{publication}.json"
    lineage.write_text(json.dumps(LINEAGE if whole else {"data_through": "2016-10-16T17:57:24Z"}), encoding="utf-8")
    output = work / "built" / publication
    options = ("--batch-id", publication, "--output", output, "--allow-short-lists")
    run("build", "--exports", exports, "--lineage", lineage, *options)
    return output


def sign(folder: Path) -> None:
    """Have a manifest agree with its database."""
    content = (folder / DATABASE).read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest |= {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def without_writer(content: bytes) -> bytes:
    """Return a database without the version of the SQLite that wrote it: bytes 96 to 99 of its header, read by nobody."""
    return content[:96] + bytes(4) + content[100:]


def built_publications(work: Path) -> Path:
    """Build the four publications and return their folder; entity tags do not depend on SQLite's version."""
    for version, publication in enumerate((PLAIN, FIRST, SECOND, THIRD)):
        folder = build(work, publication, version, whole=publication != PLAIN)
        (folder / DATABASE).write_bytes(without_writer((folder / DATABASE).read_bytes()))
        sign(folder)
    return work / "built"


class Store:
    """A store that is changed by the product's commands; its ledger's times are made fixed after each."""

    def __init__(self, root: Path, built: Path, *publications: str) -> None:
        self.root = root
        root.mkdir(parents=True)
        for publication in publications:
            arguments = ("--store", root, "--from", built, "--user", "marquee", "--actor", "recorder")
            run("pull", *arguments, "--publication", publication)
        self._fix_times()

    def change(self, command: str, *arguments: str) -> None:
        """Run activate, rollback or pin."""
        run(command, "--store", self.root, *arguments, "--actor", "recorder", "--reason", "for the recording")
        self._fix_times()

    def activate(self, *publications: str) -> Store:
        """Make publications live, one after the other."""
        for publication in publications:
            self.change("activate", "--publication", publication)
        return self

    def _fix_times(self) -> None:
        """Give each entry of the ledger a time: a minute after the one before."""
        ledger = self.root / "ledger.jsonl"
        if not ledger.exists():
            return
        entries = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]
        for number, entry in enumerate(entries):
            entry["at"] = f"2026-11-24T03:{number:02d}:00.000Z"
            if "since" in entry:
                entry["since"] = entry["at"]
        ledger.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")

    def database(self, publication: str) -> Path:
        """Return the file of a publication."""
        return self.root / "publications" / publication / DATABASE

    def damage(self, publication: str) -> Store:
        """Change a byte of a publication: it is no longer sound."""
        file = self.database(publication)
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        _replace(file, bytes(content))
        return self

    def break_lists(self, publication: str) -> Store:
        """Put a list into a publication that is not JSON and sign it: a defect shows at the first request for it."""
        file = self.database(publication)
        copy = file.with_suffix(".copy")
        shutil.copyfile(file, copy)
        with closing(sqlite3.connect(copy)) as connection, connection:
            connection.execute("UPDATE popular_movies SET items = 'broken'")
        _replace(file, copy.read_bytes())
        copy.unlink()
        sign(file.parent)
        return self


def _replace(file: Path, content: bytes) -> None:
    arriving = file.with_suffix(".arriving")
    arriving.write_bytes(content)
    arriving.replace(file)
