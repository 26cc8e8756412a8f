"""What /metrics says: predictions by bin, the model that serves or is refused, jobs that wait, and feedback."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, delete, insert, update

from serving.publications.store import PublicationStore
from serving.reviews.database.models import Feedback, Job
from serving.reviews.domain.prediction_ids import PredictionIds
from serving.reviews.model.files import save_model

from .conftest import FIRST, SECOND, SECRET, Accounts, Start, publish
from .model.small_model import small_model
from .servers import Server
from .test_live_model import one_bit, point_to

MEASURED = "20261126T190000"
REFERENCE = {
    "texts": 10,
    "positive_share": 0.6,
    "confident_share": 0.9,
    "accuracy": 0.875,
    "bins": {
        "probability": {"edges": [0.25, 0.75], "counts": [3, 3, 4]},
        "known": {"edges": [0.5], "counts": [2, 8]},
    },
}


def values(client: TestClient, name: str) -> dict[tuple[str, ...], float]:
    """Return a metric's values by the values of its labels, in their names' order."""
    found = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            if sample.name == name:
                found[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found


@pytest.fixture
def measured(models: PublicationStore, tmp_path: Path, start: Start) -> TestClient:
    """Return a client of a service whose live model has a reference for English."""
    model = dataclasses.replace(small_model("3"), metadata={"reference": {"en": REFERENCE}})
    save_model(model, tmp_path / "measured.joblib")
    publish(models, tmp_path / "work", MEASURED, "3", (tmp_path / "measured.joblib").read_bytes())
    models.activate(MEASURED, "test", "")
    return start()


def difference(after: dict[Any, float], before: dict[Any, float]) -> dict[Any, float]:
    return {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}


def test_each_prediction_is_in_one_bin_of_each_measure_of_its_language(measured: TestClient) -> None:
    name = "marquee_sentiment_binned_total"
    before = values(measured, name)
    for text, language in (("wonderful", "en"), ("boring", "en"), ("wonderful xxxx", "en"), ("최고 영화", None)):
        measured.post("/v1/sentiment", json={"text": text, "language": language} if language else {"text": text})
    # By bin, language, measure, publication. Half of the words of the third text are known: an edge is in the bin below.
    found = difference(values(measured, name), before)
    confidence = {key: found.pop(key) for key in list(found) if key[2] == "confidence"}
    assert confidence == {("9", "en", "confidence", MEASURED): 3, ("9", "ko", "confidence", MEASURED): 1}
    assert found == {
        ("2", "en", "probability", MEASURED): 2,
        ("0", "en", "probability", MEASURED): 1,
        ("1", "en", "known", MEASURED): 2,
        ("0", "en", "known", MEASURED): 1,
    }


def test_a_batch_is_counted_as_its_texts_one_by_one_are(measured: TestClient) -> None:
    names = ("marquee_sentiment_binned_total", "marquee_sentiment_predictions_total", "marquee_sentiment_summed_total")
    texts = ["wonderful", "boring", "wonderful xxxx", "최고 영화", "un film", "not good", "good", "good"]

    def counted(send: Any) -> list[dict[Any, Any]]:
        before = [values(measured, name) for name in names]
        send()
        after = [values(measured, name) for name in names]
        return [difference(later, earlier) for later, earlier in zip(after, before, strict=True)]

    def rounded(found: list[dict[Any, Any]]) -> list[dict[Any, Any]]:
        return [{key: round(value, 6) for key, value in one.items()} for one in found]

    def one_by_one() -> None:
        for text in texts:
            measured.post("/v1/sentiment", json={"text": text})

    single = counted(one_by_one)
    batch = counted(lambda: measured.post("/v1/sentiment/batch", json={"texts": texts}))
    assert rounded(batch) == rounded(single)
    assert sum(single[1].values()) == len(texts)
    assert single[2]["en", "known"] > 0


def test_the_counters_of_a_model_begin_at_zero_when_it_begins_to_serve(measured: TestClient) -> None:
    bins = {key for key in values(measured, "marquee_sentiment_binned_total") if MEASURED in key}
    languages = ("en", "ko", "other")
    assert bins == {
        *((bin_, language, "confidence", MEASURED) for bin_ in "0123456789" for language in languages),
        *((bin_, "en", "probability", MEASURED) for bin_ in "012"),
        *((bin_, "en", "known", MEASURED) for bin_ in "01"),
    }
    made = [key for key in values(measured, "marquee_sentiment_predictions_total") if MEASURED in key]
    assert len(made) == 12


def test_the_reference_has_half_a_text_more_in_each_bin(measured: TestClient) -> None:
    found = values(measured, "marquee_sentiment_reference_share")
    assert found == {
        ("0", "en", "probability", MEASURED): pytest.approx(3.5 / 11.5),
        ("1", "en", "probability", MEASURED): pytest.approx(3.5 / 11.5),
        ("2", "en", "probability", MEASURED): pytest.approx(4.5 / 11.5),
        ("0", "en", "known", MEASURED): pytest.approx(2.5 / 11),
        ("1", "en", "known", MEASURED): pytest.approx(8.5 / 11),
        ("negative", "en", "label", MEASURED): pytest.approx(4.5 / 11),
        ("positive", "en", "label", MEASURED): pytest.approx(6.5 / 11),
    }
    assert values(measured, "marquee_sentiment_reference_accuracy") == {("en", MEASURED): 0.875}


def test_a_model_without_a_reference_is_counted_and_compared_with_nothing(client: TestClient) -> None:
    assert client.post("/v1/sentiment", json={"text": "wonderful"}).status_code == 200
    assert values(client, "marquee_sentiment_reference_share") == {}
    assert values(client, "marquee_sentiment_predictions_total")["true", "positive", "en", FIRST] >= 1


def test_languages_without_a_model_are_counted_together(client: TestClient) -> None:
    before = values(client, "marquee_sentiment_predictions_total")
    for language in ("fr", "xx"):
        client.post("/v1/sentiment", json={"text": "un film magnifique", "language": language})
    found = difference(values(client, "marquee_sentiment_predictions_total"), before)
    assert found == {("false", "positive", "other", FIRST): 2}


def test_the_model_that_serves_is_told_with_its_version_and_bytes(
    environment: dict[str, str], models: PublicationStore, tmp_path: Path
) -> None:
    server = Server(environment, tmp_path / "log")
    try:

        def lines(name: str) -> list[str]:
            text = httpx.get(f"{server.address}/metrics").text
            return [line for line in text.splitlines() if line.startswith(name)]

        (info,) = lines("marquee_sentiment_model_info")
        assert info.endswith(" 1.0")
        assert f'publication="{FIRST}"' in info
        assert 'version="1"' in info
        assert lines("marquee_sentiment_model_loaded") == ["marquee_sentiment_model_loaded 1.0"]
        assert lines("marquee_sentiment_model_refused") == []

        models.activate(SECOND, "test", "")
        deadline = time.monotonic() + 20
        while len(lines("marquee_sentiment_model_info")) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        found = {
            line.split('publication="')[1][:15]: line.split()[-1] for line in lines("marquee_sentiment_model_info")
        }
        assert found == {FIRST: "0.0", SECOND: "1.0"}
    finally:
        server.stop()


def test_without_a_model_the_service_says_so(environment: dict[str, str], tmp_path: Path) -> None:
    server = Server(environment | {"MARQUEE_SENTIMENT_STORE": str(tmp_path / "none")}, tmp_path / "log")
    try:
        assert "\nmarquee_sentiment_model_loaded 0.0\n" in httpx.get(f"{server.address}/metrics").text
    finally:
        server.stop()


def test_a_refused_publication_is_named_until_it_is_repaired(
    models: PublicationStore, tmp_path: Path, start: Start
) -> None:
    name = "marquee_sentiment_model_refused"
    client = start()
    live = client.app.state.service.live  # type: ignore[attr-defined]
    folder = models.path(SECOND)
    sound = (folder / "model.joblib").read_bytes()
    one_bit(folder, tmp_path)
    point_to(models, SECOND)
    live.follow()
    assert values(client, name)[SECOND,] == 1
    (folder / "model.joblib").write_bytes(sound)
    live.follow()
    assert values(client, name)[SECOND,] == 0


def job(number: int, **columns: Any) -> dict[str, Any]:
    moment = datetime(2026, 11, 28, 12, number, tzinfo=UTC)
    shape = {"columns": ["text"], "text_column": "text"}
    row = {"job_id": f"{number:032x}", "owner_id": 1, "format": "csv", "shape": shape, "rows": 100, "chunks": 2}
    return {
        **row,
        "done_rows": 0,
        "done_chunks": 0,
        "refused_rows": 0,
        "created_at": moment,
        "started_at": None,
        "finished_at": None,
        **columns,
    }


def test_jobs_that_wait_are_told_with_their_texts_and_the_oldest(client: TestClient, engine: Engine) -> None:
    assert values(client, "marquee_sentiment_jobs") == {("queued",): 0, ("running",): 0}
    assert values(client, "marquee_sentiment_job_oldest_timestamp_seconds") == {}
    moment = datetime(2026, 11, 28, 13, tzinfo=UTC)
    with engine.begin() as database:
        database.execute(insert(Job), [job(1, done_rows=40, done_chunks=1, started_at=moment), job(2), job(3)])
        done = job(0, done_rows=100, done_chunks=2, started_at=moment, finished_at=moment)
        database.execute(insert(Job).values(done))
    assert values(client, "marquee_sentiment_jobs") == {("queued",): 2, ("running",): 1}
    assert values(client, "marquee_sentiment_job_texts_waiting") == {(): 260}
    oldest = datetime(2026, 11, 28, 12, 1, tzinfo=UTC).timestamp()
    assert values(client, "marquee_sentiment_job_oldest_timestamp_seconds") == {(): oldest}


def feedback(client: TestClient, person: Any, text: str, *, right: bool, language: str = "en") -> str:
    body = {"text": text, "language": language}
    prediction: str = client.post("/v1/sentiment", json=body).json()["prediction"]
    path = f"/v1/sentiment/{prediction}/feedback"
    assert client.post(path, json={"right": right}, headers=person.headers).status_code == 200
    return prediction


def test_a_persons_opinion_of_a_text_counts_once_and_the_last_one_counts(
    client: TestClient, accounts: Accounts, engine: Engine
) -> None:
    ada, bob = accounts.sign_in("Ada"), accounts.sign_in("Bob")
    feedback(client, ada, "wonderful film", right=False)
    feedback(client, ada, "wonderful film", right=True)
    feedback(client, ada, "boring film", right=False)
    feedback(client, bob, "wonderful film", right=False)
    feedback(client, bob, "최고 영화", right=True, language="ko")
    feedback(client, bob, "un film", right=False, language="fr")
    expected = {
        ("en", FIRST, "true"): 1,
        ("en", FIRST, "false"): 2,
        ("ko", FIRST, "true"): 1,
        ("ko", FIRST, "false"): 0,
    }
    found = values(client, "marquee_sentiment_feedback_texts")
    assert found == {**expected, ("other", FIRST, "true"): 0, ("other", FIRST, "false"): 1}
    # Feedback on a model that is no longer live says nothing of the one that is.
    with engine.begin() as database:
        database.execute(update(Feedback).values(publication=SECOND))
    assert values(client, "marquee_sentiment_feedback_texts") == {}
    with engine.begin() as database:
        database.execute(delete(Feedback))


def test_ten_thousand_opinions_are_counted_within_a_second(client: TestClient, engine: Engine) -> None:
    ids = PredictionIds(SECRET)
    moment = datetime.now(UTC)
    rows = [
        {
            "prediction": ids.make(FIRST, 0.9, "en", f"text {number}"),
            "user_id": number % 7,
            "predicted": "positive",
            "truth": "negative" if number % 4 == 0 else "positive",
            "probability": 0.9,
            "language": "en",
            "publication": FIRST,
            "given_at": moment - timedelta(seconds=number),
        }
        for number in range(10_000)
    ]
    with engine.begin() as database:
        database.execute(insert(Feedback), rows)
    before = datetime.now(UTC)
    found = values(client, "marquee_sentiment_feedback_texts")
    assert (datetime.now(UTC) - before).total_seconds() < 1
    assert found == {("en", FIRST, "true"): 7500, ("en", FIRST, "false"): 2500}


def test_without_the_database_the_other_metrics_stand(measured: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    def away(_: Any) -> Any:
        raise OperationalError("SELECT 1", {}, ConnectionError("the database is away"))

    monkeypatch.setattr("serving.reviews.api.state_metrics.waiting_jobs", away)
    assert measured.get("/metrics").status_code == 200
    assert values(measured, "marquee_sentiment_jobs") == {}
    assert values(measured, "marquee_sentiment_reference_accuracy") == {("en", MEASURED): 0.875}
