"""Test that the gate's decision chooses the branch and is the task's result."""

from typing import Any

import pytest


@pytest.mark.parametrize(("promoted", "chosen"), [("true", "recommend_top_n"), ("false", "record_refusal")])
def test_the_decision_takes_one_way_and_is_the_result(
    rendered: Any, context: dict[str, Any], programs: Any, monkeypatch: pytest.MonkeyPatch, promoted: str, chosen: str
) -> None:
    from airflow.sdk.exceptions import DownstreamTasksSkipped

    task = rendered("decide_promotion")
    programs(task, f'{{"promoted": {promoted}}}')
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
