"""A model is published through the store, ledger, pin and rollback that lists have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from serving.publications.__main__ import main
from serving.publications.building.build_model import build_model_publication
from serving.publications.format import PublicationError
from serving.publications.manifest import Manifest
from serving.publications.reading.reader import Publication
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull

from ..conftest import FIRST, SECOND, BuildFrom

LINEAGE = {"model": {"name": "marquee-sentiment", "version": "1", "metrics": {"accuracy": 0.87}}}


def published(tmp_path: Path, store: PublicationStore, publication: str, content: bytes) -> Path:
    """Return the folder of a publication that the store pulled."""
    file = tmp_path / "trained.joblib"
    file.write_bytes(content)
    output = tmp_path / "built" / publication
    build_model_publication(file, LINEAGE, publication, output)
    pull(store, str(tmp_path / "built"), publication, "marquee", "test")
    return store.path(publication)


@pytest.fixture
def models(tmp_path: Path) -> PublicationStore:
    store = PublicationStore(tmp_path / "models")
    published(tmp_path, store, FIRST, b"the first model")
    published(tmp_path, store, SECOND, b"the second model")
    return store


def test_a_model_is_activated_rolled_back_and_pinned_as_lists_are(models: PublicationStore) -> None:
    store = ["--store", str(models.root)]
    for publication in (FIRST, SECOND):
        assert main(["activate", *store, "--publication", publication]) == 0
    assert main(["rollback", *store]) == 0
    assert models.live() == FIRST
    assert main(["pin", *store, "--publication", FIRST]) == 0
    assert main(["activate", *store, "--publication", SECOND]) == 3
    assert (models.live(), models.pinned()) == (FIRST, FIRST)
    assert [entry.action for entry in models.ledger.entries()] == [
        *("pulled", "pulled", "activating", "activated", "activating", "activated", "rolling-back", "rolled-back"),
        *("pinned", "refused"),
    ]


def test_the_manifest_of_a_model_names_its_kind_and_reads_back_as_it_was(models: PublicationStore) -> None:
    text = (models.path(FIRST) / "manifest.json").read_text(encoding="utf-8")
    document = json.loads(text)
    assert (document["kind"], document["schema_version"], document["bytes"]) == ("sentiment", 1, 15)
    assert Manifest.from_json(text, "it").to_json() == text


def test_a_model_of_other_bytes_is_refused_by_name(models: PublicationStore) -> None:
    (models.path(SECOND) / "model.joblib").write_bytes(b"the second mOdel")
    with pytest.raises(PublicationError, match=r"model\.joblib has SHA-256"):
        models.activate(SECOND, "test", "")
    assert models.ledger.entries()[-1].action == "refused"


def test_a_damaged_model_is_repaired_by_the_next_pull(tmp_path: Path, models: PublicationStore) -> None:
    (models.path(FIRST) / "model.joblib").write_bytes(b"damaged")
    published(tmp_path, models, FIRST, b"the first model")
    assert models.verify(FIRST).size_bytes == 15
    assert models.ledger.entries()[-1].action == "repaired"


def test_a_store_holds_publications_of_one_kind(
    tmp_path: Path, models: PublicationStore, store: PublicationStore, build_from: BuildFrom
) -> None:
    folder, _ = build_from("20261125T000000")
    with pytest.raises(PublicationError, match=r"is of kind recommendations, not sentiment\. Each kind has a store"):
        pull(models, str(folder), "20261125T000000", "marquee", "test")
    with pytest.raises(PublicationError, match="is of kind sentiment, not recommendations"):
        published(tmp_path, store, "20261126T000000", b"a model")
    assert "20261125T000000" not in models.publications()
    assert "20261126T000000" not in store.publications()


def test_lists_are_not_read_from_a_model(models: PublicationStore) -> None:
    with pytest.raises(PublicationError, match="is of kind sentiment, not recommendations"):
        Publication(models.path(FIRST), FIRST)


@pytest.mark.parametrize("kind", ["books", None, 1, ["sentiment"]])
def test_a_manifest_of_an_unknown_kind_is_refused(models: PublicationStore, kind: object) -> None:
    path = models.path(FIRST) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"kind": kind}), encoding="utf-8")
    with pytest.raises(PublicationError, match=r"is of kind .* this program reads recommendations and sentiment"):
        models.verify(FIRST)


def test_the_program_builds_a_model_and_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m").write_bytes(b"model")
    (tmp_path / "lineage.json").write_text(json.dumps(LINEAGE), encoding="utf-8")
    command = ["build-model", "--model", str(tmp_path / "m"), "--lineage", str(tmp_path / "lineage.json")]
    assert main([*command, "--batch-id", FIRST, "--output", str(tmp_path / "out")]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["publication"], answer["bytes"]) == (FIRST, 5)
    assert answer["sha256"] == "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"


def test_a_model_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match=r"none cannot be read: No such file .* Train the model first\."):
        build_model_publication(tmp_path / "none", LINEAGE, FIRST, tmp_path / "out")
