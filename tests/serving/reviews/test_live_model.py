"""The live model: followed by the pointer, loaded only when it is right, refused by name."""

from __future__ import annotations

import os
import pickle
import stat
from pathlib import Path

import pytest

from serving.publications.store import PublicationStore
from serving.reviews.live_model import LiveModel

from .conftest import FIRST, SECOND, publish

THIRD = "20261125T190000"


@pytest.fixture
def live(models: PublicationStore) -> LiveModel:
    found = LiveModel(models.root)
    found.follow()
    return found


def served(live: LiveModel) -> str | None:
    return live.current and live.current.publication


def test_the_live_model_serves_and_the_next_one_takes_its_place(live: LiveModel, models: PublicationStore) -> None:
    assert live.current is not None
    assert (served(live), live.current.version) == (FIRST, "1")
    assert live.current.model.predict("wonderful").label == "positive"
    models.activate(SECOND, "test", "")
    live.follow()
    assert (served(live), live.refused) == (SECOND, None)
    models.roll_back(None, "test", "")
    live.follow()
    assert served(live) == FIRST


def test_a_model_that_is_live_is_read_once(live: LiveModel) -> None:
    before = live.current
    live.follow()
    assert live.current is before


def point_to(models: PublicationStore, publication: str) -> None:
    """Make a publication live without the store's own checks, as a damage after them would."""
    models.link.unlink(missing_ok=True)
    models.link.symlink_to(f"publications/{publication}")


class Marks:
    """A pickle that makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return Path.touch, (self.path,)


def other_bytes(folder: Path, tmp_path: Path) -> None:
    (folder / "model.joblib").write_bytes(pickle.dumps(Marks(tmp_path / "ran")))


def one_bit(folder: Path, tmp_path: Path) -> None:
    content = bytearray((folder / "model.joblib").read_bytes())
    content[-1] ^= 1
    (folder / "model.joblib").write_bytes(content)


def no_model(folder: Path, tmp_path: Path) -> None:
    (folder / "model.joblib").unlink()


def no_manifest(folder: Path, tmp_path: Path) -> None:
    (folder / "manifest.json").unlink()


def another_manifest(folder: Path, tmp_path: Path) -> None:
    text = (folder.parent / FIRST / "manifest.json").read_text(encoding="utf-8")
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def another_kind(folder: Path, tmp_path: Path) -> None:
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    (folder / "manifest.json").write_text(text.replace('"kind": "sentiment",', ""), encoding="utf-8")


def group_writes_folder(folder: Path, tmp_path: Path) -> None:
    folder.chmod(0o775)


def others_write_model(folder: Path, tmp_path: Path) -> None:
    (folder / "model.joblib").chmod(0o646)


def others_write_manifest(folder: Path, tmp_path: Path) -> None:
    (folder / "manifest.json").chmod(0o666)


def others_write_store(folder: Path, tmp_path: Path) -> None:
    folder.parent.parent.chmod(0o777)


def others_write_publications(folder: Path, tmp_path: Path) -> None:
    folder.parent.chmod(0o1777)


def a_link(folder: Path, tmp_path: Path) -> None:
    (folder / "model.joblib").rename(tmp_path / "elsewhere")
    (folder / "model.joblib").symlink_to(tmp_path / "elsewhere")


def another_owner(folder: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(folder / "model.joblib", 12345, -1)


FAULTS = {
    other_bytes: "SHA-256",
    one_bit: "SHA-256",
    no_model: "cannot be read",
    no_manifest: "cannot be read",
    another_manifest: f"belongs to {FIRST}",
    another_kind: "is of kind recommendations, not sentiment",
    group_writes_folder: "can be written by others (mode 775)",
    others_write_model: "can be written by others (mode 646)",
    others_write_manifest: "can be written by others (mode 666)",
    others_write_store: "can be written by others (mode 777)",
    others_write_publications: "can be written by others (mode 1777)",
    a_link: "is a link",
    another_owner: "belongs to user 12345",
}


@pytest.mark.parametrize(("damage", "why"), FAULTS.items(), ids=[damage.__name__ for damage in FAULTS])
def test_a_wrong_model_is_refused_by_name_and_the_old_one_goes_on(
    live: LiveModel, models: PublicationStore, tmp_path: Path, damage: object, why: str
) -> None:
    damage(models.path(SECOND), tmp_path)  # type: ignore[operator]
    point_to(models, SECOND)
    live.follow()
    assert served(live) == FIRST
    assert live.refused is not None
    assert live.refused.publication == SECOND
    assert why in live.refused.reason
    assert not (tmp_path / "ran").exists()


def test_a_refused_model_is_logged_once_and_served_when_it_is_mended(
    live: LiveModel, models: PublicationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[object] = []
    monkeypatch.setattr("serving.reviews.live_model.error_log.error", lambda *given, **more: logged.append(more))
    folder = models.path(SECOND)
    folder.chmod(0o777)
    point_to(models, SECOND)
    for _ in range(3):
        live.follow()
    assert [entry["extra"]["fields"]["publication"] for entry in logged] == [SECOND]  # type: ignore[index]
    folder.chmod(0o755)
    live.follow()
    assert (served(live), live.refused) == (SECOND, None)


def test_after_a_start_with_a_wrong_model_the_last_sound_one_serves(models: PublicationStore) -> None:
    models.activate(SECOND, "test", "")
    (models.path(SECOND) / "model.joblib").chmod(0o666)
    live = LiveModel(models.root)
    live.follow()
    assert served(live) == FIRST
    assert live.refused is not None
    assert live.refused.publication == SECOND


@pytest.mark.parametrize(
    "content", [b"", b"no pickle", pickle.dumps([1]), pickle.dumps({"format": "x"}), b"\x80\x05N."]
)
def test_a_file_that_is_published_and_holds_no_model_is_refused(
    live: LiveModel, models: PublicationStore, tmp_path: Path, content: bytes
) -> None:
    publish(models, tmp_path / "more", THIRD, "3", content)
    models.activate(THIRD, "test", "")
    live.follow()
    assert (served(live), live.refused and live.refused.publication) == (FIRST, THIRD)


def test_a_store_without_a_live_model_serves_none_and_a_pointer_that_is_gone_changes_nothing(
    live: LiveModel, models: PublicationStore, tmp_path: Path
) -> None:
    empty = LiveModel(tmp_path / "empty")
    empty.follow()
    assert (empty.current, empty.refused) == (None, None)
    models.link.unlink()
    live.follow()
    assert served(live) == FIRST


def test_the_store_that_publishing_makes_is_the_users_alone(models: PublicationStore) -> None:
    folder = models.path(FIRST)
    modes = [
        stat.S_IMODE(path.stat().st_mode) & 0o022 for path in (models.root, models.folder, folder, *folder.iterdir())
    ]
    assert modes == [0] * 5
