from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from serving.publications.__main__ import main
from serving.publications.diff import causes, compare, compare_user, describe
from serving.publications.format import PublicationError
from serving.publications.reading.reader import Publication
from serving.publications.store import PublicationStore

from ..conftest import FIRST, FOLD_IN, LINEAGE, SECOND, THIRD, BuildFrom, Tables, small_tables
from .test_commands import last_line

OLD: dict[str, Any] = {
    **LINEAGE,
    "snapshot": {"content_sha256": "aa"},
    "model": {"version": "3", "factors_sha256": "f1"},
}


def later_tables() -> Tables:
    """User 1 has rated Heat since, which made Aliens enter; movie 4 left the catalogue and movie 8 came."""
    tables = small_tables()
    tables["movies"] = [row for row in tables["movies"] if row[0] != 4] + [(8, "Up", 2009, "Animation")]
    tables["recommendations"] = [
        *((1, 1, 2, 0.8, "1,3"), (1, 2, 6, 0.7, "3"), (1, 3, 8, 0.25, "")),
        *(row for row in tables["recommendations"] if row[0] == 7),
    ]
    tables["popular_movies"] = [row for row in tables["popular_movies"] if row[2] != 4]
    return tables


@pytest.fixture
def both(build_from: BuildFrom) -> tuple[Publication, Publication]:
    new = {**OLD, "snapshot": {"content_sha256": "bb"}, "model": {"version": "4", "factors_sha256": "f2"}}
    a, _ = build_from(FIRST, lineage=OLD)
    b, _ = build_from(SECOND, later_tables(), new)
    return Publication(a, FIRST), Publication(b, SECOND)


def test_a_users_changes_are_told_movie_by_movie_with_their_cause(both: tuple[Publication, Publication]) -> None:
    changes = compare_user(*both, 1)
    assert [(m["title"], m["from"], m["to"], m["why"]) for m in changes["entered"]] == [
        ("Aliens", None, 2, ["data"]),
        ("Up", None, 3, ["catalogue: the movie is new"]),
    ]
    assert [(m["title"], m["from"], m["to"], m["why"]) for m in changes["left"]] == [
        ("Heat", 1, None, ["data: the user has rated it since"]),
        ("Untitled", 3, None, ["catalogue: the movie is gone"]),
    ]
    assert [(m["movie_id"], m["from"], m["to"]) for m in changes["moved"]] == [(2, 2, 1)]
    assert (changes["new_reasons"], changes["lost_reasons"]) == ([3], [5])
    unchanged = compare_user(*both, 7)
    assert (unchanged["entered"], unchanged["left"], unchanged["moved"]) == ([], [], [])


def test_all_users_changes_are_one_figure(both: tuple[Publication, Publication]) -> None:
    summary = compare(*both)
    # User 1 keeps one movie of three, user 7 all three: 1 - (1/3 + 1) / 2.
    assert summary["lists"] == {"against": FIRST, "users": 2, "churn_at_10": 0.333333}
    assert summary["catalogue"] == {"added": 1, "removed": 1, "changed": 0}
    assert (summary["causes"], summary["same_lists"]) == (["data", "catalogue"], False)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"snapshot": {"content_sha256": "bb"}, "model": {"factors_sha256": "f2"}}, ["data"]),
        ({"data_through": 1476640645}, ["data"]),
        ({"model": {"factors_sha256": "f2"}}, ["model"]),
        ({"git_commit": "other"}, ["model"]),
        ({"top_n": {"fold_in": {**FOLD_IN, "alpha": 3.0}}, "snapshot": {"content_sha256": "bb"}}, ["data", "model"]),
    ],
)
def test_causes_come_from_the_lineages(build_from: BuildFrom, changed: dict[str, Any], expected: list[str]) -> None:
    a, _ = build_from(FIRST, lineage=OLD)
    b, _ = build_from(SECOND, lineage={**OLD, **changed})
    assert causes(Publication(a, FIRST), Publication(b, SECOND)) == expected


def test_the_command_prints_text_or_json(store: PublicationStore, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["diff", "--store", str(store.root), "--a", FIRST, "--b", SECOND, "--user", "1"]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "lists         0.0% of the first ten changed, over 2 users" in text
    assert text.endswith("User 1:\n  the same movies in the same order\n")
    assert main([*arguments, "--json"]) == 0
    assert last_line(capsys)["causes"] == []
    assert main([*arguments[:-1], "99"]) == 1
    assert last_line(capsys)["error"] == "User 99 has a list in neither publication. Give another user id."


def test_the_ledger_keeps_how_far_the_lists_changed_when_one_goes_live(
    tmp_path: Path, store: PublicationStore, capsys: pytest.CaptureFixture[str]
) -> None:
    for publication in (FIRST, THIRD):
        assert main(["activate", "--store", str(store.root), "--publication", publication]) == 0
    first, last = (entry for entry in store.ledger.entries() if entry.action == "activated")
    assert first.detail is None
    assert last.detail == {"against": FIRST, "users": 2, "churn_at_10": 0.0}
    (store.path(THIRD) / "publication.sqlite").write_bytes(b"")
    store.pin(FIRST, "test", "")
    store.unpin("test", "")
    assert main(["activate", "--store", str(store.root), "--publication", SECOND]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["live"] == SECOND


def own(tables: Tables) -> Tables:
    return {**tables, "ids": [("user", 1, "7"), ("user", 7, "Jürgen"), *(("item", n, f"b/{n}") for n in range(1, 9))]}


def test_publications_of_own_data_are_compared_by_own_ids(build_from: BuildFrom) -> None:
    lineage = {**OLD, "snapshot": {"content_sha256": "aa", "dataset": "my-books"}}
    a, _ = build_from(FIRST, own(small_tables()), lineage)
    b, _ = build_from(SECOND, own(later_tables()), lineage)
    books = Publication(a, FIRST), Publication(b, SECOND)
    # The user 7 of the data has the number 1.
    changes = compare_user(*books, "7")
    assert (changes["user_id"], [movie["movie_id"] for movie in changes["entered"]]) == ("7", ["b/6", "b/8"])
    assert [movie["movie_id"] for movie in changes["left"]] == ["b/3", "b/4"]
    assert (changes["new_reasons"], changes["lost_reasons"]) == (["b/3"], ["b/5"])
    assert compare_user(*books, "1")["in_a"] is False
    assert compare(*books)["lists"]["users"] == 2


def test_publications_of_different_data_sets_have_no_user_in_common(build_from: BuildFrom) -> None:
    of_books = {**OLD, "snapshot": {"content_sha256": "aa", "dataset": "my-books"}}
    of_a_shop = {**OLD, "snapshot": {"content_sha256": "bb", "dataset": "my-shop"}}
    built = [build_from(FIRST, lineage=OLD), build_from(SECOND, own(small_tables()), of_books)]
    built += [build_from(THIRD, own(small_tables()), of_a_shop)]
    movielens, books, shop = (
        Publication(folder, name) for (folder, _), name in zip(built, (FIRST, SECOND, THIRD), strict=True)
    )
    for a, b in ((movielens, books), (books, movielens), (books, shop)):
        summary = compare(a, b)
        assert (summary["same_users"], summary["lists"]["users"], summary["lists"]["churn_at_10"]) == (False, 0, None)
        assert "lists         of different data sets: no user is in both" in describe(summary, None)
        with pytest.raises(PublicationError, match="are of different data sets"):
            compare_user(a, b, "7")
