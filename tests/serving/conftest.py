"""A catalogue of six movies and two users, small enough that every expected answer can be written out."""

from __future__ import annotations

import base64
import shutil
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving.publications.building.build import build_publication
from serving.publications.manifest import Manifest
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull
from serving.recommendations.application import create_app

FIRST = "20261121T190000"
SECOND = "20261122T190000"
THIRD = "20261123T190000"

Rows = Iterable[tuple[Any, ...]]
Tables = dict[str, list[tuple[Any, ...]]]


def small_tables() -> Tables:
    return {
        "movies": [
            (1, "Toy Story", 1995, "Animation|Comedy"),
            (2, "Amélie (Fabuleux destin d'Amélie Poulain, Le)", 2001, "Comedy|Romance"),
            (3, "Heat", 1995, "Action|Crime"),
            (4, "Untitled", "\\N", ""),
            (5, "Alien", 1979, "Horror"),
            (6, "Aliens", 1986, "Action|Horror"),
        ],
        "recommendations": [
            (1, 1, 3, 0.9, "1"),
            (1, 2, 2, 0.8000004, "1,5"),
            (1, 3, 4, 0.25, ""),
            (7, 1, 1, 1.5, "6"),
            (7, 2, 5, 0.5, "6"),
            (7, 3, 2, -0.0, "\\N"),
        ],
        "similar_movies": [(5, 1, 6, 0.99), (5, 2, 3, 0.5), (6, 1, 5, 0.99), (6, 2, 1, 0.125)],
        "popular_movies": [
            ("all", 1, 1, 3.5, 247),
            ("all", 2, 5, 2.5, 190),
            ("all", 3, 4, 1.5, 3),
            ("genre:Horror", 1, 5, 2.5, 190),
        ],
        # Two factors: the first says action, the second says laughter. Movie 4 has none: nobody rated it.
        "movie_factors": [
            (1, 1.0, 0.25, factors(0.0, 1.0)),
            (2, 0.5, 0.05, factors(0.0, 0.5)),
            (3, 0.75, 0.1, factors(1.0, 0.0)),
            (5, 1.0, 0.2, factors(0.75, 0.25)),
            (6, 0.5, 0.15, factors(1.0, 0.25)),
        ],
        "movie_neighbours": [(5, 1, 6, 0.5), (5, 2, 3, 0.25), (1, 1, 2, 0.125)],
        # The long tail is movies 2, 3 and 6; nobody rated 4.
        "discoveries": [(1, 1, 6, 1.9, "5"), (1, 2, 2, 0.6, "1"), (7, 1, 3, 1.25, "6")],
        "discovery_prices": [(2, 0.5), (3, 0.0), (6, 1.5)],
        "ratings_by_year": [(2015, 300, 40, 5, 3.5), (2016, 140, 20, 4, "3.2500004")],
        "popular_by_genre": [("Horror", 1, 5, 190, 4.1), ("Horror", 2, 6, 80, 3.9), ("Crime", 1, 3, 20, 3.0)],
        "movie_ratings_by_year": [(5, 2015, 150, 4.0), (5, 2016, 40, 4.5), (1, 2015, 247, 3.0)],
        "movie_statistics": [
            (5, 190, 4.105263, 4.1, 1431648000, 1476640644),
            (1, 247, 3.0, 3.02, 1431648000, 1450000000),
        ],
        "row_accounting": [("movies.csv", 7, 6, 1, 0), ("ratings.csv", 450, 440, 6, 4)],
    }


def factors(*values: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


ROWS = {
    "movies": 6,
    "recommendations": 6,
    "similar_movies": 4,
    "popular_movies": 4,
    "movie_factors": 5,
    "movie_neighbours": 3,
    "discoveries": 3,
    "discovery_prices": 3,
    "ratings_by_year": 2,
    "popular_by_genre": 3,
    "movie_ratings_by_year": 3,
    "movie_statistics": 2,
    "row_accounting": 2,
}
FOLD_IN = {"rank": 2, "alpha": 2.0, "reg_param": 0.5, "profile_half_life_days": 30.0, "least_decay": 0.02}
DISCOVERY = {"taste": 2.0, "first_places": 1, "first_price": 0.1}


def write_exports(folder: Path, tables: Tables) -> Path:
    for table, rows in tables.items():
        target = folder / table
        target.mkdir(parents=True)
        text = "".join("\t".join(str(field) for field in row) + "\n" for row in rows)
        (target / "000000_0").write_text(text, encoding="utf-8")
    return folder


LINEAGE = {
    "data_through": 1476640644,
    "git_commit": "3f1c2ab",
    "model": {
        "name": "marquee-als",
        "version": "3",
        "metrics": {"ndcg_at_10": 0.31},
        "parameters": {"alpha": 2.0, "reg_param": 0.1},
    },
    "top_n": {"fold_in": FOLD_IN, "discovery": DISCOVERY},
}


@pytest.fixture(scope="session", autouse=True)
def quick_pages(templates_compiled_once: None) -> None:
    """Each test makes an application of its own, of the same templates."""


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    return write_exports(tmp_path / "exports", small_tables())


BuildFrom = Callable[..., tuple[Path, Manifest]]


@pytest.fixture
def build_from(tmp_path: Path) -> BuildFrom:
    """Return a function that builds a publication from tables and returns its folder and manifest."""

    def build(publication: str, tables: Tables | None = None, lineage: dict[str, Any] | None = None) -> Any:
        source = tmp_path / f"exports-{publication}"
        shutil.rmtree(source, ignore_errors=True)
        write_exports(source, small_tables() if tables is None else tables)
        output = tmp_path / "built" / publication
        return output, build_publication(source, LINEAGE if lineage is None else lineage, publication, output)

    return build


def tables_of_version(version: int) -> Tables:
    """Return tables whose every score tells the version: an answer that mixes two shows."""
    tables = small_tables()
    tables["recommendations"] = [(*row[:3], 10 * version, *row[4:]) for row in tables["recommendations"]]
    return tables


@pytest.fixture
def store(tmp_path: Path, build_from: BuildFrom) -> PublicationStore:
    """Return a store that holds three publications, none of them live yet; their lists differ."""
    store = PublicationStore(tmp_path / "store")
    for version, publication in enumerate((FIRST, SECOND, THIRD), 1):
        build_from(publication, tables_of_version(version))
        pull(store, str(tmp_path / "built"), publication, "marquee", "test")
    return store


@pytest.fixture
def small_store(tmp_path: Path, build_from: BuildFrom) -> PublicationStore:
    """Return a store whose only, live publication holds the small tables as they are."""
    store = PublicationStore(tmp_path / "store")
    folder, _ = build_from(THIRD)
    pull(store, str(folder), THIRD, "marquee", "test")
    store.activate(THIRD, "test", "the small tables")
    return store


MakeClient = Callable[[PublicationStore], FlaskClient]


@pytest.fixture
def make_client() -> MakeClient:
    def make(store: PublicationStore, **settings: str) -> FlaskClient:
        app = create_app({"MARQUEE_PUBLICATION_STORE": str(store.root), **settings})
        return app.test_client()

    return make


@pytest.fixture
def client(small_store: PublicationStore, make_client: MakeClient) -> FlaskClient:
    return make_client(small_store)
