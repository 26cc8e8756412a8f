"""Test what the lineage names, and that it has no gap."""

import json
from typing import Any

import pytest


def test_the_lineage_names_everything_that_a_row_is_traced_to(context: dict[str, Any]) -> None:
    from marquee.operators.lineage import lineage_of

    lineage = lineage_of(context)
    assert sorted(lineage) == [
        *("airflow", "batch_id", "data_through", "evaluation", "git_commit", "hive", "model"),
        *("promotion", "quality", "snapshot", "split", "top_n"),
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
    from marquee.operators.lineage import lineage_of

    monkeypatch.setattr(
        context["ti"],
        "xcom_pull",
        lambda task_ids: "20261123T190000" if task_ids == "wait_for_other_runs" else None,
        raising=False,
    )
    with pytest.raises(LookupError, match="Task validate_warehouse left no result"):
        lineage_of(context)
