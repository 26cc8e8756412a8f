"""`python -m infra.pipeline` against a double of Airflow and of the recommendation API."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.control.settings import Settings
from infra.control.variables import environment
from infra.pipeline.__main__ import main
from infra.pipeline.arguments import build_parser, conf_of
from infra.pipeline.user_page import interface_lines
from tests.infra_pipeline.conftest import RUN_ID, Double, task

RUN = "/api/v2/dags/build_recommendations/dagRuns"
RUN_PATH = f"{RUN}/manual__2026-11-23T19%3A00%3A00%2B00%3A00"


def test_a_run_is_shown_task_by_task_and_its_success_is_status_0(
    play: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    play(
        ["running", "running", "running", "success"],
        [task("ingest_movielens", "running"), task("publish", None)],
        [task("ingest_movielens", "up_for_retry", 0, 2.0), task("publish", None)],
        [task("ingest_movielens", "running", 4, attempt=2), task("publish", None)],
        [task("ingest_movielens", "success", 4, 3.5, attempt=2), task("publish", "success", 10, 5.0)],
    )
    assert main(["run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"Run {RUN_ID}: http://127.0.0.1:")
    assert [line.split("] ")[1] for line in lines if line.startswith("[")] == [
        "ingest_movielens          started",
        "ingest_movielens          failed after 2.0 s, is retried (attempt 1 of 3)",
        "ingest_movielens          started, attempt 2",
        "ingest_movielens          succeeded in 3.5 s, attempt 2",
        "publish                   succeeded in 5.0 s",
    ]
    assert lines[-4:] == [
        "task                      state           attempts   seconds  started at",
        "ingest_movielens          success                2       3.5       0.0 s",
        "publish                   success                1       5.0       6.0 s",
        "all tasks                                                8.5   first start to last end: 11.0 s",
    ]


def test_a_failure_names_the_task_and_its_log_and_shows_the_logs_end(
    airflow: Double, play: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    play(["failed"], [task("train_als", "failed", 1, 9.0, attempt=3), task("publish", "upstream_failed")])
    events = [{"event": f"line {number}"} for number in range(40)]
    events.append({"event": "Task failed", "error_detail": [{"exc_type": "ProgramError", "exc_value": "status 1"}]})
    airflow.answer("GET", f"{RUN_PATH}/taskInstances/train_als/logs/3", {"content": events})
    assert main(["run"]) == 1
    out = capsys.readouterr().out
    log = f"/logs/dag_id=build_recommendations/run_id={RUN_ID}/task_id=train_als/attempt=3.log"
    assert f"Task train_als failed at attempt 3. Its log: {log}" in out
    shown = [line for line in out.splitlines() if line.startswith("  | ")]
    assert shown[0] == "  | line 12"
    assert shown[-2:] == ["  | Task failed", "  | ProgramError: status 1"]
    assert len(shown) == 30


def test_a_refused_model_is_status_3(play: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    play(["success"], [task("record_refusal", "success", 0, 1.0), task("publish", "skipped")])
    assert main(["run"]) == 3
    assert "its model was refused" in capsys.readouterr().out


def test_the_parameters_reach_the_run(airflow: Double, tmp_path: Path) -> None:
    archive = tmp_path / "small.zip"
    archive.touch()
    arguments = ["--dataset", "ml-latest-small", "--archive", str(archive), "--conf", '{"rank": 8}']
    assert main(["run", "--no-follow", *arguments, "--batch-date", "2026-11-23T05:00:00+02:00"]) == 0
    (body,) = [body for method, path, body in airflow.requests if (method, path) == ("POST", RUN)]
    assert body == {
        "logical_date": "2026-11-23T03:00:00+00:00",
        "conf": {"rank": 8, "dataset": "ml-latest-small", "archive": str(archive)},
    }
    assert airflow.authorizations == [None, "Bearer ticket", "Bearer ticket"]


def test_a_date_that_was_run_before_is_run_again(airflow: Double) -> None:
    airflow.answer("POST", RUN, {"detail": "exists"}, status=409)
    airflow.answer("GET", RUN, {"dag_runs": [{"dag_run_id": RUN_ID, "conf": {"dataset": "ml-1m"}}]})
    airflow.answer("POST", f"{RUN_PATH}/clear", {})
    airflow.answer("GET", RUN_PATH, {"dag_run_id": RUN_ID, "state": "queued"})
    assert main(["run", "--no-follow", "--batch-date", "2026-11-23"]) == 0
    assert main(["run", "--no-follow", "--batch-date", "2026-11-23", "--dataset", "ml-1m"]) == 0
    bodies = [body for method, path, body in airflow.requests if path.endswith("/clear")]
    assert bodies == [{"dry_run": False, "only_failed": False}] * 2


@pytest.mark.parametrize(("conf", "kept"), [({"rank": 8}, '{"rank": 8}'), ({}, "{}"), (None, "{}")])
def test_a_date_that_was_run_with_other_parameters_is_not_run_again_with_those(
    airflow: Double, capsys: pytest.CaptureFixture[str], conf: dict[str, int] | None, kept: str
) -> None:
    airflow.answer("POST", RUN, {"detail": "exists"}, status=409)
    airflow.answer("GET", RUN, {"dag_runs": [{"dag_run_id": RUN_ID, "conf": conf}]})
    assert main(["run", "--no-follow", "--batch-date", "2026-11-23", "--dataset", "ml-1m"]) == 1
    assert capsys.readouterr().err == (
        f"infra.pipeline: The run of 2026-11-23T00:00:00+00:00 keeps its parameters {kept} when it is run again, and you "
        'asked for {"dataset": "ml-1m"}. Give another --batch-date, or leave --dataset, --archive and --conf out.\n'
    )
    assert not any(path.endswith("/clear") for _, path, _ in airflow.requests)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--conf", "rank=8"], "--conf is not JSON"),
        (["--conf", "[8]"], "--conf is not a JSON object"),
        (["--archive", "missing.zip"], "--archive 'missing.zip' does not exist"),
        (["--archive", "~/missing.zip"], "--archive '~/missing.zip' does not exist"),
        (["--archive", ""], "--archive '' does not exist"),
        (["--archive", "x" * 5000], "xx' can't be read ("),
        (["--batch-date", "yesterday"], "--batch-date 'yesterday' is not an ISO 8601 time"),
    ],
)
def test_wrong_arguments_are_status_2_and_reach_no_server(
    airflow: Double, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert airflow.requests == []


def test_an_airflow_that_is_not_there_is_one_sentence(
    airflow: Double, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARQUEE_AIRFLOW_URL", "http://127.0.0.1:9")
    assert main(["run"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("infra.pipeline: Airflow at http://127.0.0.1:9/auth/token can't be reached")
    assert error.rstrip().endswith("Is it up? See `make status`.")


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("MARQUEE_AIRFLOW_USER", raising=False)
    assert main(["run"]) == 2
    assert "MARQUEE_AIRFLOW_USER is not set" in capsys.readouterr().err


def test_a_wrong_password_is_said(airflow: Double, capsys: pytest.CaptureFixture[str]) -> None:
    airflow.answer("POST", "/auth/token", {"detail": "Invalid credentials"}, status=401)
    assert main(["run"]) == 1
    assert "Airflow answers 401" in capsys.readouterr().err
    assert airflow.requests[0][2] == {"username": "admin", "password": "secret"}


def test_a_parameter_that_airflow_refuses_is_one_sentence(airflow: Double, capsys: pytest.CaptureFixture[str]) -> None:
    detail = (
        "Invalid input for param dataset: 'x' is not one of ['ml-1m']\n\nFailed validating 'enum' in schema:\n    {}"
    )
    airflow.answer("POST", "/api/v2/dags/build_recommendations/dagRuns", {"detail": detail}, status=400)
    assert main(["run", "--dataset", "x"]) == 1
    error = capsys.readouterr().err
    assert error.endswith("Invalid input for param dataset: 'x' is not one of ['ml-1m'].\n")
    assert error.count("\n") == 1


def test_a_dag_that_airflow_could_not_read_is_explained(
    airflow: Double, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from infra.pipeline.airflow_api import AirflowApi

    monkeypatch.setattr(AirflowApi.unpause, "__defaults__", (0.0,))
    airflow.answer("PATCH", "/api/v2/dags/build_recommendations", {"detail": "not found"}, status=404)
    errors = [{"filename": "build_recommendations.py", "stack_trace": "Traceback\nNameError: settings"}]
    airflow.answer("GET", "/api/v2/importErrors", {"import_errors": errors})
    assert main(["run"]) == 1
    assert "build_recommendations.py: NameError: settings" in capsys.readouterr().err


def test_the_addresses_are_those_at_which_the_services_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "MARQUEE_STATE": str(tmp_path),
        "MARQUEE_BIND_HOST": "0.0.0.0",
        "MARQUEE_HOSTS": "namenode=nn.example",
        "MARQUEE_AIRFLOW_PASSWORD": "secret",  # pragma: allowlist secret
    }
    for name, value in environment(Settings.load(tmp_path / ".env", given)).items():
        monkeypatch.setenv(name, value)
    assert interface_lines() == [
        "Where to look further:",
        "  Pages              http://127.0.0.1:8090       register at /account/sign-up",
        "  Recommendations    http://127.0.0.1:8000       no login; documentation at /docs",
        "  Airflow            http://127.0.0.1:8080       user admin, password secret",
        "  MLflow             http://127.0.0.1:5000       no login",
        "  HDFS               http://nn.example:9870      no login",
        "  YARN               http://127.0.0.1:8088       no login",
        "  MapReduce history  http://127.0.0.1:19888      no login",
        "  HiveServer2        http://127.0.0.1:10002      no login",
        "`make sentiment` trains the model that reads film reviews.",
    ]


def publication() -> dict[str, Any]:
    return {
        "publication": "20261123T190000",
        "live": True,
        "sha256": "ab" * 32,
        "rows": {"movies": 2, "recommendations": 1},
        "lineage": {
            "airflow": {"run_id": RUN_ID},
            "git_commit": "0123456",
            "snapshot": {"snapshot": "/marquee/raw/movielens-embedded/20261123T190000", "manifest_sha256": "cd" * 32},
            "model": {"name": "marquee-als", "version": "7", "mlflow_run_id": "f00d", "metrics": {"ndcg_at_10": 0.21}},
            "promotion": {"verdict": "promote", "reasons": ["better than popularity"]},
        },
    }


def test_a_users_list_is_shown_with_titles_and_where_it_comes_from(
    double: Double, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARQUEE_API_URL", double.url)
    items = [{"rank": 1, "title": "Heat", "release_year": 1995, "genres": ["Action", "Crime"], "score": 0.5}]
    answer = {"policy": "personalised", "publication": "20261123T190000", "data_through": "2016-10-16", "items": items}
    double.answer("GET", "/v1/users/3/recommendations", answer)
    double.answer("GET", "/v1/publications/20261123T190000", publication())
    assert main(["show-user", "--user", "3", "--limit", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "Recommendations for user 3 (personalised, ratings up to 2016-10-16):",
        "    1   0.5000  Heat (1995)  [Action, Crime]",
    ]
    assert "  model         marquee-als version 7, MLflow run f00d" in lines
    assert f"  Airflow run   {RUN_ID}" in lines
    assert "  metrics       ndcg_at_10 0.2100" in lines
    assert "  promotion     promote: better than popularity" in lines
    assert double.requests[0][1] == "/v1/users/3/recommendations?limit=1"


def test_an_unknown_user_is_status_1_with_the_apis_own_words(
    double: Double, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARQUEE_API_URL", double.url)
    double.answer("GET", "/v1/users/3/recommendations", {"detail": "There is no list for user 3."}, status=404)
    assert main(["show-user", "--user", "3"]) == 1
    assert "There is no list for user 3." in capsys.readouterr().err


def test_a_demo_with_something_published_starts_no_run_and_shows_it(
    airflow: Double, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARQUEE_API_URL", airflow.url)
    publication = {
        "publication": "20261123T190000",
        "sha256": "0" * 64,
        "live": True,
        "rows": {"movies": 1},
        "lineage": {},
    }
    item = {"rank": 1, "score": 0.5, "title": "Heat", "release_year": 1995, "genres": ["Crime"]}
    answer = {"publication": "20261123T190000", "policy": "personalised", "data_through": None, "items": [item]}
    airflow.answer("GET", "/v1/publication", publication)
    airflow.answer("GET", "/v1/publications/20261123T190000", publication)
    airflow.answer("GET", "/v1/users/7/recommendations", answer)
    assert main(["demo", "--user", "7"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Publication 20261123T190000 is live already. `make run` builds another.\n")
    assert "    1   0.5000  Heat (1995)  [Crime]" in out
    assert [request for request in airflow.requests if request[0] == "POST"] == []


def test_the_home_folder_of_an_archive_is_put_in_where_the_shell_has_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.zip").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    options = build_parser().parse_args(["run", "--archive=~/x.zip"])
    assert conf_of(options) == {"archive": f"{tmp_path}/x.zip"}


def test_a_run_of_own_data_gets_its_name_archive_and_mapping(tmp_path: Path) -> None:
    for name in ("books.zip", "mapping.toml"):
        (tmp_path / name).touch()
    given = ["--dataset=my-books", f"--archive={tmp_path}/books.zip", f"--mapping={tmp_path}/mapping.toml"]
    assert conf_of(build_parser().parse_args(["run", *given])) == {
        "dataset": "my-books",
        "archive": f"{tmp_path}/books.zip",
        "mapping": f"{tmp_path}/mapping.toml",
    }


def test_a_run_gets_its_source_query_and_since() -> None:
    given = ["--dataset=my-shop", "--source=shop", "--query=SELECT * FROM ratings", "--since=id"]
    assert conf_of(build_parser().parse_args(["run", *given])) == {
        "dataset": "my-shop",
        "source": "shop",
        "query": "SELECT * FROM ratings",
        "since": "id",
    }


def test_another_data_set_than_the_nightly_one_does_not_get_its_archive_and_mapping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MARQUEE_DATASET", "my-books")
    monkeypatch.setenv("MARQUEE_MAPPING", "/data/mapping.toml")
    monkeypatch.setenv("MARQUEE_SOURCE", "shop")
    assert conf_of(build_parser().parse_args(["run", "--dataset=ml-1m"])) == {
        "dataset": "ml-1m",
        "mapping": None,
        "source": None,
    }
    assert conf_of(build_parser().parse_args(["run", "--dataset=my-books"])) == {"dataset": "my-books"}
