"""The operators against a double of HDFS: what they replace, and what a retry or a refusal does."""

import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from shared.programs import ProgramError


class Hdfs:
    """Records what is done to it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []

    def delete(self, path: str, recursive: bool = False) -> None:
        self.calls.append(("delete", path))

    def makedirs(self, path: str) -> None:
        self.calls.append(("makedirs", path))

    def rename(self, source: str, target: str) -> None:
        self.calls.append(("rename", source, target))

    def download(self, path: str, target: str) -> None:
        # The real client refuses a target whose folder is not there.
        Path(target).mkdir()
        self.calls.append(("download", path))

    def upload(self, path: str, source: str) -> None:
        self.calls.append(("upload", path, Path(source).read_text()))

    def content(self, path: str) -> dict[str, int]:
        return {"length": 12, "fileCount": 2}


@pytest.fixture
def hdfs(monkeypatch: pytest.MonkeyPatch) -> Hdfs:
    double = Hdfs()
    monkeypatch.setattr("shared.operators.hdfs_client", lambda: double)
    monkeypatch.setattr("shared.yarn.kill_applications", lambda tag, log: double.calls.append(("kill", tag)) or [])
    return double


def programs(task: Any, monkeypatch: pytest.MonkeyPatch, *outputs: Any) -> list[list[str]]:
    """Let the task's programs say these lines, one after the other; returns the commands that were run."""
    commands: list[list[str]] = []
    waiting = list(outputs)

    def run(argv: list[str]) -> str:
        commands.append(list(argv))
        said = waiting.pop(0)
        if isinstance(said, Exception):
            raise said
        return str(said)

    monkeypatch.setattr(task, "run", run)
    return commands


def test_a_cleaning_job_writes_an_attempt_and_then_replaces_the_runs_directory(
    rendered: Any, context: dict[str, Any], hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = rendered("mr_clean_ratings")
    commands = programs(task, monkeypatch, "")
    batch = "/marquee/clean/movielens-embedded/20261123T190000"
    assert task.execute(context) == {"directory": f"{batch}/ratings", "bytes": 12, "files": 2}
    attempt = f"{batch}/_attempt-ratings-2"
    tag = "marquee-20261123t190000-mr_clean_ratings"
    assert commands[0][-5:-1] == ["--output-dir", f"hdfs://{attempt}", "-D", f"mapreduce.job.tags={tag}"]
    assert hdfs.calls == [
        ("kill", tag),
        ("delete", attempt),
        ("delete", f"{batch}/ratings"),
        ("makedirs", batch),
        ("rename", attempt, f"{batch}/ratings"),
    ]


def test_a_cleaning_job_that_fails_leaves_the_earlier_output(
    rendered: Any, context: dict[str, Any], hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = rendered("mr_clean_ratings")
    programs(task, monkeypatch, ProgramError("no memory", 1))
    with pytest.raises(ProgramError):
        task.execute(context)
    assert [call[0] for call in hdfs.calls] == ["kill", "delete"]


def test_a_part_that_the_data_set_lacks_is_skipped_and_what_an_earlier_set_left_is_removed(
    rendered: Any, context: dict[str, Any], hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    task = rendered("mr_clean_tags")
    commands = programs(task, monkeypatch)
    with pytest.raises(AirflowSkipException, match="has no file for mr_clean_tags"):
        task.execute(context)
    assert commands == []
    assert hdfs.calls == [("delete", "/marquee/clean/movielens-embedded/20261123T190000/tags")]


def loading(rendered: Any, monkeypatch: pytest.MonkeyPatch, fails: bool) -> tuple[Any, list[str]]:
    """Returns the load task, with what it does written down in order."""
    task = rendered("load_warehouse")
    done: list[str] = []

    def statements(operator: Any, context: Any) -> None:
        done.append("statements")
        assert all(sql.strip() for sql in operator.sql)
        if fails:
            raise RuntimeError("Tez has no memory")

    monkeypatch.setattr("shared.operators.hdfs_client", lambda: None)
    monkeypatch.setattr("shared.operators.SQLExecuteQueryOperator.execute", statements)
    monkeypatch.setattr(
        "shared.partitions.start_load", lambda client, batch, tables, log: done.append(f"start {batch}")
    )
    monkeypatch.setattr("shared.partitions.commit_load", lambda client, batch, tables: done.append("commit"))
    hook = SimpleNamespace(run=lambda sql: done.append(f"{len(sql)} partitions"))
    monkeypatch.setattr(task, "get_db_hook", lambda: hook)
    return task, done


def test_a_load_runs_its_statements_then_puts_the_tables_in_place_then_makes_them_readable(
    rendered: Any, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, done = loading(rendered, monkeypatch, fails=False)
    task.execute(context)
    assert done == ["start 20261123T190000", "statements", "commit", "13 partitions"]


def test_a_load_that_fails_puts_nothing_in_place(
    rendered: Any, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, done = loading(rendered, monkeypatch, fails=True)
    with pytest.raises(RuntimeError):
        task.execute(context)
    assert done == ["start 20261123T190000", "statements"]


@pytest.mark.parametrize(("promoted", "chosen"), [("true", "export_tables"), ("false", "record_refusal")])
def test_the_decision_takes_one_way_and_is_the_result(
    rendered: Any, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch, promoted: str, chosen: str
) -> None:
    from airflow.sdk.exceptions import DownstreamTasksSkipped

    task = rendered("decide_promotion")
    programs(task, monkeypatch, f'{{"promoted": {promoted}}}')
    taken: list[str] = []
    kept: dict[str, Any] = {}
    monkeypatch.setattr(context["ti"], "xcom_push", lambda key, value: kept.update({key: value}), raising=False)

    def branch(_context: Any, way: str) -> None:
        # As Airflow does: what the task would return after it is lost.
        taken.append(way)
        raise DownstreamTasksSkipped(tasks=["the other way"])

    monkeypatch.setattr(task, "do_branch", branch)
    with pytest.raises(DownstreamTasksSkipped):
        task.execute(context)
    assert kept == {"return_value": {"promoted": promoted == "true"}}
    assert taken == [chosen]


def test_publishing_pulls_then_activates_then_makes_the_model_champion(
    rendered: Any, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = rendered("publish")
    commands = programs(task, monkeypatch, '{"action": "pulled"}', '{"action": "activated"}', '{"applied": true}')
    assert task.execute(context) == {"action": "activated", "applied": True, "made_live": True}
    assert [command[3] for command in commands[:2]] == ["pull", "activate"]
    assert commands[2][-1] == "--apply"


def test_a_backfill_brings_the_publication_and_never_moves_what_is_live(
    rendered: Any, context: dict[str, Any], dag_run: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    backfill = SimpleNamespace(**{**vars(dag_run), "run_type": "backfill"})
    task = rendered("publish")
    commands = programs(task, monkeypatch, '{"action": "pulled"}')
    assert task.execute({**context, "dag_run": backfill}) == {"action": "pulled", "made_live": False}
    assert len(commands) == 1


def test_a_publication_that_a_pin_holds_back_is_no_failure_and_its_model_no_champion(
    rendered: Any, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = rendered("publish")
    commands = programs(task, monkeypatch, "{}", ProgramError("pinned", 3))
    assert task.execute(context) == {"made_live": False, "held_back": "pinned"}
    assert len(commands) == 2


def test_a_store_that_fails_is_a_failure(
    rendered: Any, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = rendered("publish")
    programs(task, monkeypatch, "{}", ProgramError("disk full", 1))
    with pytest.raises(ProgramError, match="disk full"):
        task.execute(context)


def test_a_cleaning_job_that_is_stopped_ends_its_yarn_application(
    rendered: Any, context: dict[str, Any], hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = rendered("mr_clean_movies")
    programs(task, monkeypatch, "")
    task.execute(context)
    hdfs.calls.clear()
    task.on_kill()
    assert hdfs.calls == [("kill", "marquee-20261123t190000-mr_clean_movies")]


def test_a_publication_is_built_from_the_exports_and_replaces_the_runs_earlier_one(
    rendered: Any, context: dict[str, Any], hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("shared.settings.TEMPORARY", tmp_path / "tmp")
    task = rendered("build_publication")

    def build(argv: list[str]) -> str:
        exports, lineage, output = (Path(argv[argv.index(name) + 1]) for name in ("--exports", "--lineage", "--output"))
        assert sorted(path.name for path in exports.iterdir()) == sorted(
            [
                *("movies", "recommendations", "similar_movies", "popular_movies", "movie_factors", "movie_neighbours"),
                "movie_statistics",
                *("ratings_by_year", "popular_by_genre", "movie_ratings_by_year", "row_accounting"),
            ]
        )
        assert json.loads(lineage.read_text())["batch_id"] == "20261123T190000"
        output.mkdir()
        (output / "publication.sqlite").write_text("lists")
        (output / "manifest.json").write_text("{}")
        return json.dumps({"sha256": "ab", "bytes": 5, "rows": {"movies": 1}, "output": str(output)})

    monkeypatch.setattr(task, "run", build)
    final = "/marquee/publications/20261123T190000"
    attempt = "/marquee/publications/_attempt-20261123T190000-2"
    assert task.execute(context) == {"publication": final, "sha256": "ab", "bytes": 5, "rows": {"movies": 1}}
    assert hdfs.calls[11:] == [
        ("delete", attempt),
        ("makedirs", attempt),
        ("upload", f"{attempt}/manifest.json", "{}"),
        ("upload", f"{attempt}/publication.sqlite", "lists"),
        ("delete", final),
        ("makedirs", "/marquee/publications"),
        ("rename", attempt, final),
    ]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_helpers_of_the_spark_jobs_travel_in_one_archive(tmp_path: Path) -> None:
    from shared.operators import zipped_modules

    folder = tmp_path / "jobs"
    folder.mkdir()
    (folder / "metrics.py").write_text("")
    (folder / "notes.txt").write_text("")
    archive = zipped_modules(folder, tmp_path / "sent" / "jobs.zip")
    assert zipfile.ZipFile(archive).namelist() == ["metrics.py"]
    assert [file.name for file in archive.parent.iterdir()] == ["jobs.zip"]


def test_the_lineage_names_everything_that_a_row_is_traced_to(context: dict[str, Any]) -> None:
    from shared.lineage import lineage_of

    lineage = lineage_of(context)
    assert sorted(lineage) == [
        *("airflow", "batch_id", "data_through", "evaluation", "git_commit", "hive", "model"),
        *("promotion", "quality", "snapshot", "top_n"),
    ]
    assert json.loads(json.dumps(lineage["airflow"])) == {
        "dag_id": "build_recommendations",
        "run_id": "manual__2026-11-23",
        "run_type": "manual",
        "logical_date": "2026-11-23T19:00:00+00:00",
        "run_after": "2026-11-23T19:30:00+00:00",
    }
    assert lineage["model"]["metrics"] == {"ndcg_at_10": 0.21}
    assert lineage["hive"]["ratings"] == {
        "partition": "marquee.ratings/batch_id=20261123T190000",
        "location": "/marquee/warehouse/ratings/batch_id=20261123T190000",
        "rows": 10,
    }


def test_a_lineage_with_a_gap_is_refused(context: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.lineage import lineage_of

    monkeypatch.setattr(context["ti"], "xcom_pull", lambda task_ids: None, raising=False)
    with pytest.raises(LookupError, match="Task validate_warehouse left no result"):
        lineage_of(context)
