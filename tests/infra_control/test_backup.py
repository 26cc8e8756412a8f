import fcntl
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.control import backup as module
from infra.control.backup import BackupError, backup, namenode_files, restore, verify
from infra.control.settings import Settings
from infra.control.supervisor import Supervisor


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


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A platform that runs, with one publication, and nothing in its databases and its NameNode."""
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    publication = settings.instance / "data" / "serving" / "publications" / "20261124T030000"
    publication.mkdir(parents=True)
    (publication / "manifest.json").write_text("{}", encoding="ascii")
    (publication.parents[1] / "live").symlink_to("publications/20261124T030000")
    monkeypatch.setattr(Supervisor, "running", lambda _self: True)
    monkeypatch.setattr(module, "_run", lambda *_: "")
    monkeypatch.setattr(module, "_archive_namenode", lambda *_: None)
    return settings


def members(archive: Path) -> set[str]:
    with tarfile.open(archive) as tar:
        return set(tar.getnames())


def test_what_vanishes_while_it_is_copied_is_left_out(running: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    arriving = running.instance / "data" / "serving" / "arriving"
    arriving.mkdir()
    (arriving / "half").touch()
    walk = os.walk

    def walk_while_a_run_ends(folder: Path) -> Iterator[Any]:
        for parent, folders, files in walk(folder):
            (arriving / "half").unlink(missing_ok=True)
            yield parent, folders, files

    monkeypatch.setattr(os, "walk", walk_while_a_run_ends)
    folder = backup(running)
    publication = "publications/20261124T030000"
    expected = {"arriving", "publications", publication, f"{publication}/manifest.json", "live", ".lock"}
    assert members(folder / "publications.tar") == expected


def test_no_publication_goes_live_while_they_are_copied(running: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    held = {}

    def look(folder: Path, _archive: Path) -> None:
        with (running.instance / "data" / "serving" / ".lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held[folder.name] = False
            except BlockingIOError:
                held[folder.name] = True

    monkeypatch.setattr(module, "_archive", look)
    backup(running)
    assert held == {"serving": True, "mlflow": False, "secrets": False}


def test_hdfs_keeps_the_files_of_each_backup_that_is_there_and_of_no_other(
    running: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = running.backups / "20260102T030000"
    kept.mkdir(parents=True)
    snapshots = ["marquee-backup-20260101T030000", "marquee-backup-20260102T030000", "by-hand"]
    commands = []

    def run(command: list[str], _variables: dict[str, str]) -> str:
        commands.append(" ".join(command))
        return "".join(f"/.snapshot/{name}\n" for name in snapshots) if "-ls" in command else ""

    monkeypatch.setattr(module, "_run", run)
    name = backup(running).name
    assert [command for command in commands if command.startswith("hdfs")] == [
        "hdfs dfsadmin -allowSnapshot /",
        f"hdfs dfs -createSnapshot / marquee-backup-{name}",
        "hdfs dfsadmin -rollEdits",
        "hdfs dfs -ls -C /.snapshot",
        "hdfs dfs -deleteSnapshot / marquee-backup-20260101T030000",
    ]


def test_no_snapshot_goes_where_the_folder_of_backups_is_new(
    running: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = "/.snapshot/marquee-backup-20260101T030000"
    commands = []

    def run(command: list[str], _variables: dict[str, str]) -> str:
        commands.append(" ".join(command))
        return listed if "-ls" in command else ""

    monkeypatch.setattr(module, "_run", run)
    backup(running)
    assert not any("-deleteSnapshot" in command for command in commands)


def test_a_backup_whose_clean_up_failed_is_told_to_be_whole(running: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], _variables: dict[str, str]) -> str:
        if "-ls" in command:
            raise BackupError("hdfs failed (exit 1): no answer")
        return ""

    running.backups.mkdir(parents=True)
    monkeypatch.setattr(module, "_run", run)
    with pytest.raises(BackupError) as raised:
        backup(running)
    assert str(raised.value) == (
        "The backup is whole, but old snapshots of HDFS could not be dropped: hdfs failed (exit 1): no answer"
    )
    (folder,) = running.backups.glob("2*")
    assert set(verify(folder)) == {"publications.tar", "models.tar", "secrets.tar"}


def test_two_backups_at_once_are_refused(running: Settings) -> None:
    running.backups.mkdir(parents=True)
    with (running.backups / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        with pytest.raises(BackupError, match=r"^Another backup is being written to .*: wait until it ends\.$"):
            backup(running)
    backup(running)


def test_a_restore_has_what_was_prepared_in_the_replaced_data_prepared_again(
    running: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def archive(_current: Path, archive: Path) -> None:
        tarfile.open(archive, "w").close()

    monkeypatch.setattr(module, "_archive_namenode", archive)
    folder = backup(running)
    data = running.instance / "data"
    stamps = [data / "airflow" / "prepared", data / "metastore-schema.done", data / "hdfs-folders.done"]
    for stamp in stamps:
        stamp.parent.mkdir(exist_ok=True)
        stamp.touch()
    monkeypatch.setattr(Supervisor, "running", lambda _self: False)
    monkeypatch.setattr(module, "_restore_databases", lambda *_: None)
    restore(running, folder)
    assert not any(stamp.exists() for stamp in stamps)
    assert (data / "hdfs-restored").exists()


@pytest.mark.parametrize(
    ("error", "expected", "said"),
    [(KeyboardInterrupt(), KeyboardInterrupt, None), (OSError(28, "No space left"), BackupError, "is the disk full")],
)
def test_a_backup_that_ends_early_leaves_no_secrets_behind(
    running: Settings,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    expected: type[BaseException],
    said: str | None,
) -> None:
    def end(folder: Path, archive: Path) -> None:
        archive.touch()
        raise error

    monkeypatch.setattr(module, "_archive", end)
    with pytest.raises(expected, match=said):
        backup(running)
    assert [path.name for path in running.backups.iterdir()] == [".lock"]


def test_what_runs_on_another_host_is_not_backed_up_from_here(tmp_path: Path) -> None:
    hosts = "namenode=nn.example postgres=db.example jobhistory=nn.example"
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_HOSTS": hosts})
    for refused in (lambda: backup(settings), lambda: restore(settings, tmp_path)):
        with pytest.raises(BackupError) as raised:
            refused()
        assert str(raised.value) == (
            "MARQUEE_HOSTS has postgres, namenode on another host, and this backs up and restores the files of this machine: "
            "use the means of that host."
        )


def test_the_newest_programs_of_postgresql_are_taken_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("9.6", "15", "16"):
        (tmp_path / version / "bin").mkdir(parents=True)
    for version in ("9.6", "15"):
        (tmp_path / version / "bin" / "pg_dump").touch()
    monkeypatch.setattr(module, "_POSTGRESQL", tmp_path)
    assert module._postgres_program("pg_dump") == f"{tmp_path}/15/bin/pg_dump"
    with pytest.raises(BackupError, match="PostgreSQL's psql is not installed: run `make install`"):
        module._postgres_program("psql")


def test_a_server_that_does_not_start_for_the_restore_is_told_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    start = subprocess.Popen

    def run(command: list[str], _variables: dict[str, str]) -> str:
        if command[-1] == "databases":
            raise BackupError("postgres.sh failed (exit 2): no response.")
        return ""

    monkeypatch.setattr(module, "_run", run)
    monkeypatch.setattr(subprocess, "Popen", lambda _command, **how: start(["sleep", "60"], **how))
    with pytest.raises(BackupError) as raised, module._temporary_postgres(settings, {}):
        pytest.fail("there is no server to work with")
    log = settings.instance / "logs" / "restore.log"
    assert str(raised.value) == f"postgres.sh failed (exit 2): no response. The server's log is {log}."
