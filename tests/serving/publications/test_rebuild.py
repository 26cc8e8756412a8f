from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.publications.__main__ import main
from serving.publications.building.rebuild import rerun_command
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull

from ..conftest import FIRST, THIRD, BuildFrom, small_tables, write_exports
from .name_node import NameNode, breaking_at_read, name_node
from .test_commands import last_line
from .test_schema_versions import write_version

SNAPSHOT = {"dataset": "ml-latest-small", "source": {"kind": "archive", "address": "ml-latest-small.zip"}}
RERUN = (
    "python3 -m infra.pipeline run --batch-date 2026-11-23T19:00:00Z --dataset ml-latest-small "
    "--archive ml-latest-small.zip"
)


@pytest.fixture
def published(tmp_path: Path, build_from: BuildFrom) -> Iterator[tuple[PublicationStore, str]]:
    """Return a store with one publication, and HDFS with the exports that it was built from."""
    folder, _ = build_from(THIRD, lineage={"snapshot": SNAPSHOT})
    store = PublicationStore(tmp_path / "store")
    pull(store, str(folder), THIRD, "u", "test")
    exports = write_exports(tmp_path / "hdfs", small_tables())
    NameNode.files = {
        f"/marquee/exports/{THIRD}/{path.relative_to(exports)}": path.read_bytes()
        for path in exports.rglob("*")
        if path.is_file()
    }
    with name_node() as address:
        yield store, address


http_answer = NameNode.answer


def rebuild(published: tuple[PublicationStore, str]) -> int:
    store, address = published
    return main(["rebuild", "--store", str(store.root), "--from", address, "--publication", THIRD])


def test_a_rebuild_from_the_exports_has_the_same_bytes(
    published: tuple[PublicationStore, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert rebuild(published) == 0
    sha256 = published[0].manifest(THIRD).sha256
    assert last_line(capsys) == {
        "publication": THIRD,
        "same": True,
        "sha256": sha256,
        "rebuilt_sha256": sha256,
        "rerun": RERUN,
    }


def test_exports_that_changed_give_other_bytes_and_exit_status_1(
    published: tuple[PublicationStore, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = f"/marquee/exports/{THIRD}/movies/000000_0"
    NameNode.files[path] = NameNode.files[path].replace(b"Toy Story", b"Toy Storm")
    assert rebuild(published) == 1
    result = last_line(capsys)
    assert (result["same"], result["sha256"] == result["rebuilt_sha256"]) == (False, False)


def test_exports_that_are_gone_are_told_with_the_command_that_makes_them_again(
    published: tuple[PublicationStore, str], capsys: pytest.CaptureFixture[str]
) -> None:
    NameNode.files = {}
    assert rebuild(published) == 1
    error = str(last_line(capsys)["error"])
    assert error.startswith("The export of discoveries is not available. ")
    assert error.endswith(f"Run the batch again: {RERUN}")


def test_an_export_that_arrives_cut_off_is_told_and_not_compared(
    published: tuple[PublicationStore, str], capsys: pytest.CaptureFixture[str]
) -> None:
    NameNode.cut_at = 20
    assert rebuild(published) == 1
    assert re.fullmatch(
        r"discoveries/000000_0 arrived with 20 of \d+ bytes\. Run the command again\.",
        str(last_line(capsys)["error"]),
    )


@pytest.mark.parametrize("read", [1, 2], ids=["listing", "file"])
def test_a_connection_that_breaks_in_a_rebuild_is_not_taken_for_a_full_store(
    published: tuple[PublicationStore, str], capsys: pytest.CaptureFixture[str], read: int
) -> None:
    with breaking_at_read(read):
        assert rebuild(published) == 1
    error = str(last_line(capsys)["error"])
    assert "The connection broke while reading: [Errno 104] Connection reset by peer. Run the command again." in error
    assert "writable" not in error


def test_what_is_no_name_node_is_one_sentence(
    published: tuple[PublicationStore, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NameNode, "answer", lambda node, *_: http_answer(node, 200, b"<html>"))
    assert rebuild(published) == 1
    assert "did not answer with a whole listing. Check that it is a NameNode." in str(last_line(capsys)["error"])


def test_a_publication_of_another_schema_version_names_the_commit_that_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = PublicationStore(tmp_path / "store")
    pull(store, str(write_version(tmp_path / "old", 1)), FIRST, "u", "test")
    arguments = ["rebuild", "--store", str(store.root), "--from", "http://127.0.0.1:1", "--publication", FIRST]
    assert main(arguments) == 1
    assert "To rebuild it, check out 3f1c2ab." in json.dumps(last_line(capsys))


def test_the_embedded_data_need_no_archive(build_from: BuildFrom) -> None:
    _, manifest = build_from(
        THIRD, lineage={"snapshot": {"dataset": "movielens-embedded", "source": {"kind": "embedded"}}}
    )
    assert rerun_command(manifest).endswith("--dataset movielens-embedded")


def test_a_publication_that_names_its_run_is_made_again_by_that_run(build_from: BuildFrom) -> None:
    lineage = {"snapshot": SNAPSHOT, "airflow": {"run_id": "manual__2026-11-23T19:00:00+00:00_aB3"}}
    _, manifest = build_from(THIRD, lineage=lineage)
    assert rerun_command(manifest) == "python3 -m infra.pipeline run --again manual__2026-11-23T19:00:00+00:00_aB3"
