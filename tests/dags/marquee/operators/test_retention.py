"""Test which batches are dropped, what keeps a batch, and what is dropped of it."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from marquee.cluster.attempts import SupersededError
from marquee.cluster.hive import HiveError
from marquee.operators import retention
from marquee.operators.batches import batches_to_drop, protected_batches

from tests.dags.hive_server import HiveServer
from tests.dags.memory_hdfs import MemoryHdfs

A, B, C, D = ("20260101T030000", "20260102T030000", "20260103T030000", "20260104T030000")


def test_the_last_written_batches_stay() -> None:
    assert batches_to_drop({A: 1, B: 2, C: 3, D: 4}, set(), keep=2) == [A, B]
    assert batches_to_drop({A: 1, B: 2}, set(), keep=2) == []
    assert batches_to_drop({}, set(), keep=2) == []


def test_a_backfill_of_a_distant_date_is_a_recent_batch() -> None:
    assert batches_to_drop({A: 9, B: 2, C: 3, D: 4}, set(), keep=2) == [B, C]


def test_a_protected_batch_stays_however_old_and_takes_no_place_from_the_recent_ones() -> None:
    assert batches_to_drop({A: 1, B: 2, C: 3, D: 4}, {A}, keep=2) == [B]


def test_keeping_none_is_refused() -> None:
    with pytest.raises(ValueError, match="MARQUEE_BATCHES_KEPT is 0"):
        batches_to_drop({A: 1}, set(), keep=0)


def publication(name: str, live: bool = False, pinned: bool = False) -> dict[str, Any]:
    return {"publication": name, "live": live, "pinned": pinned}


def test_live_pinned_and_once_live_publications_of_the_store_are_protected() -> None:
    store = [publication(A), publication(B), publication(C, pinned=True), publication(D, live=True)]
    ledger = [
        {"action": "activating", "publication": "20251231T030000"},
        {"action": "activated", "publication": "20251231T030000"},
        {"action": "activated", "publication": A},
        {"action": "refused", "publication": B},
        {"action": "activated", "publication": D},
    ]
    # The publication of December was live but left the store: no rollback can reach it.
    assert protected_batches(store, ledger) == {A, C, D}


KEPT = {f"/marquee/{part}/{A}/x": "kept" for part in ("raw/ml-x", "models", "publications")}
RECENT = {f"/marquee/warehouse/ratings/batch_id={batch}/x": "recent" for batch in (B, C)}


def answer(monkeypatch: pytest.MonkeyPatch, task: Any, stores: dict[str, Any], ledger: list[dict[str, str]]) -> None:
    """Have the stores list these publications by the store's folder, and the sentiment store this ledger."""

    def run_for_lines(argv: list[str]) -> list[str]:
        store = Path(argv[-1]).name
        if "ledger" in argv:
            return [json.dumps(entry) for entry in ledger] if store == "sentiment" else []
        return [json.dumps(stores.get(store, []))]

    monkeypatch.setattr(task, "run_for_lines", run_for_lines)


@pytest.fixture
def dropping(bag: Any, hdfs: MemoryHdfs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return the task that keeps one batch; C is live, and A is everywhere."""
    task = copy.copy(bag.dags["drop_old_batches"].get_task("drop_old_batches"))
    task.attempt, task.keep = "1-0199-cafe", 1
    of_a = {
        *(f"/marquee/warehouse/{table}/batch_id={A}/x" for table in ("ratings", "users", "recommendations")),
        *(f"/marquee/clean/ml-x/{A}/x", f"/marquee/exports/{A}/x"),
        *(
            f"/marquee/warehouse/_attempts/ratings/batch_id={A}-2-0198/x",
            f"/marquee/warehouse/_attempts/load_warehouse/{A}/x",
        ),
    }
    for path, text in (KEPT | RECENT | dict.fromkeys(of_a, "old")).items():
        hdfs.put(path, text)
    (tmp_path / A).mkdir()
    (tmp_path / B).mkdir()
    monkeypatch.setattr(retention.settings, "DATA_DOCS", tmp_path)
    answer(monkeypatch, task, {"serving": [publication(C, live=True)]}, [])
    return task


def test_a_batch_is_dropped_everywhere_but_from_snapshots_models_and_publications(
    dropping: Any, hdfs: MemoryHdfs, hive: HiveServer, tmp_path: Path
) -> None:
    result = dropping.execute({})
    # B and C have the same time of writing. The later batch then counts as the recent one, so B is dropped too.
    assert result == {"dropped": [A, B], "kept": [C], "protected": [C]}
    assert hdfs.files() == {**KEPT, f"/marquee/warehouse/ratings/batch_id={C}/x": "recent"}
    dropped = [statement.splitlines()[-1] for statement in hive.statements]
    assert f"ALTER TABLE marquee.staging_ratings DROP IF EXISTS PARTITION (batch_id = '{A}')" in dropped
    assert f"ALTER TABLE marquee.recommendations DROP IF EXISTS PARTITION (batch_id = '{B}')" in dropped
    range_of_a = f"(batch_id >= '{A}', batch_id < '{A}.')"
    assert f"ALTER TABLE marquee_attempt.tags DROP IF EXISTS PARTITION {range_of_a}" in dropped
    assert not any(C in statement for statement in dropped)
    assert list(tmp_path.iterdir()) == []


def test_a_drop_that_is_stopped_drops_no_other_batch(dropping: Any, hdfs: MemoryHdfs, hive: HiveServer) -> None:
    hive.run = lambda statement: dropping.on_kill()
    before = hdfs.files()
    with pytest.raises(HiveError, match="stopped because its task was"):
        dropping.execute({})
    assert len(hive.statements) == 1
    assert hdfs.files() == before


def test_a_late_drop_leaves_a_batch_alone_once_the_next_try_has_begun(
    dropping: Any, hdfs: MemoryHdfs, hive: HiveServer
) -> None:
    next_try = copy.copy(dropping)
    next_try.attempt = "2-0200-beef"

    def run(statement: str) -> None:
        hive.run = lambda statement: None
        next_try.execute({})
        # A rerun of the batch may have written it meanwhile.
        hdfs.put(f"/marquee/warehouse/ratings/batch_id={A}/x", "of a rerun")

    hive.run = run
    with pytest.raises(SupersededError):
        dropping.execute({})
    assert hdfs.files("/marquee/warehouse/ratings")[f"/marquee/warehouse/ratings/batch_id={A}/x"] == "of a rerun"


# --- Batches of reviews: A to D are trainings; C is live.

TRAINED = {
    batch: {
        f"/marquee/raw/reviews/{batch}/feedback-reviews.jsonl": "a text",
        f"/marquee/raw/reviews/{batch}/manifest.json": json.dumps({"stored_in": f"/marquee/raw/reviews/{batch}"}),
        f"/marquee/clean/reviews/{batch}/reviews/part-0": "a text",
        f"/marquee/warehouse/labelled_reviews/batch_id={batch}/x": "a text",
        f"/marquee/warehouse/_attempts/review_quarantine/batch_id={batch}-1-0199/x": "a text",
        f"/marquee/warehouse/_attempts/load_reviews/{batch}/work-1/x": "a text",
        f"/marquee/exports/{batch}/labelled_reviews/x": "a text",
        f"/marquee/models/{batch}/sentiment/model.joblib": "n-grams",
        f"/marquee/publications/{batch}/model.joblib": "n-grams",
    }
    for batch in (A, B, C, D)
}
RATINGS = {f"/marquee/{part}/{A}/x": "ratings" for part in ("raw/ml-x", "clean/ml-x")}


@pytest.fixture
def trained(bag: Any, hdfs: MemoryHdfs, hive: HiveServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return the task that keeps one batch, of four trainings; C is live."""
    task = copy.copy(bag.dags["drop_old_batches"].get_task("drop_old_batches"))
    task.attempt, task.keep = "1-0199-cafe", 1
    for path, text in {path: text for files in (*TRAINED.values(), RATINGS) for path, text in files.items()}.items():
        hdfs.put(path, text)
    monkeypatch.setattr(retention.settings, "DATA_DOCS", tmp_path / "data-docs")
    monkeypatch.setattr(retention.settings, "REVIEW_FEEDBACK", tmp_path / "review-feedback")
    for batch in (A, D):
        (tmp_path / "review-feedback" / batch).mkdir(parents=True)
        (tmp_path / "data-docs" / batch).mkdir(parents=True)
    answer(monkeypatch, task, {"sentiment": [publication(C, live=True)]}, [])
    return task


def holding(hdfs: MemoryHdfs, text: str) -> set[str]:
    """Return the batches that some path of HDFS still names."""
    return {batch for batch in (A, B, C, D) if any(batch in path for path in hdfs.files() if text in path)}


def test_an_old_training_leaves_no_text_and_no_model_anywhere(
    trained: Any, hdfs: MemoryHdfs, hive: HiveServer, tmp_path: Path
) -> None:
    assert trained.execute({}) == {"dropped": [A, B], "kept": [C, D], "protected": [C]}
    assert hdfs.files() == {**TRAINED[C], **TRAINED[D], **RATINGS}
    assert sorted(path.name for path in (tmp_path / "review-feedback").iterdir()) == [".lock", D]
    assert [path.name for path in (tmp_path / "data-docs").iterdir()] == [D]
    dropped = [statement.splitlines()[-1] for statement in hive.statements]
    tables = ("staging_reviews", "staging_review_parts", "labelled_reviews", "review_quarantine", "review_accounting")
    for table in tables:
        assert f"ALTER TABLE marquee.{table} DROP IF EXISTS PARTITION (batch_id = '{A}')" in dropped
    range_of_b = f"(batch_id >= '{B}', batch_id < '{B}.')"
    assert f"ALTER TABLE marquee_attempt.labelled_reviews DROP IF EXISTS PARTITION {range_of_b}" in dropped
    assert not any(batch in statement for statement in dropped for batch in (C, D))
    assert not any("ratings" in statement for statement in dropped)


@pytest.mark.parametrize(
    ("rows", "ledger"),
    [
        ([publication(A, pinned=True), publication(C, live=True)], []),
        ([publication(A), publication(C, live=True)], [{"action": "rolled-back", "publication": A}]),
    ],
    ids=["pinned", "a rollback target"],
)
def test_a_training_that_can_serve_again_stays(
    trained: Any, hdfs: MemoryHdfs, monkeypatch: pytest.MonkeyPatch, rows: Any, ledger: Any
) -> None:
    answer(monkeypatch, trained, {"sentiment": rows}, ledger)
    assert trained.execute({})["dropped"] == [B]
    assert TRAINED[A].items() <= hdfs.files().items()


def test_a_publication_that_its_store_holds_keeps_its_copy_in_hdfs(
    trained: Any, hdfs: MemoryHdfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A backfill's publication was never live. The store repairs it from HDFS.
    answer(monkeypatch, trained, {"sentiment": [publication(A), publication(C, live=True)]}, [])
    assert trained.execute({})["dropped"] == [A, B]
    assert [path for path in hdfs.files() if A in path and "/raw/ml-x" not in path and "/clean/ml-x" not in path] == [
        f"/marquee/publications/{A}/model.joblib"
    ]


def test_the_batch_of_a_run_that_is_going_stays(trained: Any, hdfs: MemoryHdfs) -> None:
    hdfs.put("/marquee/runs/train_sentiment", "scheduled__2026-01-01")
    hdfs.put(f"/marquee/runs/batches/{A}", "train_sentiment scheduled__2026-01-01")
    hdfs.put(f"/marquee/runs/batches/{B}", "train_sentiment scheduled__2026-01-02")
    # Another DAG's run of the same name is another run.
    hdfs.put("/marquee/runs/build_movie_sentiment", "scheduled__2026-01-02")
    assert trained.execute({}) == {"dropped": [B], "kept": [A, C, D], "protected": [A, C]}


def test_a_snapshot_whose_rows_a_later_batch_has_too_stays_without_the_rest(trained: Any, hdfs: MemoryHdfs) -> None:
    hdfs.put(f"/marquee/raw/reviews/{D}/manifest.json", json.dumps({"stored_in": f"/marquee/raw/reviews/{A}"}))
    assert trained.execute({})["dropped"] == [A, B]
    left = [path for path in hdfs.files() if A in path and "ml-x" not in path]
    assert sorted(left) == [f"/marquee/raw/reviews/{A}/{name}" for name in ("feedback-reviews.jsonl", "manifest.json")]
    # It is no batch by itself: the next time nothing is dropped again.
    assert trained.execute({}) == {"dropped": [], "kept": [C, D], "protected": [C]}
    # Once no batch has its rows, it goes.
    hdfs.put(f"/marquee/raw/reviews/{D}/manifest.json", json.dumps({"stored_in": f"/marquee/raw/reviews/{D}"}))
    assert trained.execute({})["dropped"] == [A]
    assert holding(hdfs, "/raw/reviews/") == {C, D}


def test_a_training_that_ended_before_its_load_goes_too(trained: Any, hdfs: MemoryHdfs) -> None:
    for path in TRAINED[A]:
        if "/raw/" not in path:
            hdfs.delete(path)
    # An ingest was killed before it had a snapshot.
    for path in TRAINED[B]:
        hdfs.delete(path)
    hdfs.delete(f"/marquee/raw/reviews/{B}", recursive=True)
    hdfs.delete(f"/marquee/clean/reviews/{B}", recursive=True)
    hdfs.put(f"/marquee/raw/reviews/.{B}.0f3c.partial/feedback-reviews.jsonl", "a text")
    assert trained.execute({})["dropped"] == [A, B]
    assert hdfs.files("/marquee/raw/reviews") == {
        path: text for batch in (C, D) for path, text in TRAINED[batch].items() if "/raw/" in path
    }


def test_nothing_is_asked_of_hive_where_no_run_came_to_create_the_tables(
    trained: Any, hdfs: MemoryHdfs, hive: HiveServer
) -> None:
    hdfs.delete("/marquee/warehouse", recursive=True)
    assert trained.execute({})["dropped"] == [A, B]
    assert hive.statements == []
    assert holding(hdfs, "/raw/reviews/") == {C, D}


def test_scores_of_old_nights_go_and_count_apart_from_the_other_batches(
    trained: Any, hdfs: MemoryHdfs, hive: HiveServer
) -> None:
    nights = ("20260105T050000", "20260106T050000")
    for night in nights:
        for path in (f"warehouse/scored_reviews/batch_id={night}", f"warehouse/movie_sentiment/batch_id={night}"):
            hdfs.put(f"/marquee/{path}/x", "scores")
        hdfs.put(f"/marquee/exports/{night}/movie_sentiment/x", "scores")
        hdfs.put(f"/marquee/models/{night}/_attempts/export_stored_reviews/work-1/reviews/reviews.jsonl", "a text")
    assert trained.execute({}) == {
        "dropped": [A, B, nights[0]], "kept": [C, D, nights[1]], "protected": [C]
    }  # fmt: skip
    assert not any(nights[0] in path for path in hdfs.files())
    assert sum(nights[1] in path for path in hdfs.files()) == 4
    dropped = [statement.splitlines()[-1] for statement in hive.statements if nights[0] in statement]
    assert [line.split()[2] for line in dropped] == [
        *("marquee.scored_reviews", "marquee.movie_sentiment", "marquee_attempt.movie_sentiment")
    ]
