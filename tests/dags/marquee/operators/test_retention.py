"""Test which batches are dropped, what keeps a batch, and what is dropped of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from marquee.operators import retention
from marquee.operators.retention import batches_to_drop, protected_batches

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


class Hdfs:
    """Folders of HDFS as a set of paths, each with when it was written."""

    def __init__(self, folders: dict[str, int]) -> None:
        self.folders = folders

    def _children(self, path: str) -> dict[str, int]:
        below = {
            folder[len(path) + 1 :]: time for folder, time in self.folders.items() if folder.startswith(path + "/")
        }
        return {name.split("/")[0]: time for name, time in below.items()}

    def status(self, path: str, strict: bool = True) -> dict[str, Any] | None:
        return {} if self._children(path) else None

    def list(self, path: str, status: bool = False) -> Any:
        children = self._children(path)
        return [(name, {"modificationTime": time}) for name, time in children.items()] if status else list(children)

    def delete(self, path: str, recursive: bool = False) -> None:
        self.folders.pop(path, None)


def test_a_batch_is_dropped_everywhere_but_from_snapshots_models_and_publications(
    bag: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    task = bag.dags["drop_old_batches"].get_task("drop_old_batches")
    kept = {f"/marquee/{part}/{A}": 1 for part in ("raw/ml-x", "models", "publications")}
    dropped = {
        **{f"/marquee/warehouse/{table}/batch_id={A}": 1 for table in ("ratings", "users", "recommendations")},
        f"/marquee/clean/ml-x/{A}": 1,
        f"/marquee/exports/{A}": 1,
    }
    recent = {f"/marquee/warehouse/ratings/batch_id={batch}": 5 for batch in (B, C)}
    hdfs = Hdfs(kept | dropped | recent)
    (tmp_path / A).mkdir()
    (tmp_path / B).mkdir()
    statements: list[str] = []

    class Hook:
        def __init__(self, hiveserver2_conn_id: str) -> None: ...

        def run(self, sql: list[str]) -> None:
            statements.extend(statement.splitlines()[-1] for statement in sql)

    outputs = {"list": [json.dumps([publication(C, live=True)])], "ledger": []}
    monkeypatch.setattr(retention.hdfs, "client", lambda: hdfs)
    monkeypatch.setattr(retention, "HiveServer2Hook", Hook)
    monkeypatch.setattr(retention.settings, "DATA_DOCS", tmp_path)
    monkeypatch.setattr(task, "run_for_lines", lambda argv: outputs["ledger" if "ledger" in argv else "list"])
    monkeypatch.setattr(task, "keep", 1)

    result = task.execute({})

    # B and C have the same time of writing. The later batch then counts as the recent one, so B is dropped too.
    assert result == {"dropped": [A, B], "kept": [C], "protected": [C]}
    assert set(hdfs.folders) == {*kept, f"/marquee/warehouse/ratings/batch_id={C}"}
    assert f"ALTER TABLE marquee.staging_ratings DROP IF EXISTS PARTITION (batch_id = '{A}')" in statements
    assert f"ALTER TABLE marquee.recommendations DROP IF EXISTS PARTITION (batch_id = '{B}')" in statements
    assert not any(C in statement for statement in statements)
    assert list(tmp_path.iterdir()) == []
