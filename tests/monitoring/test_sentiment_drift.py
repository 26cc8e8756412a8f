"""Prometheus's drift of predictions is what an independent program computes from the same counts."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import OperationalError

from expectations.drift import population_stability_index
from serving.reviews.api.state_metrics import state_text
from serving.reviews.live_model import LoadedModel
from serving.reviews.model.sentiment import SentimentModel
from serving.reviews.training.reference import tenths
from tests.monitoring.conftest import MONITORING
from tests.monitoring.test_rules import run

PUBLICATION = "20261126T190000"


def _no_database() -> NoReturn:
    raise OperationalError("", {}, ConnectionError("there is none"))


def metrics_of(reference: dict[str, Any]) -> str:
    """Return what the service says of a model with this reference."""
    model = dataclasses.replace(SentimentModel("3", {}), metadata={"reference": {"en": reference}})
    loaded = LoadedModel(model, PUBLICATION, "3", "ab" * 32)
    service = SimpleNamespace(live=SimpleNamespace(current=loaded), transactions=_no_database)
    return state_text(service).decode()  # type: ignore[arg-type] # what it asks of a service


@pytest.mark.parametrize("seed", range(3))
def test_the_rule_agrees_with_the_batches_drift(promtool: str, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    bins = tenths([draw.betavariate(2, 3) for _ in range(1335)])
    live = [draw.randrange(0, 300) * (draw.random() > 0.2) for _ in bins["counts"]] or [0]
    live[-1] += 500
    reference = {"texts": 1335, "positive_share": 0.5, "accuracy": 0.9, "bins": {"probability": bins}}
    shares = [
        {
            "series": f"{sample.name}{{{','.join(f'{name}={value!r}' for name, value in sample.labels.items())}}}",
            "values": f"{sample.value}x200",
        }
        for family in text_string_to_metric_families(metrics_of(reference))
        for sample in family.samples
        if sample.name == "marquee_sentiment_reference_share" and sample.labels["measure"] == "probability"
    ]
    assert len(shares) == len(live)
    # A day has 144 of these intervals.
    labels = f'measure="probability",language="en",publication="{PUBLICATION}"'
    counted = [
        {"series": f'marquee_sentiment_binned_total{{{labels},bin="{place}"}}', "values": f"0+{count}x200"}
        for place, count in enumerate(live)
    ]
    expected = population_stability_index([int(count) for count in bins["counts"]], [count * 144 for count in live])
    check = {
        "expr": f"abs(marquee:sentiment_drift:psi_1d - {expected}) < bool 0.000001",
        "eval_time": "1800m",
        "exp_samples": [{"labels": f"{{{labels}}}", "value": 1}],
    }
    file = tmp_path / "drift.test.yml"
    document = {
        "rule_files": [str(MONITORING / "rules" / "reviews_recording.yml")],
        "evaluation_interval": "10m",
        "tests": [{"interval": "10m", "input_series": [*counted, *shares], "promql_expr_test": [check]}],
    }
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    run(promtool, "test", "rules", file)
