"""Test which batches are dropped, what keeps a batch, and what is dropped of it."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from marquee.cluster.attempts import SupersededError
from marquee.cluster.hive import HiveError
from marquee.operators import retention
from marquee.operators.retention import batches_to_drop, protected_batches

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
    outputs = {"list": [json.dumps([publication(C, live=True)])], "ledger": []}
    monkeypatch.setattr(retention.settings, "DATA_DOCS", tmp_path)
    monkeypatch.setattr(task, "run_for_lines", lambda argv: outputs["ledger" if "ledger" in argv else "list"])
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
