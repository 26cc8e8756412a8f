"""The program that measures accuracy on feedback, over a real database and a store with a model."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from serving.publications.store import PublicationStore
from serving.reviews.database.models import Feedback
from serving.reviews.domain.prediction_ids import PredictionIds
from serving.reviews.measure_feedback import main
from serving.reviews.model.files import save_model

from .conftest import FIRST, SECOND, SECRET, publish
from .model.small_model import small_model

MEASURED = "20261126T190000"
MOMENT = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def environment_of_airflow(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MARQUEE_REVIEWS_DATABASE", "MARQUEE_SENTIMENT_STORE"):
        monkeypatch.setenv(name, environment[name])


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    status = main(argv)
    result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (status == 0) == (result["status"] == "succeeded")
    return result


def opinion(number: int, *, right: bool = True, **columns: Any) -> dict[str, Any]:
    row = {
        "prediction": PredictionIds(SECRET).make(FIRST, 0.9, "en", f"text {number}"),
        "user_id": 1,
        "predicted": "positive",
        "truth": "positive" if right else "negative",
        "probability": 0.9,
        "language": "en",
        "publication": MEASURED,
        "text": None,
        "given_at": MOMENT,
    }
    return {**row, **columns}


@pytest.mark.usefixtures("environment_of_airflow")
def test_the_live_models_accuracy_stands_by_language_with_the_gates(
    models: PublicationStore, tmp_path: Path, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    model = dataclasses.replace(small_model("3"), metadata={"reference": {"en": {"accuracy": 0.875}}})
    save_model(model, tmp_path / "measured.joblib")
    publish(models, tmp_path / "work", MEASURED, "3", (tmp_path / "measured.joblib").read_bytes())
    models.activate(MEASURED, "test", "")
    later = MOMENT + timedelta(minutes=1)
    again = PredictionIds(SECRET).make(MEASURED, 0.8, "en", "text 0")
    with engine.begin() as database:
        database.execute(
            insert(Feedback),
            [
                opinion(0),
                # The same person on the same text, a minute later; and another person.
                opinion(0, right=False, prediction=again, given_at=later, text="text 0"),
                opinion(0, user_id=2, text="text 0"),
                opinion(1, text="text 1"),
                opinion(2),
                opinion(3, language="ko", right=False, text="text 3", given_at=later),
                opinion(4, language="fr", right=False, text="text 4"),
                opinion(5, publication=SECOND, right=False, text="text 5"),
            ],
        )
    found = run(capsys)
    assert found == {
        "status": "succeeded",
        "publication": MEASURED,
        "model_version": "3",
        "languages": {
            "en": {"texts": 4, "accuracy": 0.75, "expected": 0.875},
            "ko": {"texts": 1, "accuracy": 0.0, "expected": None},
        },
        "labelled": 4,
    }
    assert run(capsys, "--labelled-since", "2026-11-28T12:00:30")["labelled"] == 2
    assert run(capsys, "--labelled-since", "2026-11-28T14:00:30+02:00")["labelled"] == 2
    assert run(capsys, "--labelled-since", "")["labelled"] == 4


@pytest.mark.usefixtures("environment_of_airflow")
def test_before_the_first_model_there_is_nothing_to_measure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEE_SENTIMENT_STORE", str(tmp_path / "none"))
    assert run(capsys) == {
        "status": "succeeded",
        "publication": None,
        "model_version": None,
        "languages": {},
        "labelled": 0,
    }


FAULTS = {
    "no database": ({"MARQUEE_REVIEWS_DATABASE": ""}, "MARQUEE_REVIEWS_DATABASE is not set. "),
    "no store": ({"MARQUEE_SENTIMENT_STORE": ""}, "MARQUEE_SENTIMENT_STORE is not set. "),
    "a database of another kind": (
        {"MARQUEE_REVIEWS_DATABASE": "sqlite://"},
        "Databases of type sqlite are not supported",
    ),
    "no address": ({"MARQUEE_REVIEWS_DATABASE": "where"}, "The database's address is not a URL. "),
    "a database that is away": (
        {"MARQUEE_REVIEWS_DATABASE": "postgresql+psycopg://marquee@127.0.0.1:1/reviews"},
        "(psycopg.OperationalError) connection failed",
    ),
}


@pytest.mark.usefixtures("environment_of_airflow")
@pytest.mark.parametrize("name", FAULTS)
def test_what_is_missing_is_named(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed, expected = FAULTS[name]
    for variable, value in changed.items():
        monkeypatch.setenv(variable, value)
    assert run(capsys)["error"].startswith(expected)
