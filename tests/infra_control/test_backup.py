import json
import re
from pathlib import Path

import pytest

from infra.control.backup import BackupError, backup, namenode_files, restore, verify
from infra.control.settings import Settings


def current_folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).write_text(name, encoding="ascii")
    return tmp_path


def padded(name: str) -> str:
    """Write numbers as the NameNode does: fsimage_5 is fsimage_0000000000000000005."""
    return re.sub(r"\d+", lambda number: f"{int(number[0]):019d}", name)


def test_the_newest_image_and_every_finished_log_after_it_are_taken(tmp_path: Path) -> None:
    names = ["fsimage_0", "fsimage_0.md5", "fsimage_20", "fsimage_20.md5"]
    names += ["edits_1-10", "edits_11-20", "edits_21-30", "edits_31-31", "edits_inprogress_32", "seen_txid", "VERSION"]
    current = current_folder(tmp_path, *(padded(name) if name != "fsimage_0.md5" else name for name in names))
    taken = [path.name for path in namenode_files(current)]
    wanted = ["VERSION", "fsimage_20", padded("fsimage_20") + ".md5", "edits_21-30", "edits_31-31"]
    assert taken == [name if name.endswith(".md5") else padded(name) for name in wanted]


def test_missing_transactions_are_named(tmp_path: Path) -> None:
    current = current_folder(tmp_path, *map(padded, ["fsimage_0", "edits_1-10", "edits_15-20"]), "VERSION")
    with pytest.raises(BackupError, match=r"lacks the transactions 11 to 14: run the backup again"):
        namenode_files(current)


def test_a_folder_without_an_image_is_no_namenodes(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="holds no fsimage"):
        namenode_files(tmp_path)


def test_an_altered_file_and_a_missing_one_are_named(tmp_path: Path) -> None:
    digest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"  # of foo
    (tmp_path / "airflow.dump").write_text("foo", encoding="ascii")
    (tmp_path / "manifest.json").write_text(json.dumps({"files": {"airflow.dump": digest}}), encoding="ascii")
    assert verify(tmp_path) == {"airflow.dump": digest}
    (tmp_path / "airflow.dump").write_text("fop", encoding="ascii")
    with pytest.raises(BackupError, match=r"airflow.dump was altered"):
        verify(tmp_path)
    (tmp_path / "airflow.dump").unlink()
    with pytest.raises(BackupError, match=r"lacks airflow.dump"):
        verify(tmp_path)


def test_a_backup_that_is_none_leaves_the_data_where_it_is(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    (settings.instance / "data" / "namenode").mkdir(parents=True)
    with pytest.raises(BackupError, match="is no whole backup"):
        restore(settings, tmp_path / "nowhere")
    assert (settings.instance / "data" / "namenode").is_dir()


def test_a_stopped_platform_is_not_backed_up(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    with pytest.raises(BackupError, match="`make up`, then again"):
        backup(settings)
    assert not settings.backups.exists()
