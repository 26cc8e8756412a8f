"""Test that one run works at a time: which run waits for which."""

from contextlib import contextmanager
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest


class Hdfs:
    def __init__(self, holder: str | None) -> None:
        self.holder = holder

    def status(self, path: str, strict: bool = True) -> dict[str, Any] | None:
        assert path == "/marquee/runs/build_recommendations"
        return None if self.holder is None else {}

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
def test_a_run_waits_while_the_run_whose_turn_it_is_works(
    rendered: Any,
    context: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    holder: str,
    running: list[str],
    goes_on: bool,
) -> None:
    hdfs = Hdfs(holder)
    monkeypatch.setattr("marquee.cluster.hdfs.client", lambda: hdfs)
    counted = SimpleNamespace(
        get_dr_count=lambda dag_id, run_ids, states: len(set(run_ids) & set(running)) if states == ["running"] else 0
    )
    assert rendered("wait_for_other_runs").poke({**context, "ti": counted}) is goes_on
    assert hdfs.holder == ("manual__2026-11-23" if goes_on else holder)


def test_waiting_holds_no_worker(dag: Any) -> None:
    assert dag.get_task("wait_for_other_runs").reschedule is True
