"""A publication of schema version 1, written here as version 1 wrote it, is still served; other versions are refused."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from serving.publications.format import APPLICATION_ID, PublicationError, sha256_of
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull

from ..conftest import FIRST, THIRD, BuildFrom, MakeClient
from ..recommendations.test_recommendations import answer, ids, problem

VERSION_1 = """
CREATE TABLE movies (
  movie_id INTEGER PRIMARY KEY, title TEXT NOT NULL, release_year INTEGER, genres TEXT NOT NULL
) STRICT;
CREATE TABLE recommendations (user_id INTEGER PRIMARY KEY, items TEXT NOT NULL) STRICT;
CREATE TABLE similar_movies (movie_id INTEGER PRIMARY KEY, items TEXT NOT NULL) STRICT;
CREATE TABLE popular_movies (scope TEXT PRIMARY KEY, items TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE item_factors (movie_id INTEGER PRIMARY KEY, factors BLOB NOT NULL) STRICT;
INSERT INTO movies VALUES (1, 'Toy Story', 1995, 'Animation|Comedy'), (3, 'Heat', 1995, 'Action|Crime');
INSERT INTO recommendations VALUES (1, '[[3,0.9,[1]]]');
INSERT INTO similar_movies VALUES (1, '[[3,0.5]]');
INSERT INTO popular_movies VALUES ('all', '[[1,3.5,247],[3,2.5,20]]');
"""


def write_version(folder: Path, version: int) -> Path:
    folder.mkdir()
    database = folder / "publication.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(
            f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={version}; BEGIN; {VERSION_1} COMMIT;"
        )
    manifest = {
        "schema_version": version,
        "batch_id": FIRST,
        "sha256": sha256_of(database),
        "bytes": database.stat().st_size,
        "rows": {"movies": 2, "recommendations": 1, "similar_movies": 1, "popular_movies": 2},
        "data_through": "2016-10-16T17:57:24Z",
        "lineage": {"git_commit": "3f1c2ab"},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    return folder


def test_one_of_version_1_is_still_served_and_what_it_lacks_is_said(tmp_path: Path, make_client: MakeClient) -> None:
    store = PublicationStore(tmp_path / "store")
    pull(store, str(write_version(tmp_path / "old", 1)), FIRST, "u", "test")
    store.activate(FIRST, "test", "")
    client = make_client(store)
    assert ids(answer(client, "/v1/users/1/recommendations")) == [3]
    assert ids(answer(client, "/v1/movies/1")) == [3]
    problem(client, "/v1/marts/ratings_by_year", 404, "not-in-publication")
    assert ids(answer(client, "/v1/users/1/recommendations?discovery=0")) == [3]
    problem(client, "/v1/users/1/recommendations?discovery=0.5", 404, "not-in-publication")
    assert client.get("/?user=1").status_code == 200
    assert client.post("/v1/recommendations", json={"ratings": [{"movie_id": 1, "rating": 5}]}).status_code == 404
    assert answer(client, "/v1/publication")["schema_version"] == 1


def test_one_can_roll_back_from_version_2_to_version_1(tmp_path: Path, build_from: BuildFrom) -> None:
    store = PublicationStore(tmp_path / "store")
    pull(store, str(write_version(tmp_path / "old", 1)), FIRST, "u", "test")
    store.activate(FIRST, "test", "")
    pull(store, str(build_from(THIRD)[0]), THIRD, "u", "test")
    store.activate(THIRD, "test", "")
    assert store.roll_back(None, "test", "").live == FIRST


def test_one_of_a_version_to_come_is_refused_in_one_sentence(tmp_path: Path) -> None:
    store = PublicationStore(tmp_path / "store")
    with pytest.raises(
        PublicationError, match=r"has schema version 4, but this program reads 1, 2 and 3\. Use the matching"
    ):
        pull(store, str(write_version(tmp_path / "new", 4)), FIRST, "u", "test")
