"""Tests that the drills' checker finds each kind of violation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from generated_publication import write_exports

from serving.publications.building.build import build_publication
from serving.publications.reading.reader import Publication
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull
from serving.recommendations.answers.lists import Page, personal_text
from tests.faults.checker import Outcome, Reader, bytes_differing, not_one_publication, path_of, rows_lost, table
from tests.local_server import local_server

BATCH = "20261101T030000"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build_publication(write_exports(folder / "exports", 5, 10), {}, BATCH, folder / BATCH)
    return folder


@pytest.fixture
def store(tmp_path: Path, built: Path) -> PublicationStore:
    made = PublicationStore(tmp_path / "store")
    pull(made, str(built), BATCH, "test", "test")
    made.activate(BATCH, "test", "")
    return made


@contextmanager
def answering(store: PublicationStore, replaced: tuple[str, str]) -> Iterator[str]:
    """Serve the lists, with one text replaced by another, and yield the address."""
    publication = Publication(store.path(BATCH), BATCH)

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            user = int(self.path.split("/")[3])
            body = (personal_text(publication, user, Page(path_of(user))) or "").replace(*replaced).encode()
            self.send_response(200)
            self.send_header("ETag", f'W/"{BATCH}-abc"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with local_server(Answer) as address:
        yield address


def read(store: PublicationStore, replaced: tuple[str, str]) -> Reader:
    with answering(store, replaced) as address:
        reader = Reader(address, store.root, [3], pause=0.001)
        with reader:
            while reader.answers.total() + len(reader.refusals) < 5:
                pass
    return reader


def test_answers_of_the_named_publication_are_right(store: PublicationStore) -> None:
    assert read(store, ("", "")).wrong() == ""


def test_one_changed_digit_of_an_answer_is_found(store: PublicationStore) -> None:
    assert "wrong answers for user 3 in the name of 20261101T030000" in read(store, ('"rank":1,', '"rank":2,')).wrong()


def test_a_publication_that_is_not_its_manifests_makes_its_answers_wrong(store: PublicationStore) -> None:
    reader = read(store, ("", ""))
    file = store.path(BATCH) / "publication.sqlite"
    file.chmod(0o644)
    with file.open("r+b") as content:
        content.seek(200)
        content.write(b"\xff")
    assert "has SHA-256" in reader.wrong()


def test_without_an_answer_nothing_was_shown(store: PublicationStore) -> None:
    assert "no request was answered" in Reader("http://127.0.0.1:9", store.root, [1]).wrong()


def test_rows_that_add_up_are_not_lost() -> None:
    assert rows_lost([("a.csv", 10, 7, 2, 1)], {"a.csv": 10}, {"a.csv": 7}) == ""


@pytest.mark.parametrize(
    ("row", "source", "clean", "message"),
    [
        (("a.csv", 10, 7, 2, 0), 10, 7, "10 in, but 7 + 2 + 0 out"),
        (("a.csv", 9, 7, 2, 0), 10, 7, "the source has {'a.csv': 10}"),
        (("a.csv", 10, 7, 2, 1), 10, 6, "7 clean, but Hive holds 6"),
    ],
)
def test_a_lost_row_is_found(row: tuple[str, int, int, int, int], source: int, clean: int, message: str) -> None:
    assert message in rows_lost([row], {"a.csv": source}, {"a.csv": clean})


def test_files_that_differ_or_are_missing_are_named() -> None:
    assert bytes_differing({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "x", "d": "4"}) == "b, c, d"


def test_a_publication_pulled_and_activated_once_is_one(store: PublicationStore) -> None:
    assert not_one_publication(store, BATCH) == ""


def test_a_publication_that_was_pulled_twice_or_left_something_is_told(store: PublicationStore) -> None:
    (store.folder / ".pull-left").mkdir()
    store.ledger.append("pulled", BATCH, "test", "again")
    assert not_one_publication(store, BATCH) == "pulled 2 times; .pull-left is left"


def test_the_table_names_each_row_that_failed() -> None:
    held = Outcome("a drill", "a kill", {1: "", 5: ""}, 3.21)
    failed = Outcome("another", "a cut", {1: "2 wrong"}, None, "seen")
    lines = table([held, failed])
    assert lines[2:4] == ["| a drill | a kill | 1 5 | 3.2 |  |", "| another | a cut | 1:FAILED | - | seen |"]
    assert lines[-1] == "FAILED another, row 1: 2 wrong"
