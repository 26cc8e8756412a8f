"""Publications and announcements in an S3-like store, which is moto's server: what can fail there, and two writers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.publications import object_store
from serving.publications.__main__ import main
from serving.publications.announcements.announcement import Announcement
from serving.publications.announcements.announcing import announce
from serving.publications.announcements.places import place_of
from serving.publications.format import PublicationError
from serving.publications.object_store import ObjectFolder
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull

from ..conftest import FIRST, SECOND, THIRD
from .s3_store import BUCKET, Store, s3_store

ADDRESS = f"s3://{BUCKET}/marquee/publications"
SERIES = "marquee/publications/live/"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with s3_store(monkeypatch) as found:
        yield found


def test_an_announcement_uploads_the_publication_once_and_a_follower_gets_the_same_bytes(
    s3: Store, store: PublicationStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--store", str(store.root), "--publication", FIRST, "--announce", ADDRESS]
    assert main(["activate", *words]) == 0
    names = [f"marquee/publications/{FIRST}/{name}" for name in ("manifest.json", "publication.sqlite")]
    assert s3.names(f"marquee/publications/{FIRST}/") == names
    assert main(["pin", *words]) == 0
    capsys.readouterr()
    assert main(["follow", "--store", str(tmp_path / "replica"), "--from", ADDRESS]) == 0
    assert json.loads(capsys.readouterr().out) == {"publication": FIRST, "changed": True, "announced": 2}
    replica = PublicationStore(tmp_path / "replica")
    assert replica.verify(FIRST).sha256 == store.manifest(FIRST).sha256
    s3.write(names[1], b"not written again")
    assert main(["unpin", *words[:2], *words[4:]]) == 0
    assert s3.read(names[1]) == b"not written again"


def test_a_publication_is_pulled_from_the_store_by_hand(s3: Store, store: PublicationStore, tmp_path: Path) -> None:
    store.activate(SECOND, "ann", "")
    announce(store, place_of(ADDRESS, ""), "ann", "")
    words = ["pull", "--store", str(tmp_path / "other"), "--from", ADDRESS + "/", "--publication", SECOND]
    assert main(words) == 0
    assert PublicationStore(tmp_path / "other").publications() == [SECOND]


def test_an_upload_that_was_interrupted_is_done_again(s3: Store, store: PublicationStore) -> None:
    s3.write(f"marquee/publications/{FIRST}/publication.sqlite", b"half of it")
    store.activate(FIRST, "ann", "")
    announce(store, place_of(ADDRESS, ""), "ann", "")
    content = (store.path(FIRST) / "publication.sqlite").read_bytes()
    assert s3.read(f"marquee/publications/{FIRST}/publication.sqlite") == content


def test_another_publication_under_the_same_id_is_not_announced(s3: Store, store: PublicationStore) -> None:
    s3.write(f"marquee/publications/{FIRST}/manifest.json", b"{}")
    store.activate(FIRST, "ann", "")
    with pytest.raises(PublicationError, match=rf"{FIRST} holds another publication under this id\."):
        announce(store, place_of(ADDRESS, ""), "ann", "")
    assert s3.names(SERIES) == []


def entry(number: int, store: str) -> Announcement:
    return Announcement(number, FIRST, "a" * 64, False, store, "2026-11-21T19:00:00Z", "ann", "")


def test_of_two_stores_that_announce_at_once_one_is_refused_and_each_number_is_written_once(
    s3: Store, store: PublicationStore, tmp_path: Path
) -> None:
    other = PublicationStore(tmp_path / "other")
    for publication in (FIRST, SECOND):
        pull(other, str(tmp_path / "built"), publication, "", "bob")
    store.activate(FIRST, "ann", "")
    other.activate(SECOND, "bob", "")
    place, ready = place_of(ADDRESS, ""), threading.Barrier(2)
    outcomes: dict[str, str] = {}

    def race(name: str, racer: PublicationStore) -> None:
        ready.wait()
        try:
            announce(racer, place, name, "")
            outcomes[name] = "announced"
        except PublicationError as error:
            outcomes[name] = str(error)

    threads = [threading.Thread(target=race, args=row) for row in (("ann", store), ("bob", other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [name for name, outcome in outcomes.items() if outcome == "announced"]
    (refusal,) = [outcome for outcome in outcomes.values() if outcome != "announced"]
    assert refusal.startswith("Another store announced")
    latest = place.latest()
    assert latest is not None
    assert (latest.number, latest.actor) == (1, winner)


def test_a_store_that_does_not_know_conditional_writes_is_refused_before_the_number_is_written(s3: Store) -> None:
    s3.forgets_conditions = True
    with pytest.raises(PublicationError, match="overwrites files though If-None-Match"):
        place_of(ADDRESS, "").add(entry(1, "one"))
    assert s3.names(SERIES) == [f"{SERIES}conditions-hold.txt"]


def test_a_write_whose_answer_got_lost_counts_as_done(s3: Store) -> None:
    place = place_of(ADDRESS, "")
    assert place.add(entry(1, "one"))
    # The condition's own two writes come first.
    folder = ObjectFolder(f"{ADDRESS}/live")
    s3.loses = 1
    assert folder.write_new("000000000002.json", entry(2, "one").to_json())
    assert s3.loses == 0
    assert not folder.write_new("000000000002.json", entry(2, "two").to_json())
    assert place.latest() == entry(2, "one")


def test_a_body_that_ends_early_is_refused_and_leaves_nothing(
    s3: Store, store: PublicationStore, tmp_path: Path
) -> None:
    store.activate(FIRST, "ann", "")
    announce(store, place_of(ADDRESS, ""), "ann", "")
    s3.cuts = True
    with pytest.raises(
        PublicationError, match=r"cannot be reached: .*\. Check the store's address and the access key\."
    ):
        pull(PublicationStore(tmp_path / "other"), ADDRESS, FIRST, "", "ann")
    assert list((tmp_path / "other").rglob("*.sqlite")) == []


def test_more_announcements_than_a_page_of_a_listing_are_read_to_the_end(s3: Store) -> None:
    for number in range(1, 1003):
        s3.write(f"{SERIES}{number:012d}.json", b"")
    s3.write(f"{SERIES}{1003:012d}.json", entry(1003, "one").to_json())
    assert place_of(ADDRESS, "").latest() == entry(1003, "one")


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (("403 Forbidden", "AccessDenied"), r"answered AccessDenied\. Check the access key and its rights\.$"),
        (("403 Forbidden", "SignatureDoesNotMatch"), r"SignatureDoesNotMatch\. Check the access key and its rights\.$"),
        (("503 Slow Down", "SlowDown"), r"answered SlowDown\. Try again, and ask the store's operator if that"),
        (("404 Not Found", "NoSuchBucket"), r"answered NoSuchBucket\. Make the bucket, or correct the address\.$"),
        (("301 Moved Permanently", "PermanentRedirect"), r"answered PermanentRedirect\. Try again"),
        (("400 Bad Request", "InvalidRequest"), r"answered InvalidRequest\. Try again"),
    ],
)
def test_each_refusal_of_the_store_is_sentences(
    s3: Store, tmp_path: Path, refusal: tuple[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    s3.refuses["GET"] = refusal
    with pytest.raises(PublicationError, match=message):
        place_of(ADDRESS, "").latest()
    with pytest.raises(PublicationError, match=message):
        pull(PublicationStore(tmp_path / "other"), ADDRESS, THIRD, "", "ann")


def test_what_was_never_published_is_a_sentence(s3: Store, tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match=r"manifest\.json answered NoSuchKey\. Check that it was published\."):
        pull(PublicationStore(tmp_path / "other"), ADDRESS, FIRST, "", "ann")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1", "cannot be reached: Could not connect to the endpoint URL"),
        ("AWS_ENDPOINT_URL_S3", "no address", "The store's client cannot be made: Invalid endpoint"),
        (
            "AWS_PROFILE",
            "nobody",
            r"The store's client cannot be made: The config profile \(nobody\) could not be found",
        ),
        ("AWS_ACCESS_KEY_ID", "", "cannot be reached: .*credentials"),
    ],
)
def test_a_wrong_setting_is_sentences(
    s3: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if not value:
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv(name, value)
    object_store._client.cache_clear()
    with pytest.raises(PublicationError, match=message):
        place_of(ADDRESS, "").latest()
    object_store._client.cache_clear()


@pytest.mark.parametrize(
    "address",
    [
        "s3://",
        "s3:///folder",
        "s3://ab",
        "s3://Films/x",
        "s3://films//x",
        "s3://films/a b",
        "s3://films/x?versionId=1",
        "s3://films/\u00e9",
        "s3://user:password@films/x",
        "s3://films:9000/x",
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_asked(address: str) -> None:
    with pytest.raises(PublicationError, match=r"is no address of a store\. Give s3://bucket/folder\."):
        place_of(address, "")


@given(st.text(max_size=60))
def test_no_text_is_an_address_by_accident(text: str) -> None:
    try:
        folder = ObjectFolder(f"s3://{text}")
    except PublicationError:
        return
    assert f"s3://{text}".rstrip("/") == folder.address
