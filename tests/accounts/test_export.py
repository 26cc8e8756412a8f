"""The export for the nightly run: what it holds, and that being killed or run twice loses and doubles nothing."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, update

from infra.control.settings import REPOSITORY
from serving.accounts import export
from serving.accounts.database.changes import next_change
from serving.accounts.database.engine import Transactions
from serving.accounts.database.errors import AccountsError
from serving.accounts.database.models import FIRST_OWN_ID, ChangeClock, Movie, Rating, User
from serving.accounts.domain.ratings import rate, unrate
from serving.accounts.domain.registration import register
from serving.accounts.export import batch_moment, export_ratings, main

from .conftest import FIRST_USER, PASSWORD, SignIn, on_both_databases

BATCH = "20261123T190000"
MOMENT = 1795460400  # 2026-11-23T19:00:00Z
LATER = "20991231T235959"


def at(monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    monkeypatch.setattr("serving.accounts.database.changes.now", lambda: moment)


@pytest.fixture
def two_users(factory: Transactions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ada and Bob rate five movies in the hour before the batch, Ada one of them twice; Bob takes one back."""
    for name in ("Ada", "Bob"):
        register(factory, name, PASSWORD)
    for minute, (user_id, movie_id, half_stars) in enumerate(
        [(1, 1, 9), (2, 1, 2), (1, 5, 10), (2, 3, 7), (2, 6, 1), (1, 1, 8)]
    ):
        at(monkeypatch, MOMENT - 3600 + 60 * minute)
        rate(factory, FIRST_OWN_ID - 1 + user_id, movie_id, half_stars)
    unrate(factory, FIRST_OWN_ID + 1, 3)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@on_both_databases
@pytest.mark.usefixtures("two_users")
def test_an_export_holds_all_ratings_in_movielens_layout_and_its_manifest_describes_it(
    database_url: str, tmp_path: Path
) -> None:
    manifest = export_ratings(database_url, tmp_path / "out", BATCH)
    folder = tmp_path / "out" / BATCH
    assert (folder / "ratings.csv").read_text(encoding="utf-8") == (
        "userId,movieId,rating,timestamp\n"
        f"1000000001,1,4.0,{MOMENT - 3300}\n"
        f"1000000001,5,5.0,{MOMENT - 3480}\n"
        f"1000000002,1,1.0,{MOMENT - 3540}\n"
        f"1000000002,6,0.5,{MOMENT - 3360}\n"
    )
    assert (folder / "movies.csv").read_text(encoding="utf-8") == "movieId,title,genres\n"
    assert json.loads((folder / "manifest.json").read_bytes()) == manifest
    assert manifest["watermark"] == 7
    assert manifest["data_through"] == "2026-11-23T18:05:00Z"
    assert manifest["later_ratings"] == 0
    assert [(file["name"], file["rows"]) for file in manifest["files"]] == [("ratings.csv", 4), ("movies.csv", 0)]
    for file in manifest["files"]:
        content = (folder / file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


@on_both_databases
@pytest.mark.usefixtures("two_users")
def test_ratings_after_the_batchs_moment_are_left_for_a_later_batch(
    factory: Transactions, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, MOMENT)
    rate(factory, FIRST_USER, 2, 4)
    at(monkeypatch, MOMENT + 1)
    rate(factory, FIRST_USER, 3, 6)
    manifest = export_ratings(database_url, tmp_path, BATCH)
    assert (manifest["watermark"], manifest["later_ratings"]) == (8, 1)
    assert manifest["data_through"] == "2026-11-23T19:00:00Z"
    later = export_ratings(database_url, tmp_path, LATER)
    assert (later["watermark"], later["later_ratings"], later["files"][0]["rows"]) == (9, 0, 6)


def test_without_ratings_the_export_is_empty_and_its_watermark_0(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    manifest = export_ratings(database_url, tmp_path, BATCH)
    assert (manifest["watermark"], manifest["data_through"]) == (0, None)
    assert (tmp_path / BATCH / "ratings.csv").read_bytes() == b"userId,movieId,rating,timestamp\n"


def test_movies_added_here_are_exported_in_movielens_layout(sign_in: SignIn, database_url: str, tmp_path: Path) -> None:
    admin = sign_in("Root", role="admin")
    for movie in (
        {"title": 'Kettles, "Green"', "release_year": 2026, "genres": ["Drama", "Sci-Fi"]},
        {"title": "Ohne Jahr"},
    ):
        assert admin.request("POST", "/accounts/v1/movies", movie).status_code == 201
    assert admin.request("PUT", "/accounts/v1/movies/1", {"title": "Changed"}).status_code == 200
    export_ratings(database_url, tmp_path, LATER)
    with (tmp_path / LATER / "movies.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["movieId", "title", "genres"],
            ["1000000001", 'Kettles, "Green" (2026)', "Drama|Sci-Fi"],
            ["1000000002", "Ohne Jahr", "(no genres listed)"],
        ]


def exported(folder: Path, name: str) -> list[list[str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


@on_both_databases
def test_a_movie_is_exported_from_when_it_was_added_until_it_is_withdrawn_and_its_ratings_with_it(
    sign_in: SignIn, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = sign_in("Root", role="admin")
    ada = sign_in()
    at(monkeypatch, MOMENT)
    for title in ("Kettles", "Pans"):
        admin.request("POST", "/accounts/v1/movies", {"title": title})
    at(monkeypatch, MOMENT + 1)
    admin.request("POST", "/accounts/v1/movies", {"title": "Lids"})
    at(monkeypatch, MOMENT + 2)
    for movie_id in (1_000_000_001, 1_000_000_002, 5):
        ada.request("PUT", ada.own(f"/ratings/{movie_id}"), {"rating": 4})
    at(monkeypatch, MOMENT + 3600)
    for movie_id in (1_000_000_002, 5):
        assert admin.request("DELETE", f"/accounts/v1/movies/{movie_id}").status_code == 204
    batches = {"20261123T190000": "before", "20261123T190002": "between", "20261123T200000": "after"}
    manifests = {name: export_ratings(database_url, tmp_path, batch) for batch, name in batches.items()}
    movies = {name: [row[1] for row in exported(tmp_path / batch, "movies.csv")] for batch, name in batches.items()}
    assert movies == {
        "before": ["Kettles", "Pans"],
        "between": ["Kettles", "Pans", "Lids"],
        "after": ["Kettles", "Lids"],
    }
    ratings = {name: [row[1] for row in exported(tmp_path / batch, "ratings.csv")] for batch, name in batches.items()}
    # Movie 5 is MovieLens's: there it stays, whatever was done here.
    assert ratings == {
        "before": [],
        "between": ["5", "1000000001", "1000000002"],
        "after": ["5", "1000000001"],
    }
    # Three movies, three ratings, two withdrawals.
    assert [manifests[name]["watermark"] for name in ("before", "between", "after")] == [0, 6, 8]


@on_both_databases
@pytest.mark.usefixtures("two_users")
def test_a_second_run_of_a_batch_changes_nothing_whatever_was_rated_meanwhile(
    factory: Transactions, database_url: str, tmp_path: Path
) -> None:
    first = export_ratings(database_url, tmp_path, BATCH)
    content = files_of(tmp_path / BATCH)
    rate(factory, FIRST_USER, 1, 1)
    unrate(factory, FIRST_USER, 5)
    assert export_ratings(database_url, tmp_path, BATCH) == first
    assert files_of(tmp_path / BATCH) == content


@pytest.mark.usefixtures("two_users")
def test_the_same_state_gives_the_same_bytes(database_url: str, tmp_path: Path) -> None:
    export_ratings(database_url, tmp_path / "a", BATCH)
    export_ratings(database_url, tmp_path / "b", BATCH)
    assert files_of(tmp_path / "a" / BATCH) == files_of(tmp_path / "b" / BATCH)


class KilledError(BaseException):
    """Stands for SIGKILL: nothing in the program catches it."""


def stopping(function: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    """Return the function so that it stops the program before the call that brings `left` to 0."""

    def call(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise KilledError
        return function(*arguments, **named)

    return call


@pytest.mark.usefixtures("two_users")
def test_all_is_on_the_disk_before_the_folder_gets_its_name(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            calls.append(name)
            return function(*arguments)

        return call

    for owner, name in ((Path, "rename"), (os, "fsync")):
        monkeypatch.setattr(owner, name, noting(name, getattr(owner, name)))
    export_ratings(database_url, tmp_path / "out", BATCH)
    # Three files and their folder; then the name, and the folder that it stands in.
    assert calls == ["fsync"] * 4 + ["rename", "fsync"]


@pytest.mark.usefixtures("two_users")
def test_stopped_at_any_of_its_changes_to_the_disk_the_next_run_gives_the_same_export(
    database_url: str, tmp_path: Path
) -> None:
    export_ratings(database_url, tmp_path / "whole", BATCH)
    expected = files_of(tmp_path / "whole" / BATCH)
    stops = 0
    for step in range(1, 100):
        output, left = tmp_path / f"stopped-{step}", [step]
        with pytest.MonkeyPatch.context() as patch:
            for owner, name in ((Path, "mkdir"), (Path, "open"), (Path, "rename"), (os, "fsync"), (os, "open")):
                patch.setattr(owner, name, stopping(getattr(owner, name), left))
            try:
                export_ratings(database_url, output, BATCH)
            except KilledError:
                stops += 1
        visible = [path.name for path in output.iterdir() if not path.name.startswith(".")] if output.exists() else []
        assert visible in ([], [BATCH])
        if visible:
            assert files_of(output / BATCH) == expected
        export_ratings(database_url, output, BATCH)
        assert files_of(output / BATCH) == expected
        if left[0] > 0:
            break
    # 2 folders, lock, 3 files with 3 flushes, 2 folders opened and flushed, the rename.
    assert stops == step - 1 == 14


def many_ratings(engine: Engine, factory: Transactions, count: int) -> None:
    """Ratings of one user for movies that are there for this alone."""
    register(factory, "Ada", PASSWORD)
    movies = range(1000, 1000 + count)
    with engine.begin() as connection:
        row = {"title": "M", "release_year": None, "genres": "", "edited": False}
        connection.execute(insert(Movie), [{**row, "movie_id": movie, "withdrawn_at": None} for movie in movies])
        connection.execute(
            insert(Rating),
            [
                {"user_id": FIRST_USER, "movie_id": movie, "half_stars": 1 + movie % 10, "rated_at": 1, "change": movie}
                for movie in movies
            ],
        )
        connection.execute(update(ChangeClock).values(value=1000 + count, moment=1))


def test_killed_in_the_middle_of_writing_nothing_is_lost_or_doubled(
    engine: Engine, factory: Transactions, database_url: str, tmp_path: Path
) -> None:
    many_ratings(engine, factory, 60_000)
    command = [sys.executable, "-m", "serving.accounts.export", "--output", str(tmp_path / "out"), "--batch-id", BATCH]
    environment = {**os.environ, "MARQUEE_ACCOUNTS_DATABASE": database_url}
    partial = tmp_path / "out" / f".{BATCH}.partial" / "ratings.csv"
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not (partial.exists() and partial.stat().st_size > 0) and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / BATCH).exists()
    ended = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout)["files"][0]["rows"] == 60_000
    with (tmp_path / "out" / BATCH / "ratings.csv").open(encoding="utf-8") as file:
        movies = [int(row["movieId"]) for row in csv.DictReader(file)]
    assert movies == list(range(1000, 61_000))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".lock", BATCH]


def test_two_exports_of_one_batch_at_once_end_with_one_and_the_same(
    engine: Engine, factory: Transactions, database_url: str, tmp_path: Path
) -> None:
    many_ratings(engine, factory, 2000)
    manifests: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: manifests.append(export_ratings(database_url, tmp_path / "out", BATCH)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(manifests) == 4
    assert all(manifest == manifests[0] for manifest in manifests)


@on_both_databases
def test_an_export_beside_raters_is_one_state_and_its_watermark_is_exact(
    factory: Transactions, database_url: str, tmp_path: Path
) -> None:
    register(factory, "Ada", PASSWORD)
    stop = threading.Event()
    written: dict[int, tuple[int, float]] = {}

    def keep_rating() -> None:
        # Each change is noted as (movie, stars) under its number.
        half_stars = 0
        while not stop.is_set():
            for movie_id in range(1, 7):
                rating, _ = rate(factory, FIRST_USER, movie_id, 1 + half_stars % 10)
                written[rating.change] = (movie_id, rating.rating)
                half_stars += 1

    rater = threading.Thread(target=keep_rating)
    rater.start()
    manifests = [export_ratings(database_url, tmp_path / str(turn), LATER) for turn in range(5)]
    stop.set()
    rater.join()
    for turn, manifest in enumerate(manifests):
        expected: dict[int, float] = {}
        for number in range(1, manifest["watermark"] + 1):
            movie_id, stars = written[number]
            expected[movie_id] = stars
        with (tmp_path / str(turn) / LATER / "ratings.csv").open(encoding="utf-8") as file:
            assert {int(row["movieId"]): float(row["rating"]) for row in csv.DictReader(file)} == expected
    assert manifests[-1]["watermark"] > manifests[0]["watermark"]


@pytest.mark.parametrize("spoil", ["ratings", "movies", "manifest", "missing"])
@pytest.mark.usefixtures("two_users")
def test_an_export_that_was_changed_is_refused_and_not_passed_on(database_url: str, tmp_path: Path, spoil: str) -> None:
    export_ratings(database_url, tmp_path, BATCH)
    folder = tmp_path / BATCH
    if spoil == "missing":
        (folder / "movies.csv").unlink()
    else:
        file = folder / ("manifest.json" if spoil == "manifest" else f"{spoil}.csv")
        file.write_bytes(file.read_bytes()[:-2])
    with pytest.raises(AccountsError, match=r"is not the export that its manifest describes\. Remove it"):
        export_ratings(database_url, tmp_path, BATCH)


@pytest.mark.parametrize(
    "batch_id",
    [
        "20261399T190000",
        "2026-11-23",
        "",
        "20261123T190000\n",
        "../20261123T190000",
        "\u0662\u0660\u0662\u06661123T190000",
    ],
)
def test_what_is_no_batch_id_is_refused(batch_id: str) -> None:
    with pytest.raises(AccountsError, match=r"is not a batch id\. Give a UTC stamp"):
        batch_moment(batch_id)


def test_a_batchs_moment_is_in_utc() -> None:
    assert batch_moment(BATCH) == MOMENT


@pytest.mark.usefixtures("two_users")
def test_the_program_prints_the_manifest_as_its_last_line(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--output", str(tmp_path), "--batch-id", BATCH, "--database", database_url]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["watermark"] == 7


def test_the_program_says_what_is_missing_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MARQUEE_ACCOUNTS_DATABASE", raising=False)
    assert main(["--output", str(tmp_path), "--batch-id", BATCH]) == 1
    assert capsys.readouterr().err == (
        "export: No database is named. Set MARQUEE_ACCOUNTS_DATABASE or give --database.\n"
    )
    empty = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    assert main(["--output", str(tmp_path), "--batch-id", BATCH, "--database", empty]) == 1
    assert "no such table: users. Check that the database is up and migrated." in capsys.readouterr().err
    assert not (tmp_path / BATCH).exists()


Steps = st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(1, 6), st.integers(0, 10)), max_size=25)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=Steps)
def test_whatever_is_rated_and_taken_back_the_export_is_what_is_left(
    factory: Transactions,
    database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, int, int]],
) -> None:
    with factory.begin() as database:
        database.execute(delete(User))
        before = next_change(database).number
    users = {number: register(factory, f"User {number}", PASSWORD).user_id for number in (1, 2)}
    left: dict[tuple[int, int], float] = {}
    changes = 0
    for number, movie_id, half_stars in steps:
        key = (users[number], movie_id)
        if half_stars:
            changes += left.get(key) != half_stars / 2
            rate(factory, *key, half_stars)
            left[key] = half_stars / 2
        elif key in left:
            unrate(factory, *key)
            changes += 1
            del left[key]
    output = tmp_path_factory.mktemp("export")
    manifest = export.export_ratings(database_url, output, LATER)
    with (output / LATER / "ratings.csv").open(encoding="utf-8") as file:
        rows = [((int(row["userId"]), int(row["movieId"])), float(row["rating"])) for row in csv.DictReader(file)]
    assert rows == sorted(left.items())
    assert manifest["watermark"] == before + changes
