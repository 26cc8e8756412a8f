from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.publications.format import PublicationError
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull

from ..conftest import FIRST, THIRD, BuildFrom, small_tables
from .name_node import NameNode, breaking_at_read, name_node


@pytest.fixture
def hdfs(build_from: BuildFrom) -> Iterator[str]:
    folder, _ = build_from(THIRD)
    NameNode.files = {
        f"/marquee/publications/{THIRD}/{name}": (folder / name).read_bytes()
        for name in ("manifest.json", "publication.sqlite")
    }
    with name_node() as address:
        yield address


@pytest.mark.parametrize("folder", ["", "/", "/marquee/publications", "/webhdfs/v1/marquee/publications/"])
def test_a_publication_comes_from_webhdfs_through_the_redirect(tmp_path: Path, hdfs: str, folder: str) -> None:
    store = PublicationStore(tmp_path / "store")
    change = pull(store, hdfs + folder, THIRD, "marquee", "ann")
    assert (change.action, change.changed, change.live) == ("pulled", True, None)
    assert store.verify(THIRD).batch_id == THIRD
    assert set(NameNode.users) == {"marquee"}
    assert store.ledger.entries()[0].actor == "ann"


def test_pulling_again_changes_nothing(tmp_path: Path, hdfs: str) -> None:
    store = PublicationStore(tmp_path / "store")
    pull(store, hdfs, THIRD, "marquee", "ann")
    assert pull(store, hdfs, THIRD, "marquee", "ann").changed is False
    assert len(store.ledger.entries()) == 1


def test_bytes_that_do_not_match_the_manifest_do_not_enter_the_store(tmp_path: Path, hdfs: str) -> None:
    path = f"/marquee/publications/{THIRD}/publication.sqlite"
    content = bytearray(NameNode.files[path])
    content[100] ^= 1
    NameNode.files[path] = bytes(content)
    store = PublicationStore(tmp_path / "store")
    with pytest.raises(PublicationError, match="arrived with SHA-256"):
        pull(store, hdfs, THIRD, "marquee", "ann")
    assert list(store.folder.iterdir()) == []


def test_other_bytes_under_an_id_that_is_taken_are_refused_and_recorded(
    tmp_path: Path, hdfs: str, build_from: BuildFrom
) -> None:
    store = PublicationStore(tmp_path / "store")
    kept = pull(store, hdfs, THIRD, "marquee", "ann").publication
    tables = small_tables()
    tables["movies"][0] = (1, "Toy Story 2", 1999, "Animation|Comedy")
    folder, _ = build_from(THIRD, tables)
    with pytest.raises(PublicationError, match=r"a publication never changes\. Publish under a new batch id"):
        pull(store, str(folder), THIRD, "marquee", "ann")
    store.verify(kept)
    assert store.ledger.entries()[-1].action == "refused"


def test_a_publication_that_hdfs_does_not_have_is_one_sentence(tmp_path: Path, hdfs: str) -> None:
    with pytest.raises(
        PublicationError, match=r"answered 404 \(File does not exist\)\. Check that it was published\.$"
    ):
        pull(PublicationStore(tmp_path / "store"), hdfs, FIRST, "marquee", "ann")


def test_a_name_node_that_is_down_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match=r"cannot be reached: .*\. Check that HDFS is up\.$"):
        pull(PublicationStore(tmp_path / "store"), "http://127.0.0.1:1", FIRST, "marquee", "ann")


@pytest.mark.parametrize("read", [1, 2], ids=["manifest", "database"])
def test_a_connection_that_breaks_is_not_taken_for_a_full_store(tmp_path: Path, hdfs: str, read: int) -> None:
    store = PublicationStore(tmp_path / "store")
    with breaking_at_read(read), pytest.raises(PublicationError, match=r"^The connection broke while reading: "):
        pull(store, hdfs, THIRD, "marquee", "ann")
    assert list(store.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "sentence"),
    [("ftp://host/x", r"is not a source\. Give the NameNode's http address"), ("missing", "cannot be read")],
)
def test_a_wrong_source_is_one_sentence(tmp_path: Path, address: str, sentence: str) -> None:
    with pytest.raises(PublicationError, match=sentence):
        pull(PublicationStore(tmp_path / "store"), address, FIRST, "marquee", "ann")
