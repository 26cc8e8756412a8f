"""Stores on several machines: one announces what is live, the others follow."""

from __future__ import annotations

import json
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.publications.__main__ import main
from serving.publications.announcements.announcement import Announcement
from serving.publications.announcements.announcing import announce
from serving.publications.announcements.following import Follower
from serving.publications.announcements.places import Place, place_of
from serving.publications.announcements.status_page import StatusPage
from serving.publications.format import PublicationError
from serving.publications.store import PublicationStore

from ...conftest import FIRST, SECOND, THIRD
from ..name_node import NameNode, name_node
from ..s3_store import BUCKET, Store, s3_store

ROOT = "/marquee/publications"
# The store of the running test, if it has one.
S3: list[Store] = []


@pytest.fixture(params=["folder", "hdfs", "s3"])
def address(
    request: pytest.FixtureRequest, tmp_path: Path, store: PublicationStore, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Return where three publications lie, as folders, in HDFS or in an S3-like store; `store` has pulled them."""
    if request.param == "s3":
        with s3_store(monkeypatch) as found:
            S3.append(found)
            for path in (tmp_path / "built").rglob("*.*"):
                found.write(f"{ROOT[1:]}/{path.relative_to(tmp_path / 'built')}", path.read_bytes())
            yield f"s3://{BUCKET}{ROOT}"
        S3.clear()
        return
    if request.param == "folder":
        shutil.copytree(tmp_path / "built", tmp_path / "published")
        yield str(tmp_path / "published")
        return
    NameNode.files = {
        f"{ROOT}/{path.relative_to(tmp_path / 'built')}": path.read_bytes()
        for path in (tmp_path / "built").rglob("*")
        if path.is_file()
    }
    # HDFS lists a folder that has no file of its own.
    NameNode.files[f"{ROOT}/_SUCCESS"] = b""
    with name_node() as url:
        yield url


@pytest.fixture
def place(address: str) -> Place:
    return place_of(address, "marquee")


@pytest.fixture
def follower(tmp_path: Path, address: str) -> Follower:
    return Follower(PublicationStore(tmp_path / "replica"), address, "marquee", keep=2)


def replace_bytes(address: str, publication: str, name: str, content: bytes) -> None:
    if S3:
        S3[0].write(f"{ROOT[1:]}/{publication}/{name}", content)
    elif address.startswith("http"):
        NameNode.files[f"{ROOT}/{publication}/{name}"] = content
    else:
        (Path(address) / publication / name).write_bytes(content)


def bytes_of(address: str, publication: str, name: str) -> bytes:
    if S3:
        return S3[0].read(f"{ROOT[1:]}/{publication}/{name}")
    if address.startswith("http"):
        return NameNode.files[f"{ROOT}/{publication}/{name}"]
    return (Path(address) / publication / name).read_bytes()


def names_of_series(address: str) -> list[str]:
    if S3:
        return [name.rpartition("/")[2] for name in S3[0].names(f"{ROOT[1:]}/live/") if not name.endswith(".txt")]
    if address.startswith("http"):
        return [name.rpartition("/")[2] for name in NameNode.files if name.startswith(f"{ROOT}/live/")]
    return [path.name for path in (Path(address) / "live").iterdir()]


def say_live(store: PublicationStore, place: Place, publication: str) -> None:
    store.activate(publication, "ann", "nightly")
    announce(store, place, "ann", "nightly")


def test_the_first_announcement_has_number_one_and_the_publications_digest(
    store: PublicationStore, place: Place
) -> None:
    assert place.latest() is None
    store.activate(FIRST, "ann", "nightly")
    assert announce(store, place, "ann", "nightly").changed
    latest = place.latest()
    assert latest is not None
    assert (latest.number, latest.publication, latest.pinned) == (1, FIRST, False)
    assert latest.sha256 == store.manifest(FIRST).sha256
    assert (latest.actor, latest.reason) == ("ann", "nightly")


def test_announcing_again_adds_nothing_until_something_changed(store: PublicationStore, place: Place) -> None:
    say_live(store, place, FIRST)
    assert announce(store, place, "ann", "again").changed is False
    store.pin(FIRST, "ann", "hold")
    assert announce(store, place, "ann", "hold").changed
    latest = place.latest()
    assert latest is not None
    assert (latest.number, latest.pinned) == (2, True)


def test_a_number_is_taken_once_and_the_loser_leaves_nothing_behind(
    store: PublicationStore, place: Place, address: str
) -> None:
    entry = Announcement(1, FIRST, "a" * 64, False, "one", "2026-11-21T19:00:00Z", "ann", "")
    other = Announcement(1, SECOND, "b" * 64, False, "two", "2026-11-21T19:00:00Z", "bob", "")
    assert place.add(entry)
    assert not place.add(other)
    assert place.latest() == entry
    assert names_of_series(address) == ["000000000001.json"]


def test_of_many_writers_at_once_each_number_has_one(place: Place) -> None:
    won: list[str] = []

    def write(name: str) -> None:
        if place.add(Announcement(1, FIRST, "a" * 64, False, name, "2026-11-21T19:00:00Z", name, "")):
            won.append(name)

    threads = [threading.Thread(target=write, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    latest = place.latest()
    assert latest is not None
    assert won == [latest.store]


def test_a_second_store_is_refused_until_it_takes_over(store: PublicationStore, place: Place, tmp_path: Path) -> None:
    say_live(store, place, FIRST)
    shutil.copytree(store.root, tmp_path / "other", symlinks=True)
    other = PublicationStore(tmp_path / "other")
    (other.root / "store-id").unlink()
    other.activate(SECOND, "bob", "")
    with pytest.raises(PublicationError, match=rf"Another store announced {FIRST} last.* or take over"):
        announce(other, place, "bob", "")
    assert announce(other, place, "bob", "", take_over=True).changed
    with pytest.raises(PublicationError, match="Another store announced"):
        announce(store, place, "ann", "")


def test_nothing_live_is_nothing_to_announce(store: PublicationStore, place: Place) -> None:
    with pytest.raises(PublicationError, match="Nothing is live"):
        announce(store, place, "ann", "")


def test_a_follower_pulls_verifies_and_switches(store: PublicationStore, place: Place, follower: Follower) -> None:
    assert follower.step() is None
    assert follower.failing.startswith("Nothing is announced yet.")
    for number, publication in enumerate((FIRST, THIRD), 1):
        say_live(store, place, publication)
        found = follower.step()
        assert found is not None
        assert found.number == number
        assert follower.store.live() == publication
        assert follower.store.verify(publication)
    assert follower.step() is None
    assert (follower.announced, follower.followed, follower.failing) == (2, 2, "")


def test_a_rollback_and_a_pin_reach_the_follower(store: PublicationStore, place: Place, follower: Follower) -> None:
    for publication in (FIRST, SECOND, THIRD):
        say_live(store, place, publication)
        follower.step()
    store.roll_back(None, "ann", "bad lists")
    announce(store, place, "ann", "bad lists")
    follower.step()
    assert follower.store.live() == SECOND
    store.pin(FIRST, "ann", "hold")
    announce(store, place, "ann", "hold")
    follower.step()
    assert follower.store.live() == FIRST
    store.unpin("ann", "")
    store.activate(THIRD, "ann", "")
    announce(store, place, "ann", "")
    follower.step()
    assert follower.store.live() == THIRD


def test_a_corrupt_publication_is_refused_and_the_one_before_stays(
    store: PublicationStore, place: Place, follower: Follower, address: str
) -> None:
    say_live(store, place, FIRST)
    follower.step()
    sound = bytes_of(address, SECOND, "publication.sqlite")
    replace_bytes(address, SECOND, "publication.sqlite", sound[:100] + bytes([sound[100] ^ 1]) + sound[101:])
    say_live(store, place, SECOND)
    assert follower.step() is None
    assert "arrived with SHA-256" in follower.failing
    assert (follower.store.live(), follower.announced, follower.followed) == (FIRST, 2, 1)
    assert follower.store.publications() == [FIRST]


def test_another_publication_under_the_announced_name_is_refused(
    store: PublicationStore, place: Place, follower: Follower, address: str
) -> None:
    say_live(store, place, FIRST)
    follower.step()
    other = bytes_of(address, THIRD, "publication.sqlite")
    manifest = json.loads(bytes_of(address, THIRD, "manifest.json")) | {"batch_id": SECOND}
    say_live(store, place, SECOND)
    replace_bytes(address, SECOND, "publication.sqlite", other)
    replace_bytes(address, SECOND, "manifest.json", json.dumps(manifest).encode())
    assert follower.step() is None
    assert "has another SHA-256 than its announcement 2" in follower.failing
    assert follower.store.live() == FIRST


def test_a_failed_publication_is_tried_again_later_and_a_new_one_at_once(
    store: PublicationStore, place: Place, follower: Follower, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    sound = bytes_of(address, FIRST, "publication.sqlite")
    replace_bytes(address, FIRST, "publication.sqlite", sound[:-1])
    say_live(store, place, FIRST)
    assert follower.step() is None
    assert follower.step() is None
    assert follower.failures == 1, "the second step waits"
    replace_bytes(address, FIRST, "publication.sqlite", sound)
    now += 9.9
    assert follower.step() is None
    now += 0.2
    assert follower.step() is not None
    replace_bytes(address, SECOND, "publication.sqlite", b"")
    say_live(store, place, SECOND)
    assert follower.step() is None
    say_live(store, place, THIRD)
    assert follower.step() is not None
    assert follower.store.live() == THIRD


def test_a_follower_serves_what_it_has_while_the_source_is_away(
    store: PublicationStore, place: Place, follower: Follower, tmp_path: Path
) -> None:
    say_live(store, place, FIRST)
    follower.step()
    follower.address = "http://127.0.0.1:1"
    assert follower.step() is None
    assert "cannot be reached" in follower.failing
    follower.address = str(tmp_path / "unmounted")
    assert follower.step() is None
    assert "does not exist" in follower.failing
    assert follower.store.live() == FIRST


def test_an_old_copy_is_pruned_but_the_rollback_targets_stay(
    store: PublicationStore, place: Place, follower: Follower
) -> None:
    follower.keep = 1
    for publication in (FIRST, SECOND, THIRD):
        say_live(store, place, publication)
        follower.step()
    assert follower.store.publications() == [SECOND, THIRD]


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b'"x"', b"{", b"\xff\xfe", b"1" * 5000, b'{"number": 2}', b'{"number": 1}'],
)
def test_an_announcement_that_cannot_be_read_is_one_sentence(
    content: bytes, place: Place, address: str, follower: Follower
) -> None:
    if S3:
        S3[0].write(f"{ROOT[1:]}/live/000000000001.json", content)
    elif address.startswith("http"):
        NameNode.files[f"{ROOT}/live/000000000001.json"] = content
    else:
        (Path(address) / "live").mkdir()
        (Path(address) / "live" / "000000000001.json").write_bytes(content)
    with pytest.raises(PublicationError, match="Announcement 1 is not one that this program reads"):
        place.latest()
    assert follower.step() is None


@pytest.mark.parametrize(
    "change",
    [
        {"publication": "../../x"},
        {"publication": 5},
        {"sha256": "x"},
        {"sha256": None},
        {"number": 3},
        {"more": 1},
    ],
)
def test_an_announcement_with_a_wrong_field_is_refused(change: dict[str, object]) -> None:
    good = Announcement(1, FIRST, "a" * 64, False, "one", "2026-11-21T19:00:00Z", "ann", "").to_json()
    assert Announcement.from_json(good, 1).publication == FIRST
    with pytest.raises(PublicationError, match="Announcement 1 is not one"):
        Announcement.from_json(json.dumps(json.loads(good) | change).encode(), 1)


def test_a_place_that_may_not_be_written_is_one_sentence(store: PublicationStore, address: str, place: Place) -> None:
    store.activate(FIRST, "ann", "")
    if S3:
        S3[0].refuses["PUT"] = ("403 Forbidden", "AccessDenied")
        with pytest.raises(PublicationError, match=r"answered AccessDenied\. Check the access key and its rights\.$"):
            announce(store, place, "ann", "")
    elif address.startswith("http"):
        NameNode.read_only = True
        with pytest.raises(PublicationError, match=r"answered 403\. Check that this user may write there\.$"):
            announce(store, place, "ann", "")
    else:
        (Path(address) / "live").write_text("", encoding="ascii")
        with pytest.raises(PublicationError, match=r"cannot be (read|written): .*\.$"):
            announce(store, place, "ann", "")


def test_the_commands_announce_and_follow(
    store: PublicationStore, address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.activate(SECOND, "ann", "")
    assert main(["announce", "--store", str(store.root), "--to", address, "--actor", "ann"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "action": "announced",
        "publication": SECOND,
        "changed": True,
        "live": SECOND,
    }
    assert main(["follow", "--store", str(tmp_path / "replica"), "--from", address]) == 0
    assert json.loads(capsys.readouterr().out) == {"publication": SECOND, "changed": True, "announced": 1}
    assert main(["follow", "--store", str(tmp_path / "replica"), "--from", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err == f"follow: {tmp_path}/none does not exist. Give the publications' folder.\n"


def test_the_status_page_tells_prometheus_and_the_kubelet(
    store: PublicationStore, place: Place, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = StatusPage(follower, patience=60)
    with page.serve("127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"

        def ask(path: str) -> tuple[int, str]:
            try:
                with urllib.request.urlopen(url + path) as response:
                    return response.status, response.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()

        assert ask("/started")[0] == 503
        assert ask("/alive")[0] == 200
        follower.step()
        page.step_ended()
        assert ask("/started")[0] == 200
        assert "marquee_follower_failing 1\n" in ask("/metrics")[1]
        say_live(store, place, FIRST)
        follower.step()
        page.step_ended()
        status, text = ask("/metrics")
        assert status == 200
        for line in ("announced 1", "followed 1", "failing 0", "failures_total 1"):
            assert f"\nmarquee_follower_{line}\n" in text
        assert ask("/other")[0] == 404
        later = time.monotonic() + 61
        monkeypatch.setattr(time, "monotonic", lambda: later)
        assert ask("/alive")[0] == 503
        server.shutdown()


def test_commands_that_change_what_is_live_announce_it(
    store: PublicationStore, address: str, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--store", str(store.root), "--announce", address, "--actor", "ann"]
    said = []
    for words in (
        ["activate", "--publication", FIRST],
        ["activate", "--publication", SECOND],
        ["rollback"],
        ["pin", "--publication", THIRD],
        ["unpin"],
    ):
        assert main([*words, *common]) == 0
        latest = place.latest()
        assert latest is not None
        said.append((latest.number, latest.publication, latest.pinned))
    assert said == [(1, FIRST, False), (2, SECOND, False), (3, FIRST, False), (4, THIRD, True), (5, THIRD, False)]


def test_a_change_that_cannot_be_announced_fails_and_trying_again_announces_it(
    store: PublicationStore, address: str, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["activate", "--store", str(store.root), "--publication", FIRST, "--actor", "ann"]
    assert main([*words, "--announce", "http://127.0.0.1:1"]) == 1
    assert f"{FIRST} is live here, but followers do not know. http://127.0.0.1:1" in capsys.readouterr().err
    assert store.live() == FIRST
    assert main([*words, "--announce", address]) == 0
    latest = place.latest()
    assert latest is not None
    assert latest.publication == FIRST
