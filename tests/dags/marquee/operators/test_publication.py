"""Test how a publication is built and made live, and what holds it back."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
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


def test_a_publication_is_built_from_the_exports_and_replaces_the_runs_earlier_one(
    rendered: Any, context: dict[str, Any], hdfs: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("marquee.settings.TEMPORARY", tmp_path / "tmp")
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
