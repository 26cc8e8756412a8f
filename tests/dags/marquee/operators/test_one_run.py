"""Test that one run works at a time: which run waits for which."""

from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest


class Hdfs:
    def __init__(self, holder: str | None) -> None:
        self.holder = holder

    def status(self, path: str, strict: bool = True) -> dict[str, Any] | None:
        return None if self.holder is None or path != "/marquee/runs/build_recommendations" else {}

    @contextmanager
    def read(self, path: str, encoding: str) -> Any:
        yield StringIO(self.holder)

    def write(self, path: str, data: str, encoding: str, overwrite: bool) -> None:
        self.holder = data


@pytest.mark.parametrize(
    ("holder", "running", "goes_on"),
    [
        (None, [], True),
        ("backfill__1", ["backfill__1", "manual__2026-11-23"], False),
        ("backfill__1", ["manual__2026-11-23"], True),
        ("manual__2026-11-23", ["manual__2026-11-23", "backfill__1"], True),
    ],
    ids=["no run was here", "another one works", "the other one has ended", "it is this run's turn already"],
)
def test_a_run_waits_while_the_run_whose_turn_it_is_works_and_then_claims_its_id(
    rendered: Any,
    context: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    holder: str,
    running: list[str],
    goes_on: bool,
) -> None:
    hdfs = Hdfs(holder)
    monkeypatch.setattr("marquee.cluster.hdfs.client", lambda: hdfs)
    asked: list[tuple[Any, ...]] = []

    def claim(client: Any, *asked_for: Any) -> str:
        assert client is hdfs
        asked.append(asked_for)
        return "20261123T190001"

    monkeypatch.setattr("marquee.cluster.claims.claim_batch_id", claim)
    counted = SimpleNamespace(
        get_dr_count=lambda dag_id, run_ids, states: len(set(run_ids) & set(running)) if states == ["running"] else 0,
        xcom_pull=lambda task_ids: {"batch_id": "20261123T190000"} if task_ids == "ingest_movielens" else None,
    )
    poked = rendered("wait_for_other_runs").poke({**context, "ti": counted})
    assert (poked.is_done, poked.xcom_value) == (goes_on, "20261123T190001" if goes_on else None)
    assert hdfs.holder == ("manual__2026-11-23" if goes_on else holder)
    asks = ("build_recommendations manual__2026-11-23", datetime(2026, 11, 23, 19, tzinfo=UTC), "20261123T190000")
    assert asked == ([asks] if goes_on else [])


def test_waiting_holds_no_worker(dag: Any) -> None:
    assert dag.get_task("wait_for_other_runs").reschedule is True
