"""A corpus of one's own becomes the live sentiment model; the same again passes, and a rollback goes back.

The file's name sorts after the tests of the first batch's bytes.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.small_reviews import write_small_reviews
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]


def mlflow(stack: Stack, alias: str) -> Any:
    """Return the version of the registered model that has an alias."""
    address = f"{stack.variables['MARQUEE_MLFLOW_URL']}/api/2.0/mlflow/registered-models/alias"
    return stack.get(f"{address}?name=marquee-sentiment&alias={alias}")["model_version"]


def live(stack: Stack) -> tuple[str, dict[str, Any]]:
    """Return the id and the manifest of the live publication."""
    publication = (Path(stack.variables["MARQUEE_SENTIMENT_STORE"]) / "live").resolve()
    return publication.name, json.loads((publication / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shown(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Train on a small corpus through the platform and return what the command printed."""
    corpus = tmp_path_factory.mktemp("corpus") / "small.csv"
    assert write_small_reviews(corpus) == 2002
    return stack.pipeline(
        *("sentiment", "--corpus", str(corpus), "--text", "comment", "--label", "stars", "--embedded", "no"),
        check=False,
    )


def test_the_model_of_a_corpus_of_ones_own_goes_live_and_predicts(stack: Stack, shown: str) -> None:
    publication, manifest = live(stack)
    assert manifest["kind"] == "sentiment"
    model = manifest["lineage"]["model"]
    (said,) = re.findall(r"What the live model says \(publication (\w+), model (\w+)\):", shown)
    assert said == (publication, model["version"])
    predicted = re.findall(r"^  (en|ko)  (positive|negative) +(0\.\d{3}|1\.000)", shown, re.MULTILINE)
    assert [language for language, _, _ in predicted] == ["en", "en", "en", "ko", "ko"]
    champion = mlflow(stack, "champion")
    assert (str(champion["version"]), champion["run_id"]) == (model["registered_version"], model["mlflow_run_id"])
    tags = {tag["key"]: tag["value"] for tag in champion["tags"]}
    assert (tags["batch_id"], tags["model_sha256"], tags["gate"]) == (publication, manifest["sha256"], "passed")
    assert tags["data_sha256"] == model["data_sha256"]


def test_each_row_of_the_corpus_is_accounted_for(stack: Stack, shown: str) -> None:
    batch, manifest = live(stack)
    where = f"WHERE batch_id = '{batch}'"
    columns = "source_file, rows_in, rows_clean, rows_quarantined, rows_superseded"
    ((name, rows, clean, quarantined, superseded),) = stack.hive(
        f"SELECT {columns} FROM marquee.review_accounting {where}"
    )
    assert (name, rows, quarantined) == ("small.jsonl", 2002, 3)
    assert clean + quarantined + superseded == rows
    reasons = stack.hive(
        f"SELECT reason, COUNT(*) FROM marquee.review_quarantine {where} GROUP BY reason ORDER BY reason"
    )
    assert [pair for pair in reasons if pair[0] in ("empty", "wrong_label")] == [("empty", 2), ("wrong_label", 1)]
    parts = dict(stack.hive(f"SELECT part, COUNT(*) FROM marquee.labelled_reviews {where} GROUP BY part"))
    assert sorted(parts) == ["calibration", "test", "training", "validation"]
    assert sum(parts.values()) == clean
    (file,) = manifest["lineage"]["snapshot"]["files"]
    assert stack.hdfs_sha256(f"{manifest['lineage']['snapshot']['snapshot']}/small.jsonl") == file["sha256"]
    assert manifest["lineage"]["rows"]["rows"] == 2002
    assert {table: validation["success"] for table, validation in manifest["lineage"]["quality"].items()} == {
        "labelled_reviews": True, "review_quarantine": True, "review_accounting": True
    }  # fmt: skip


@pytest.mark.faults
def test_a_refused_model_is_in_the_ledger_and_leaves_the_live_one(stack: Stack, shown: str, tmp_path: Path) -> None:
    before = live(stack)
    corpus = tmp_path / "worse.csv"
    write_small_reviews(corpus, english=600, korean=0)
    output = stack.pipeline(
        *("sentiment", "--corpus", str(corpus), "--text", "comment", "--label", "stars", "--embedded", "no"),
        check=False,
    )
    assert "its model was refused, so nothing new is published. See pass_gate." in output
    assert live(stack) == before
    store = stack.variables["MARQUEE_SENTIMENT_STORE"]
    ledger = stack.run(
        stack.variables["MARQUEE_SERVING_PYTHON"], "-m", "serving.publications", "ledger", "--store", store
    )
    last = json.loads(ledger.splitlines()[-1])
    assert last["action"] == "refused"
    assert "The candidate does not know the language ko, which the champion knows." in last["reason"]
    assert mlflow(stack, "champion")["version"] == before[1]["lineage"]["model"]["registered_version"]
