"""Lists and models are announced next to each other: each kind has a series, and a follower follows one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from serving.publications.__main__ import main
from serving.publications.announcements.places import place_of
from serving.publications.building.build_model import build_model_publication
from serving.publications.format import RECOMMENDATIONS, SENTIMENT
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull

from ...conftest import FIRST, SECOND

MODEL = "20261130T190000"


@pytest.fixture
def published(tmp_path: Path, store: PublicationStore) -> Path:
    """Return the folder that holds the publications of both kinds, as HDFS does."""
    file = tmp_path / "model.joblib"
    file.write_bytes(b"a model")
    build_model_publication(file, {"model": {"name": "m", "version": "1"}}, MODEL, tmp_path / "built" / MODEL)
    return tmp_path / "built"


@pytest.fixture
def models(tmp_path: Path, published: Path) -> PublicationStore:
    found = PublicationStore(tmp_path / "models")
    pull(found, str(published), MODEL, "marquee", "test")
    return found


def test_two_stores_of_different_kinds_announce_at_one_address_and_neither_is_refused(
    store: PublicationStore, models: PublicationStore, published: Path
) -> None:
    where = ["--announce", str(published), "--actor", "ann"]
    assert main(["activate", "--store", str(store.root), "--publication", FIRST, *where]) == 0
    assert main(["activate", "--store", str(models.root), "--publication", MODEL, *where]) == 0
    assert main(["activate", "--store", str(store.root), "--publication", SECOND, *where]) == 0
    said = {
        kind.name: (latest.number, latest.publication)
        for kind in (RECOMMENDATIONS, SENTIMENT)
        if (latest := place_of(str(published), "marquee", kind).latest())
    }
    assert said == {"recommendations": (2, SECOND), "sentiment": (1, MODEL)}


def test_the_command_announces_in_the_series_of_its_stores_kind(models: PublicationStore, published: Path) -> None:
    models.activate(MODEL, "ann", "")
    assert main(["announce", "--store", str(models.root), "--to", str(published)]) == 0
    assert [path.name for path in published.glob("live*/*")] == ["000000000001.json"]
    assert (published / "live-sentiment").is_dir()


def test_a_follower_follows_the_kind_that_it_is_given(
    store: PublicationStore,
    models: PublicationStore,
    published: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for found, publication in ((store, FIRST), (models, MODEL)):
        words = ["--store", str(found.root), "--publication", publication, "--announce", str(published)]
        assert main(["activate", *words]) == 0
    capsys.readouterr()
    for kind, publication in (("recommendations", FIRST), ("sentiment", MODEL)):
        follow = ["follow", "--store", str(tmp_path / kind), "--from", str(published), "--kind", kind]
        assert main(follow) == 0
        assert json.loads(capsys.readouterr().out) == {"publication": publication, "changed": True, "announced": 1}
    assert main(["follow", "--store", str(tmp_path / "lists"), "--from", str(published)]) == 0
    assert json.loads(capsys.readouterr().out)["publication"] == FIRST
