from __future__ import annotations

import threading
import time
import weakref
from pathlib import Path

import pytest

from serving.publications import verification
from serving.publications.format import PublicationError, sha256_of
from serving.publications.reading import live as live_publication
from serving.publications.reading.live import LivePublication, NothingPublishedError
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull

from ..conftest import FIRST, SECOND, THIRD
from .test_store import flip_a_bit


def test_before_the_first_activation_there_is_nothing_to_serve(store: PublicationStore) -> None:
    with pytest.raises(NothingPublishedError):
        LivePublication(store.root).current()


def test_a_switch_is_noticed_by_the_next_request(store: PublicationStore) -> None:
    switches: list[str] = []
    live = LivePublication(store.root, lambda publication: switches.append(publication.publication_id))
    store.activate(FIRST, "ann", "")
    assert live.current().publication_id == FIRST
    store.activate(SECOND, "ann", "")
    assert live.current().publication_id == SECOND
    assert live.current() is live.current()
    assert switches == [FIRST, SECOND]


def test_a_request_in_flight_finishes_on_the_publication_it_began_with(store: PublicationStore) -> None:
    live = LivePublication(store.root)
    store.activate(FIRST, "ann", "")
    in_flight = live.current()
    for _ in range(3):
        for publication in (SECOND, THIRD):
            store.pin(publication, "ann", "")
            live.current()
    assert in_flight.recommendations(1) == [[3, 10.0, [1]], [2, 10.0, [1, 5]], [4, 10.0, []]]


def test_what_searches_made_is_forgotten_after_a_switch_and_made_again_when_asked_for(store: PublicationStore) -> None:
    live = LivePublication(store.root)
    store.activate(FIRST, "ann", "")
    first = live.current()
    index = weakref.ref(first.search_index())
    assert first.search_index() is index()
    store.activate(SECOND, "ann", "")
    live.current()
    assert index() is None
    assert list(live.named(FIRST).search_index().find("heat")) == list(live.current().search_index().find("heat"))


def test_a_flipped_bit_in_the_live_one_keeps_the_previous_one_serving(store: PublicationStore) -> None:
    failures: list[str] = []
    live = LivePublication(store.root, on_failure=lambda publication, _: failures.append(publication))
    store.activate(FIRST, "ann", "")
    live.current()
    store.activate(SECOND, "ann", "")
    flip_a_bit(store.path(SECOND) / "publication.sqlite")
    assert [live.current().publication_id for _ in range(3)] == [FIRST] * 3
    assert live.failure is not None
    assert "has SHA-256" in live.failure
    assert failures == [SECOND], "a file that failed is not read again for each request"
    store.roll_back(None, "ann", "flipped bit")
    assert live.current().publication_id == FIRST
    assert live.failure is None


def test_a_process_that_starts_on_a_damaged_live_one_serves_the_last_sound_one_before(store: PublicationStore) -> None:
    for publication in (FIRST, SECOND, THIRD):
        store.activate(publication, "ann", "")
    flip_a_bit(store.path(SECOND) / "publication.sqlite")
    (store.path(THIRD) / "publication.sqlite").unlink()
    live = LivePublication(store.root)
    assert live.current().publication_id == FIRST
    assert live.failure is not None


def test_a_file_damaged_while_it_serves_is_found_and_the_previous_one_is_served(store: PublicationStore) -> None:
    store.activate(FIRST, "ann", "")
    store.activate(SECOND, "ann", "")
    live = LivePublication(store.root)
    assert live.current().publication_id == SECOND
    flip_a_bit(store.path(SECOND) / "publication.sqlite")
    assert live.current().publication_id == FIRST


def test_a_publication_that_was_damaged_and_pulled_again_serves_without_a_restart(
    store: PublicationStore, tmp_path: Path
) -> None:
    store.activate(FIRST, "ann", "")
    store.activate(SECOND, "ann", "")
    live = LivePublication(store.root)
    flip_a_bit(store.path(SECOND) / "publication.sqlite")
    assert live.current().publication_id == FIRST
    pull(store, str(tmp_path / "built"), SECOND, "marquee", "ann")
    assert live.current().recommendations(1) == [[3, 20.0, [1]], [2, 20.0, [1, 5]], [4, 20.0, []]]
    assert live.failure is None


def test_without_any_sound_publication_there_is_an_error(store: PublicationStore) -> None:
    store.activate(FIRST, "ann", "")
    flip_a_bit(store.path(FIRST) / "publication.sqlite")
    with pytest.raises(PublicationError, match="No sound publication is left"):
        LivePublication(store.root).current()


def test_an_earlier_publication_is_opened_by_its_id(store: PublicationStore) -> None:
    store.activate(THIRD, "ann", "")
    live = LivePublication(store.root)
    assert live.named(FIRST).publication_id == FIRST
    with pytest.raises(PublicationError, match="is not in the store"):
        live.named("20301123T190000")


@pytest.fixture
def read_whole(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets a publication's id whenever its file is read for its SHA-256."""
    read: list[str] = []

    def noted(path: Path) -> str:
        read.append(path.parent.name)
        return sha256_of(path)

    monkeypatch.setattr(verification, "sha256_of", noted)
    return read


def test_asking_for_many_publications_in_turn_reads_each_file_whole_once(
    store: PublicationStore, monkeypatch: pytest.MonkeyPatch, read_whole: list[str]
) -> None:
    monkeypatch.setattr(live_publication, "_OPEN_PUBLICATIONS", 1)
    live = LivePublication(store.root)
    for _ in range(3):
        for name, score in ((FIRST, 10.0), (SECOND, 20.0), (THIRD, 30.0)):
            assert live.named(name).recommendations(1) == [[3, score, [1]], [2, score, [1, 5]], [4, score, []]]
    assert read_whole == [FIRST, SECOND, THIRD]


def test_a_file_that_changed_since_it_was_verified_is_read_whole_again(
    store: PublicationStore, monkeypatch: pytest.MonkeyPatch, read_whole: list[str]
) -> None:
    monkeypatch.setattr(live_publication, "_OPEN_PUBLICATIONS", 1)
    live = LivePublication(store.root)
    for name in (FIRST, SECOND):
        live.named(name)
    flip_a_bit(store.path(FIRST) / "publication.sqlite")
    with pytest.raises(PublicationError, match="has SHA-256"):
        live.named(FIRST)
    assert read_whole == [FIRST, SECOND, FIRST]


def test_a_named_publication_that_is_not_sound_is_left_alone_for_a_while(
    store: PublicationStore, monkeypatch: pytest.MonkeyPatch, read_whole: list[str]
) -> None:
    flip_a_bit(store.path(FIRST) / "publication.sqlite")
    live = LivePublication(store.root)
    for _ in range(3):
        with pytest.raises(PublicationError, match="has SHA-256"):
            live.named(FIRST)
    assert read_whole == [FIRST]
    later = time.monotonic() + live_publication._RETRY_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with pytest.raises(PublicationError, match="has SHA-256"):
        live.named(FIRST)
    assert read_whole == [FIRST, FIRST]


def test_a_switch_does_not_wait_for_the_reading_of_a_publication_that_was_asked_for(
    store: PublicationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slow(path: Path) -> str:
        if path.parent.name == FIRST:
            reading.set()
            go_on.wait()
        return sha256_of(path)

    store.activate(THIRD, "ann", "")
    live = LivePublication(store.root)
    monkeypatch.setattr(verification, "sha256_of", slow)
    served: list[str] = []
    threads = [
        threading.Thread(target=live.named, args=(FIRST,)),
        threading.Thread(target=lambda: served.append(live.current().publication_id)),
    ]
    threads[0].start()
    assert reading.wait(10)
    threads[1].start()
    threads[1].join(10)
    answered = list(served)
    go_on.set()
    for thread in threads:
        thread.join()
    assert answered == [THIRD]


def test_no_request_waits_while_a_large_publication_is_read(
    store: PublicationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_publication, "_OPENED_IN_A_REQUEST", 0)
    store.activate(FIRST, "ann", "")
    served = threading.Event()
    live = LivePublication(store.root, lambda publication: publication.publication_id == SECOND and served.set())
    assert live.current().publication_id == FIRST
    go_on, reads = threading.Event(), []

    def slow(path: Path) -> str:
        reads.append(path.parent.name)
        assert go_on.wait(10)
        return sha256_of(path)

    store.activate(SECOND, "ann", "")
    monkeypatch.setattr(verification, "sha256_of", slow)
    assert [live.current().publication_id for _ in range(3)] == [FIRST] * 3
    go_on.set()
    assert served.wait(10)
    assert live.current().publication_id == SECOND
    assert reads == [SECOND]


def test_a_large_publication_that_is_not_sound_is_read_once_and_the_one_before_it_serves_on(
    store: PublicationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_publication, "_OPENED_IN_A_REQUEST", 0)
    failed = threading.Event()
    failures: list[str] = []
    live = LivePublication(store.root, on_failure=lambda name, _: (failures.append(name), failed.set()))
    store.activate(FIRST, "ann", "")
    live.current()
    store.activate(SECOND, "ann", "")
    flip_a_bit(store.path(SECOND) / "publication.sqlite")
    assert live.current().publication_id == FIRST
    assert failed.wait(10)
    assert [live.current().publication_id for _ in range(3)] == [FIRST] * 3
    assert failures == [SECOND]
    assert "has SHA-256" in (live.failure or "")


def test_no_request_waits_while_a_large_publication_that_failed_is_read_again(
    store: PublicationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_publication, "_OPENED_IN_A_REQUEST", 0)
    failed, go_on = threading.Event(), threading.Event()
    live = LivePublication(store.root, on_failure=lambda _, __: failed.set())
    store.activate(FIRST, "ann", "")
    live.current()
    store.activate(SECOND, "ann", "")
    flip_a_bit(store.path(SECOND) / "publication.sqlite")
    live.current()
    assert failed.wait(10)

    def slow(path: Path) -> str:
        assert go_on.wait(10)
        return sha256_of(path)

    monkeypatch.setattr(verification, "sha256_of", slow)
    monkeypatch.setattr(live_publication, "_RETRY_SECONDS", 0.0)
    later = time.monotonic() + 60
    failed.clear()
    with monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: later)
        assert live.current().publication_id == FIRST
    go_on.set()
    assert failed.wait(10)


def test_under_switches_no_thread_sees_an_error_or_a_mixture(store: PublicationStore) -> None:
    store.activate(FIRST, "ann", "")
    live = LivePublication(store.root)
    stop = threading.Event()
    scores = {FIRST: 10.0, SECOND: 20.0, THIRD: 30.0}
    wrong: list[object] = []
    answered: set[str] = set()

    def read() -> None:
        while not stop.is_set():
            try:
                publication = live.current()
                entries = publication.recommendations(1) or []
            except Exception as error:  # noqa: BLE001 - any error at all is what the test looks for
                wrong.append(error)
                return
            answered.add(publication.publication_id)
            if [entry[1] for entry in entries] != [scores[publication.publication_id]] * 3:
                wrong.append((publication.publication_id, entries))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(30):
        store.pin((FIRST, SECOND, THIRD)[turn % 3], "ann", "")
        live.current()
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert answered == {FIRST, SECOND, THIRD}
