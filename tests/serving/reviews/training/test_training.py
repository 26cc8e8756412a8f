"""The whole training on small reviews: the program, its files, its decision and what MLflow keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.reviews.corpora.reviews import CorpusError
from serving.reviews.corpora.splitting import Split
from serving.reviews.model.files import load_model
from serving.reviews.training.__main__ import main
from serving.reviews.training.data import digest, from_corpora
from serving.reviews.training.fitting import RECIPES, probabilities, scores
from serving.reviews.training.tracking import flat_metrics
from serving.reviews.training.training import train
from tests.serving.reviews.training.small_corpus import write


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    status = main(argv)
    result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (status == 0) == (result["status"] == "succeeded")
    return result


def parts_of(corpus: Path) -> Split:
    return from_corpora([str(corpus)], ("text", "label", ""), 1).parts


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("corpus") / "small.jsonl", count=800)


@pytest.fixture(scope="module")
def trained(corpus: Path) -> Any:
    return train(parts_of(corpus), seed=1)


def test_a_small_model_learns_both_languages(trained: Any) -> None:
    assert sorted(trained.model.languages) == ["en", "ko"]
    # One word in ten lies: no model can have more than nine tenths, and chance.
    for text, label in (("a wonderful film", "positive"), ("a dull film", "negative")):
        assert trained.model.predict(text).label == label
    assert trained.model.predict("지루해요 영화").label == "negative"
    assert trained.model.predict("영화 최고예요").label == "positive"
    assert 0.8 < ((trained.probabilities >= 0.5) == [review.label == 1 for review in trained.test]).mean() < 1


def test_a_prediction_is_what_training_computed_with_matrices(trained: Any) -> None:
    for language, model in trained.model.languages.items():
        reviews = [review for review in trained.test if review.language == language]
        matrix = probabilities(model, scores(model, RECIPES[language], [review.text for review in reviews]))
        single = [trained.model.predict(review.text, language).probability for review in reviews]
        assert single == pytest.approx(matrix.tolist(), abs=1e-5)


def test_the_terms_of_a_prediction_and_its_bias_are_its_log_odds(trained: Any) -> None:
    model = trained.model.languages["ko"]
    prediction = trained.model.predict("정말 재밌어요", "ko")
    odds = np.log(prediction.probability / (1 - prediction.probability))
    assert sum(term.weight for term in prediction.terms) == pytest.approx(
        odds - model.slope * model.bias - model.intercept, abs=1e-6
    )


def test_the_reference_of_live_predictions_has_each_test_text(trained: Any) -> None:
    for language, reference in trained.model.metadata["reference"].items():
        assert reference["texts"] == sum(review.language == language for review in trained.test)
        assert {sum(bins["counts"]) for bins in reference["bins"].values()} == {reference["texts"]}


def test_the_reference_keeps_what_the_gate_saw(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(capsys, "train", "--corpus", str(corpus), "--output", str(tmp_path / "out"))
    evaluation = json.loads((tmp_path / "out/evaluation.json").read_text(encoding="utf-8"))
    model = load_model(tmp_path / "out/model.joblib", result["sha256"])
    for language, figures in evaluation["by"]["language"].items():
        assert model.metadata["reference"][language]["accuracy"] == pytest.approx(figures["accuracy"])
        assert evaluation["model"]["reference"][language] == model.metadata["reference"][language]


def test_the_program_writes_the_same_bytes_again(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    first = run(capsys, "train", "--corpus", str(corpus), "--output", str(output), "--seed", "2")
    kept = {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()}
    again = run(capsys, "train", "--corpus", str(corpus), "--output", str(output), "--seed", "2")
    assert again == first
    assert sorted(kept) == [
        "evaluation.json", "model.joblib", "plain.joblib", "plots/confusion.png", "plots/reliability.png", "plots/roc.png",
        "plots/terms_en.png", "plots/terms_ko.png", "rejected.jsonl",
    ]  # fmt: skip
    assert {name for name, content in kept.items() if (output / name).read_bytes() != content} == set()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert load_model(output / "model.joblib", first["sha256"]).version == first["version"]

    other = run(capsys, "train", "--corpus", str(corpus), "--output", str(output), "--seed", "3")
    assert (other["version"] != first["version"], other["data_sha256"] == first["data_sha256"]) == (True, True)


def test_a_champion_is_compared_and_a_wrong_one_is_refused(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "--corpus", str(corpus), "--output"]
    first = run(capsys, *arguments, str(tmp_path / "champion"))
    champion = ["--champion", first["model"], "--champion-sha256"]
    run(capsys, *arguments, str(tmp_path / "out"), *champion, first["sha256"])
    gate = json.loads((tmp_path / "out/evaluation.json").read_text(encoding="utf-8"))["gate"]
    assert gate["against_champion"] == {"high": 0.0, "low": 0.0, "mean": 0.0, "texts": gate["against_plain"]["texts"]}

    refused = run(capsys, *arguments, str(tmp_path / "none"), *champion, "0" * 64)
    assert refused["status"] == "failed"
    assert "model.joblib is not loaded. Its SHA-256 is" in refused["error"]
    assert not (tmp_path / "none").exists()


def test_evaluate_gives_the_figures_of_a_model_on_other_reviews(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(capsys, "train", "--corpus", str(corpus), "--output", str(tmp_path / "out"))
    other = tmp_path / "other.csv"
    other.write_text("text,label\na wonderful film,1\na dull film,0\nbon film et bien,1\n,1\n", encoding="utf-8")
    found = run(capsys, "evaluate", "--model", first["model"], "--sha256", first["sha256"], "--corpus", str(other))
    assert (found["all"]["texts"], found["all"]["accuracy"]) == (2, 1.0)
    assert found["accounting"] == {
        "rows": 4, "clean": 3, "quarantined": 1, "superseded": 0, "reasons": {"empty": 1}, "other_language": 1
    }  # fmt: skip


def test_rows_in_are_clean_quarantined_and_superseded_rows(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.jsonl"
    long = "the story is thin but every actor plays as if the film depended on it, and so it does "
    rows = [
        {"text": "", "label": 1},
        {"text": "good film", "label": 7},
        *({"text": f"{long}{n}", "label": n % 2} for n in range(40)),
    ]
    bad.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = run(capsys, "train", "--corpus", str(corpus), "--corpus", str(bad), "--output", str(tmp_path / "out"))
    counts = found["accounting"]
    assert counts["rows"] == 1642 == counts["clean"] + counts["quarantined"] + counts["superseded"]
    assert (counts["reasons"]["empty"], counts["reasons"]["wrong_label"]) == (1, 1)
    assert counts["superseded"] == counts["reasons"]["near_duplicate_of_test"] > 20
    rejected = [json.loads(line) for line in (tmp_path / "out/rejected.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rejected) == counts["quarantined"] + counts["superseded"]
    assert (rejected[0]["reason"], rejected[0]["file"], rejected[0]["line"]) == ("empty", "bad.jsonl", 1)


def test_too_few_reviews_are_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = write(tmp_path / "few.jsonl", ("en",), count=20)
    found = run(capsys, "train", "--corpus", str(corpus), "--output", str(tmp_path / "out"))
    assert found["status"] == "failed"
    assert "There are too few reviews in 'en' to" in found["error"]
    with pytest.raises(CorpusError, match="There is no review in en or ko"):
        train(Split([], [], [], [], []), seed=1)


def test_the_digest_names_the_reviews_whatever_their_order(corpus: Path) -> None:
    reviews = parts_of(corpus).training
    assert digest(reviews) == digest(reviews[::-1]) != digest(reviews[1:])


# MLflow 3.17 asks SQLAlchemy 2.1 for a deprecated way to load.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
def test_mlflow_keeps_the_run_and_the_challenger(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    monkeypatch.chdir(tmp_path)
    address = f"sqlite:///{tmp_path}/mlflow.db"
    arguments = ["train", "--corpus", str(corpus), "--output", str(tmp_path / "out"), "--tracking-uri", address]
    first = run(capsys, *arguments, "--tag", "batch_id=20261128T080000")
    second = run(capsys, *arguments)
    client = MlflowClient(address)
    run_of_first = client.get_run(first["mlflow_run"])
    assert client.get_experiment(run_of_first.info.experiment_id).name == "sentiment"
    assert run_of_first.data.metrics["all.accuracy"] == pytest.approx(first["accuracy"])
    assert run_of_first.data.metrics["by.language.ko.texts"] > 10
    assert run_of_first.data.params["data_sha256"] == first["data_sha256"]
    assert run_of_first.data.tags["batch_id"] == "20261128T080000"
    files = [file.path for file in client.list_artifacts(first["mlflow_run"], "sentiment")]
    assert files == [f"sentiment/{name}" for name in ("evaluation.json", "model.joblib", "plain.joblib", "plots")]
    assert (first["registered_version"], second["registered_version"]) == ("1", "2")
    challenger = client.get_model_version_by_alias("marquee-sentiment", "challenger")
    assert (str(challenger.version), challenger.run_id) == ("2", second["mlflow_run"])
    assert challenger.tags["model_sha256"] == first["sha256"]


def test_names_of_metrics_are_those_that_mlflow_takes() -> None:
    assert flat_metrics({"by": {"length": {"1000+": {"f1": 0.5, "roc_auc": None}}}, "ok": True}) == {
        "by.length.1000 and more.f1": 0.5
    }
