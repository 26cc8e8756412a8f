"""Test how a publication is built and made live, and what holds it back."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from marquee import settings
from marquee.cluster.attempts import SupersededError
from marquee.cluster.programs import ProgramError


def test_publishing_pulls_then_activates_then_makes_the_model_champion(
    rendered: Any, context: dict[str, Any], programs: Any
) -> None:
    task = rendered("publish")
    commands = programs(task, '{"action": "pulled"}', '{"action": "activated"}', '{"applied": true}')
    assert task.execute(context) == {"action": "activated", "applied": True, "made_live": True}
    assert [command[3] for command in commands[:2]] == ["pull", "activate"]
    assert commands[2][-1] == "--apply"


def test_a_backfill_brings_the_publication_and_never_moves_what_is_live(
    rendered: Any, context: dict[str, Any], dag_run: SimpleNamespace, programs: Any
) -> None:
    backfill = SimpleNamespace(**{**vars(dag_run), "run_type": "backfill"})
    task = rendered("publish")
    commands = programs(task, '{"action": "pulled"}')
    assert task.execute({**context, "dag_run": backfill}) == {"action": "pulled", "made_live": False}
    assert len(commands) == 1


def test_a_publication_that_a_pin_holds_back_is_no_failure_and_its_model_no_champion(
    rendered: Any, context: dict[str, Any], programs: Any
) -> None:
    task = rendered("publish")
    commands = programs(task, "{}", ProgramError("pinned", 3))
    assert task.execute(context) == {"made_live": False, "held_back": "pinned"}
    assert len(commands) == 2


def test_a_store_that_fails_is_a_failure(rendered: Any, context: dict[str, Any], programs: Any) -> None:
    task = rendered("publish")
    programs(task, "{}", ProgramError("disk full", 1))
    with pytest.raises(ProgramError, match="disk full"):
        task.execute(context)


FINAL = "/marquee/publications/20261123T190000"


@pytest.fixture
def building(rendered: Any, hdfs: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return the task with exports in HDFS and an earlier publication; its program writes two files."""
    monkeypatch.setattr("marquee.settings.TEMPORARY", tmp_path / "tmp")
    for table in settings.PUBLISHED_TABLES:
        hdfs.put(f"/marquee/exports/20261123T190000/{table}/000000_0", table)
    hdfs.put(f"{FINAL}/publication.sqlite", "earlier lists")
    task = rendered("build_publication")
    empty = task.empty = []

    def build(argv: list[str]) -> str:
        exports, lineage, output = (Path(argv[argv.index(name) + 1]) for name in ("--exports", "--lineage", "--output"))
        found = {path.name: "".join(file.read_text() for file in path.iterdir()) for path in exports.iterdir()}
        assert found == {table: "" if table in empty else table for table in settings.PUBLISHED_TABLES}
        assert json.loads(lineage.read_text())["batch_id"] == "20261123T190000"
        output.mkdir()
        (output / "publication.sqlite").write_text("lists")
        (output / "manifest.json").write_text("{}")
        return json.dumps({"sha256": "ab", "bytes": 5, "rows": {"movies": 1}, "output": str(output)})

    monkeypatch.setattr(task, "run", build)
    return task


def test_a_publication_is_built_from_the_exports_and_replaces_the_runs_earlier_one(
    building: Any, context: dict[str, Any], hdfs: Any, tmp_path: Path
) -> None:
    assert building.execute(context) == {"publication": FINAL, "sha256": "ab", "bytes": 5, "rows": {"movies": 1}}
    assert hdfs.files("/marquee/publications") == {
        f"{FINAL}/manifest.json": "{}",
        f"{FINAL}/publication.sqlite": "lists",
    }
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_table_without_rows_for_which_hive_writes_no_file_is_no_failure(
    building: Any, context: dict[str, Any], hdfs: Any
) -> None:
    building.empty.append("popular_by_genre")
    hdfs.delete("/marquee/exports/20261123T190000/popular_by_genre/000000_0")
    assert building.execute(context)["publication"] == FINAL


def test_a_build_that_is_stopped_while_it_uploads_leaves_the_earlier_publication(
    building: Any, context: dict[str, Any], hdfs: Any
) -> None:
    hdfs.before_change = lambda name, path: building.on_kill() if path.endswith("publication.sqlite") else None
    with pytest.raises(SupersededError):
        building.execute(context)
    assert hdfs.files(FINAL) == {f"{FINAL}/publication.sqlite": "earlier lists"}


def test_a_publish_that_is_stopped_between_two_programs_starts_no_other(rendered: Any, context: dict[str, Any]) -> None:
    task = rendered("publish")
    pulled = "import json; print(json.dumps({'action': 'pulled'}))"
    task.argv, task.following = [sys.executable, "-c", pulled], [[sys.executable, "-c", "raise SystemExit(9)"]]
    run = task.run

    def run_then_stop(argv: list[str]) -> str:
        line: str = run(argv)
        task.on_kill()
        return line

    task.run = run_then_stop
    with pytest.raises(ProgramError, match="The next program was not started because the task was stopped"):
        task.execute(context)
