from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.publications.building.build import BuildOptions, build_publication
from serving.publications.format import PublicationError, sha256_of

from ..conftest import LINEAGE, ROWS, THIRD, BuildFrom, Tables, factors, small_tables, write_exports


def contents(folder: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "publication.sqlite")) as connection:
        return connection.execute(query).fetchall()


def test_the_database_holds_each_list_whole_in_rank_order(build_from: BuildFrom) -> None:
    folder, _ = build_from(THIRD)
    assert contents(folder, "SELECT * FROM recommendations") == [
        (1, "[[3,0.9,[1]],[2,0.8,[1,5]],[4,0.25,[]]]"),
        (7, "[[1,1.5,[6]],[5,0.5,[6]],[2,0.0,[]]]"),
    ]
    assert contents(folder, "SELECT * FROM similar_movies") == [
        (5, "[[6,0.99],[3,0.5]]"),
        (6, "[[5,0.99],[1,0.125]]"),
    ]
    assert contents(folder, "SELECT * FROM popular_movies") == [
        ("all", "[[1,3.5,247],[5,2.5,190],[4,1.5,3]]"),
        ("genre:Horror", "[[5,2.5,190]]"),
    ]
    assert contents(folder, "SELECT * FROM movies WHERE movie_id = 4") == [(4, "Untitled", None, "")]


def test_the_manifest_describes_the_file_and_carries_the_lineage(build_from: BuildFrom) -> None:
    folder, manifest = build_from(THIRD)
    database = folder / "publication.sqlite"
    assert json.loads((folder / "manifest.json").read_text()) == {
        "schema_version": 2,
        "batch_id": THIRD,
        "sha256": sha256_of(database),
        "bytes": database.stat().st_size,
        "rows": ROWS,
        # Movies 3, 2, 4, 1 and 5 of six are in some list; four of six entries name a reason.
        "figures": {"users": 2, "coverage": 0.833333, "coverage_at_10": 0.833333, "explained": 0.666667},
        "data_through": "2016-10-16T17:57:24Z",
        "lineage": LINEAGE,
    }
    assert manifest.data_through == 1476640644


def test_another_batch_with_the_same_rows_has_the_same_database_bytes(build_from: BuildFrom) -> None:
    first, _ = build_from("20261122T190000")
    second, _ = build_from(THIRD, lineage={"data_through": "2020-01-01T00:00:00Z"})
    assert (first / "publication.sqlite").read_bytes() == (second / "publication.sqlite").read_bytes()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_neither_the_order_of_rows_nor_their_split_into_files_changes_a_byte(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    reference = tmp_path_factory.mktemp("reference")
    expected = build_publication(write_exports(reference / "in", small_tables()), LINEAGE, THIRD, reference / "out")
    shuffled = tmp_path_factory.mktemp("shuffled")
    for table, rows in small_tables().items():
        target = shuffled / "in" / table
        target.mkdir(parents=True)
        for row in data.draw(st.permutations(rows)):
            name = data.draw(st.sampled_from(["000000_0", "000001_0"]))
            with (target / name).open("a", encoding="utf-8") as file:
                file.write("\t".join(map(str, row)) + "\n")
    assert build_publication(shuffled / "in", LINEAGE, THIRD, shuffled / "out") == expected


def replace(table: str, index: int, row: tuple[object, ...]) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        tables[table][index] = row

    return change


def drop(table: str, index: int) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        del tables[table][index]

    return change


def empty(table: str) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        tables[table] = []

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (drop("recommendations", 1), "The list of user 1 is not ranked 1 to 2: it has a rank 3"),
        (drop("recommendations", 2), "The list of user 1 has 2 of 3 entries"),
        (replace("recommendations", 1, (1, 2, 3, 0.8, "1")), "The list of user 1 holds movie 3 more than once"),
        (
            replace("recommendations", 1, (1, 2, 9, 0.8, "1")),
            "The list of user 1 holds movie 9, which the movies table",
        ),
        (replace("recommendations", 1, (1, 2, 2, 0.8, "9")), "The list of user 1 gives movie 9 as a reason"),
        (replace("recommendations", 1, (1, 2, 1, 0.8, "5")), "recommends movie 1, which the user has rated"),
        (replace("recommendations", 1, (1, 2, 2, 0.95, "1")), "has a higher score at rank 2 than at 1"),
        (replace("recommendations", 1, (1, 2, 2, "NaN", "1")), "recommendations/000000_0:2: score is 'NaN'"),
        (replace("recommendations", 1, (0, 2, 2, 0.8, "1")), "recommendations/000000_0:2: user_id is '0'"),
        (replace("recommendations", 1, (1, 2, 2, 0.8, "1;5")), "reason_movie_ids is '1;5'"),
        (replace("similar_movies", 1, (5, 2, 5, 0.5)), "The list of movies similar to 5 holds the movie itself"),
        (replace("similar_movies", 0, (9, 1, 6, 0.5)), "movies similar to"),
        (drop("similar_movies", 3), "The list of movies similar to 6 has 1 of 2 entries"),
        (
            replace("popular_movies", 3, ("genre:Horror", 2, 5, 2.5, 190)),
            "popular movies in genre:Horror is not ranked",
        ),
        (replace("popular_movies", 3, ("genre:Horror", 1, 5, 2.5, -1)), "ratings is '-1'"),
        (replace("movies", 1, (1, "Again", 2001, "")), "movies holds 1 twice"),
        (replace("movies", 1, (2, "", 2001, "")), "movies/000000_0:2: title is empty"),
        (replace("movies", 1, (2, "Amélie", "soon", "")), "release_year is 'soon'"),
        (empty("recommendations"), "The export of recommendations has no rows"),
        (empty("movies"), "The export of movies has no rows"),
    ],
)
def test_lists_that_must_not_be_served_are_refused_in_one_sentence(
    build_from: BuildFrom, change: Callable[[Tables], None], sentence: str
) -> None:
    tables = small_tables()
    change(tables)
    with pytest.raises(PublicationError, match=sentence):
        build_from(THIRD, tables)


def test_popular_movies_need_the_scope_all(build_from: BuildFrom) -> None:
    tables = small_tables()
    tables["popular_movies"] = [row for row in tables["popular_movies"] if row[0] != "all"]
    with pytest.raises(PublicationError, match="popular_movies has no scope 'all'"):
        build_from(THIRD, tables)


def test_short_lists_are_accepted_when_asked(tmp_path: Path) -> None:
    tables = small_tables()
    del tables["recommendations"][2]
    exports = write_exports(tmp_path / "short", tables)
    manifest = build_publication(exports, {}, THIRD, tmp_path / "out", BuildOptions(full_lists=False))
    assert manifest.rows["recommendations"] == 5
    assert manifest.data_through is None


def test_a_refused_build_leaves_the_earlier_one_alone(tmp_path: Path, build_from: BuildFrom) -> None:
    folder, manifest = build_from(THIRD)
    tables = small_tables()
    tables["recommendations"] = []
    with pytest.raises(PublicationError, match="no rows"):
        build_from(THIRD, tables)
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "publication.sqlite"]
    assert sha256_of(folder / "publication.sqlite") == manifest.sha256


def test_movie_factors_and_marts_are_stored_by_key(build_from: BuildFrom) -> None:
    folder, _ = build_from(THIRD)
    assert contents(folder, "SELECT movie_id, gain, prior, hex(factors) FROM movie_factors WHERE movie_id = 5") == [
        (5, 1.0, 0.2, "0000403F0000803E")
    ]
    assert contents(folder, "SELECT movie_id, hex(neighbour_ids), hex(weights) FROM movie_neighbours") == [
        (1, "02000000", "0000003E"),
        (5, "0600000003000000", "0000003F0000803E"),
    ]
    assert contents(folder, "SELECT * FROM ratings_by_year") == [(2015, 300, 40, 5, 3.5), (2016, 140, 20, 4, 3.25)]
    assert contents(folder, "SELECT * FROM popular_by_genre") == [
        ("Crime", "[[3,3.0,20]]"),
        ("Horror", "[[5,4.1,190],[6,3.9,80]]"),
    ]
    assert contents(folder, "SELECT * FROM movie_ratings_by_year WHERE movie_id = 5") == [
        (5, "[[2015,150,4.0],[2016,40,4.5]]")
    ]
    assert contents(folder, "SELECT * FROM row_accounting") == [
        ("movies.csv", 7, 6, 1, 0),
        ("ratings.csv", 450, 440, 6, 4),
    ]


def test_lists_of_the_long_tail_are_stored_by_user_and_may_be_short(build_from: BuildFrom) -> None:
    folder, _ = build_from(THIRD)
    assert contents(folder, "SELECT * FROM discoveries") == [(1, "[[6,1.9,[5]],[2,0.6,[1]]]"), (7, "[[3,1.25,[6]]]")]
    assert contents(folder, "SELECT * FROM discovery_prices") == [(2, 0.5), (3, 0.0), (6, 1.5)]


def test_a_publication_may_lack_factors_and_marts(build_from: BuildFrom) -> None:
    tables = {name: small_tables()[name] for name in ("movies", "recommendations", "similar_movies", "popular_movies")}
    folder, manifest = build_from(THIRD, tables)
    assert list(manifest.rows) == ["movies", "recommendations", "similar_movies", "popular_movies"]
    assert contents(folder, "SELECT count(*) FROM movie_factors") == [(0,)]


@pytest.mark.parametrize(
    ("table", "row", "sentence"),
    [
        ("movie_factors", (6, 1.0, 0.1, factors(1.0)), "movie_factors of movie 6 have another length"),
        ("movie_factors", (6, 1.0, 0.1, "1,x"), "factors are not base64 of little-endian float32"),
        ("movie_factors", (6, 1.0, 0.1, "AAAA"), "factors are not base64 of little-endian float32"),
        ("movie_factors", (6, 1.0, 0.1, ""), "factors are empty or not all finite"),
        ("movie_factors", (6, 1.0, 0.1, factors(1.0, float("inf"))), "factors are empty or not all finite"),
        ("movie_factors", (6, "inf", 0.1, factors(1.0, 1.0)), "gain is 'inf', not a finite number"),
        ("movie_factors", (9, 1.0, 0.1, factors(1.0, 1.0)), "movie_factors holds movie 9, which the movies table"),
        ("movie_factors", (1, 1.0, 0.1, factors(1.0, 1.0)), "movie_factors holds 1 twice"),
        ("movie_neighbours", (1, 3, 3, 0.1), "neighbours of movie 1 are not ranked 1 to 2, each once"),
        ("movie_neighbours", (1, 2, 2, 0.1), "neighbours of movie 1 are not ranked 1 to 2, each once"),
        ("movie_neighbours", (1, 2, 9, 0.1), "movie_neighbours of movie 1 holds itself, or a movie that movies lacks"),
        ("movie_neighbours", (1, 2, 1, 0.1), "movie_neighbours of movie 1 holds itself"),
        ("movie_neighbours", (1, 2, 3, "nan"), "weight is 'nan', not a finite number"),
        ("discoveries", (1, 4, 3, 0.1, ""), "discoveries of user 1 is not ranked 1 to 3"),
        (
            "discoveries",
            (1, 3, 9, 0.1, ""),
            "discoveries of user 1 holds movie 9, which the movies table does not have",
        ),
        ("discoveries", (1, 3, 5, 0.1, ""), "discoveries of user 1 recommends movie 5, which the user has rated"),
        ("discoveries", (1, 3, 4, 0.7, ""), "discoveries of user 1 has a higher score at rank 3 than at 2"),
        ("discovery_prices", (9, 0.5), "discovery_prices holds movie 9, which the movies table does not have"),
        ("discovery_prices", (6, 0.5), "discovery_prices holds 6 twice"),
        ("discovery_prices", (5, -0.5), "price is '-0.5', which is below 0"),
        ("discovery_prices", (5, "inf"), "price is 'inf', not a finite number"),
        ("ratings_by_year", (2015, 1, 1, 1, 3.0), "ratings_by_year holds 2015 twice"),
        ("ratings_by_year", (2017, 1, 1, 1, 5.5), "mean_rating is '5.5', not a mean of ratings"),
        ("popular_by_genre", ("Horror", 2, 5, 1, 3.0), "the best movies in Horror is not ranked 1 to 3"),
        ("popular_by_genre", ("", 2, 5, 1, 3.0), "genre is empty"),
        ("movie_ratings_by_year", (5, 2015, 1, 3.0), "a year of movie 5 twice"),
        ("movie_ratings_by_year", (9, 2015, 1, 3.0), "movies does not have it"),
        ("movie_statistics", (9, 1, 3.0, 3.0, 0, 0), "movie_statistics holds movie 9"),
        ("row_accounting", ("tags.csv", 10, 7, 1, 1), r"rows_in of tags.csv is 10, but .* are 9\. Rows were lost"),
    ],
)
def test_broken_factors_and_marts_are_refused_in_one_sentence(
    build_from: BuildFrom, table: str, row: tuple[object, ...], sentence: str
) -> None:
    tables = small_tables()
    tables[table] = [*tables[table][:-1], row] if table == "movie_factors" else [*tables[table], row]
    with pytest.raises(PublicationError, match=sentence):
        build_from(THIRD, tables)
