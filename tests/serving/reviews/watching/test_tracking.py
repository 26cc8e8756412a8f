"""The watch with a real MLflow: what is logged, once for each number of texts, and when the last training was."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from serving.reviews.watching.__main__ import main

# MLflow 3.17 asks SQLAlchemy 2.1 for a deprecated way to load.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.chdir(tmp_path)
    yield f"sqlite:///{tmp_path}/mlflow.db"
    mlflow.set_tracking_uri(None)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    status = main(argv)
    result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (status == 0) == (result["status"] == "succeeded")
    return result


def measured(texts: int, accuracy: float, publication: str = "20261121T030000") -> str:
    english = {"texts": texts, "accuracy": accuracy, "expected": 0.875}
    found = {"publication": publication, "model_version": "3", "languages": {"en": english}, "labelled": 0}
    return json.dumps(found)


def test_each_number_of_texts_is_logged_once_to_the_publications_run(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    decide = ["decide", "--tracking-uri", address, "--measured"]
    first = run(capsys, *decide, measured(100, 0.9))
    same = run(capsys, *decide, measured(100, 0.9))
    more = run(capsys, *decide, measured(250, 0.8))
    assert (first["train"], more["train"], more["cause"]) == (False, True, "accuracy-20261121T030000-1")
    assert first["mlflow_run"] == same["mlflow_run"] == more["mlflow_run"]
    client = MlflowClient(address)
    history = client.get_metric_history(first["mlflow_run"], "en.accuracy")
    assert [(metric.step, metric.value) for metric in history] == [(100, 0.9), (250, 0.8)]
    data = client.get_run(first["mlflow_run"]).data
    assert (data.metrics["all.expected"], data.metrics["all.texts"]) == (0.875, 250)
    assert (data.tags["publication"], data.tags["retraining.cause"]) == ("20261121T030000", more["cause"])
    other = run(capsys, *decide, measured(10, 0.9, "20261128T030000"))
    assert other["mlflow_run"] != first["mlflow_run"]


def test_without_feedback_nothing_is_logged(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = '{"publication": null, "model_version": null, "languages": {}, "labelled": 600}'
    found = run(capsys, "decide", "--tracking-uri", address, "--measured", nothing)
    assert (found["mlflow_run"], found["cause"], found["train"]) == (None, "labelled-first-1", True)
    assert MlflowClient(address).get_experiment_by_name("sentiment-feedback") is None


def test_a_training_holds_the_next_one_back_whatever_became_of_it(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "last-training", "--tracking-uri", address) == {"status": "succeeded", "at": ""}
    before = time.time()
    client = MlflowClient(address)
    experiment = client.create_experiment("sentiment")
    client.set_terminated(client.create_run(experiment).info.run_id, status="FAILED")
    at = run(capsys, "last-training", "--tracking-uri", address)["at"]
    assert before - 1 < datetime.fromisoformat(at).timestamp() < time.time() + 1
    low = ["decide", "--tracking-uri", address, "--measured", measured(250, 0.8)]
    held = run(capsys, *low)
    assert (held["train"], held["cause"]) == (False, "accuracy-20261121T030000-1")
    assert run(capsys, *low, "--pause-hours", "0")["train"] is True
    assert run(capsys, *low, "--pause-hours", "0", "--drop", "0.1")["train"] is False
    assert run(capsys, *low, "--pause-hours", "0", "--least-feedback", "300")["train"] is False


@pytest.mark.parametrize(
    "given", ["", "[]", "{}", "null", '{"languages": 5}', '{"languages": {"en": {}}, "labelled": 1}']
)
def test_what_measure_feedback_never_prints_is_refused(
    address: str, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["decide", "--tracking-uri", address, "--measured", given])
    assert ended.value.code == 2
    assert "this is not what serving.reviews.measure_feedback prints" in capsys.readouterr().err


def test_an_mlflow_that_does_not_answer_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    found = run(capsys, "last-training", "--tracking-uri", "http://127.0.0.1:1")
    assert found["error"].startswith("MLflow at http://127.0.0.1:1 did not answer as expected: ")
