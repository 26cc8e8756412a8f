import fcntl
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.control.backup.archives import verify, write_manifest
from infra.control.backup.commands import backup, restore
from infra.control.backup.hdfs import namenode_files
from infra.control.backup.postgres import Postgres
from infra.control.backup.programs import BackupError, Programs
from infra.control.settings import Settings
from infra.control.supervisor import Supervisor
from infra.control.variables import environment


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
    with pytest.raises(BackupError, match=r"lacks the transactions 11 to 14\. Run the backup again\."):
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
    with pytest.raises(BackupError, match=r"airflow.dump has changed since it was written\. Use another backup\."):
        verify(tmp_path)
    (tmp_path / "airflow.dump").unlink()
    with pytest.raises(BackupError, match=r"lacks airflow.dump\. Use another backup\."):
        verify(tmp_path)


def test_a_backup_that_is_none_leaves_the_data_where_it_is(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    (settings.instance / "data" / "namenode").mkdir(parents=True)
    with pytest.raises(BackupError, match="is not a whole backup"):
        restore(settings, tmp_path / "nowhere")
    assert (settings.instance / "data" / "namenode").is_dir()


def test_a_stopped_platform_is_not_backed_up(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    with pytest.raises(BackupError, match="Start it with `make up`, then run the backup again"):
        backup(settings)
    assert not settings.backups.exists()


class Machine:
    """A machine whose HDFS and PostgreSQL answer without running; `commands` are those that were run."""

    def __init__(self, folder: Path) -> None:
        self.commands: list[str] = []
        self.snapshots: list[str] = []
        # By a word of the command.
        self.failures: dict[str, BackupError] = {}
        for name in ("psql", "pg_dump", "pg_restore"):
            program = folder / "15" / "bin" / name
            program.parent.mkdir(parents=True, exist_ok=True)
            program.touch()
        self.programs = Programs(self.run, self.start, folder)

    def run(self, command: list[str], _variables: dict[str, str]) -> str:
        words = [Path(command[0]).name, *command[1:]]
        self.commands.append(" ".join(words))
        for word, error in self.failures.items():
            if word in words:
                raise error
        if words[0] == "pg_dump":
            Path(words[words.index("-f") + 1]).write_text("a dump", encoding="ascii")
        if words[0] == "psql":
            return "accounts\nairflow\n"
        return "".join(f"/.snapshot/{name}\n" for name in self.snapshots) if "-ls" in words else ""

    def start(self, command: list[str], _variables: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
        self.commands.append(" ".join([Path(command[0]).name, *command[1:]]))
        log.touch()
        return subprocess.Popen(["sleep", "60"])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "postgresql")


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A platform that runs, with one publication and an empty HDFS."""
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    publication = settings.instance / "data" / "serving" / "publications" / "20261124T030000"
    publication.mkdir(parents=True)
    (publication / "manifest.json").write_text("{}", encoding="ascii")
    (publication.parents[1] / "live").symlink_to("publications/20261124T030000")
    current = settings.instance / "data" / "namenode" / "current"
    current.mkdir(parents=True)
    current_folder(current, "VERSION", padded("fsimage_0"), padded("fsimage_0") + ".md5", padded("edits_1-2"))
    monkeypatch.setattr(Supervisor, "running", lambda _self: True)
    return settings


ARCHIVES = {"namenode.tar", "publications.tar", "sentiment.tar", "models.tar", "secrets.tar"}


def members(archive: Path) -> set[str]:
    with tarfile.open(archive) as tar:
        return set(tar.getnames())


def while_copying(monkeypatch: pytest.MonkeyPatch, look: Callable[[Path], None]) -> None:
    """Have `look` called as often as a folder is walked through, before its files are copied."""
    walk = os.walk

    def walk_and_look(folder: Path) -> Iterator[Any]:
        look(folder)
        for entry in walk(folder):
            look(folder)
            yield entry

    monkeypatch.setattr(os, "walk", walk_and_look)


def test_a_backup_holds_each_database_the_namenode_and_the_folders(running: Settings, machine: Machine) -> None:
    folder = backup(running, machine.programs)
    assert set(verify(folder)) == {"accounts.dump", "airflow.dump", *ARCHIVES}
    files = {padded(f"current/{name}") for name in ("VERSION", "fsimage_0", "edits_1-2", "seen_txid")}
    assert members(folder / "namenode.tar") == {*files, padded("current/fsimage_0") + ".md5"}
    with tarfile.open(folder / "namenode.tar") as tar:
        seen = tar.extractfile("current/seen_txid")
        assert seen is not None
        assert seen.read() == b"2\n"
    server = "-h 127.0.0.1 -p 15432 -U postgres"
    partial = folder.with_name(f".{folder.name}.partial")
    assert machine.commands[1:3] == [
        f"pg_dump {server} -Fc -f {partial}/{name}.dump {name}" for name in ("accounts", "airflow")
    ]
    assert not partial.exists()


def test_what_vanishes_while_it_is_copied_is_left_out(
    running: Settings, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    arriving = running.instance / "data" / "serving" / "arriving"
    arriving.mkdir()
    (arriving / "half").touch()
    walk = os.walk

    def walk_while_a_run_ends(folder: Path) -> Iterator[Any]:
        for parent, folders, files in walk(folder):
            (arriving / "half").unlink(missing_ok=True)
            yield parent, folders, files

    monkeypatch.setattr(os, "walk", walk_while_a_run_ends)
    folder = backup(running, machine.programs)
    publication = "publications/20261124T030000"
    expected = {"arriving", "publications", publication, f"{publication}/manifest.json", "live", ".lock"}
    assert members(folder / "publications.tar") == expected


def test_no_publication_goes_live_while_they_are_copied(
    running: Settings, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {}

    def look(folder: Path) -> None:
        # Of the folder itself, or of the store of recommendations where the folder is none.
        store = folder if folder.name in ("serving", "sentiment") else running.instance / "data" / "serving"
        with (store / ".lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held[folder.name] = False
            except BlockingIOError:
                held[folder.name] = True

    while_copying(monkeypatch, look)
    backup(running, machine.programs)
    assert held == {"serving": True, "sentiment": True, "mlflow": False, "secrets": False}


def test_hdfs_keeps_the_files_of_each_backup_that_is_there_and_of_no_other(running: Settings, machine: Machine) -> None:
    kept = running.backups / "20260102T030000"
    kept.mkdir(parents=True)
    machine.snapshots = ["marquee-backup-20260101T030000", "marquee-backup-20260102T030000", "by-hand"]
    name = backup(running, machine.programs).name
    assert [command for command in machine.commands if command.startswith("hdfs")] == [
        "hdfs dfsadmin -allowSnapshot /",
        f"hdfs dfs -createSnapshot / marquee-backup-{name}",
        "hdfs dfsadmin -rollEdits",
        "hdfs dfs -ls -C /.snapshot",
        "hdfs dfs -deleteSnapshot / marquee-backup-20260101T030000",
    ]


def test_no_snapshot_goes_where_the_folder_of_backups_is_new(running: Settings, machine: Machine) -> None:
    machine.snapshots = ["marquee-backup-20260101T030000"]
    backup(running, machine.programs)
    assert not any("-deleteSnapshot" in command for command in machine.commands)


def test_a_backup_whose_clean_up_failed_is_reported_as_whole(running: Settings, machine: Machine) -> None:
    machine.failures = {"-ls": BackupError("hdfs failed (exit 1): no answer")}
    running.backups.mkdir(parents=True)
    with pytest.raises(BackupError) as raised:
        backup(running, machine.programs)
    assert str(raised.value) == (
        "The backup is whole, but old snapshots of HDFS could not be deleted: hdfs failed (exit 1): no answer"
    )
    (folder,) = running.backups.glob("2*")
    assert set(verify(folder)) >= ARCHIVES


def test_two_backups_at_once_are_refused(running: Settings, machine: Machine) -> None:
    running.backups.mkdir(parents=True)
    with (running.backups / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        with pytest.raises(BackupError, match=r"^Another backup is being written to .*\. Wait until it ends\.$"):
            backup(running, machine.programs)
    backup(running, machine.programs)


def test_a_restore_puts_everything_back_and_has_it_prepared_again(
    running: Settings, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = backup(running, machine.programs)
    data = running.instance / "data"
    stamps = [data / "airflow" / "prepared", data / "metastore-schema.done", data / "hdfs-folders.done"]
    for stamp in stamps:
        stamp.parent.mkdir(exist_ok=True)
        stamp.touch()
    (data / "namenode" / "current" / padded("edits_3-4")).touch()
    machine.commands.clear()
    monkeypatch.setattr(Supervisor, "running", lambda _self: False)
    restore(running, folder, machine.programs)
    assert not any(stamp.exists() for stamp in stamps)
    assert (data / "hdfs-restored").exists()
    assert not (data / "namenode" / "current" / padded("edits_3-4")).exists()
    (aside,) = running.instance.glob("before-restore-*")
    assert (aside / "data" / "namenode" / "current" / padded("edits_3-4")).exists()
    assert (data / "serving" / "live" / "manifest.json").read_text(encoding="ascii") == "{}"
    server = "-h 127.0.0.1 -p 15432 -U postgres"
    assert machine.commands == [
        "postgres.sh prepare",
        "postgres.sh run",
        "postgres.sh databases",
        f"pg_restore {server} --exit-on-error -d accounts {folder}/accounts.dump",
        f"pg_restore {server} --exit-on-error -d airflow {folder}/airflow.dump",
    ]


def test_a_backup_from_before_the_store_of_models_is_restored_without_it(
    running: Settings, machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = backup(running, machine.programs)
    (folder / "sentiment.tar").unlink()
    (folder / "manifest.json").unlink()
    write_manifest(folder, {})
    (running.instance / "data" / "sentiment" / "newer").touch()
    monkeypatch.setattr(Supervisor, "running", lambda _self: False)
    restore(running, folder, machine.programs)
    assert "data/sentiment: this backup was made before the platform had it" in capsys.readouterr().out
    (aside,) = running.instance.glob("before-restore-*")
    assert (aside / "data" / "sentiment" / "newer").exists()
    assert (running.instance / "data" / "serving" / "live" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("error", "expected", "sentence"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt, None),
        (OSError(28, "No space left"), BackupError, "Free some space if the disk is full, then run the backup again"),
    ],
)
def test_a_backup_that_ends_early_leaves_no_secrets_behind(
    running: Settings,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    expected: type[BaseException],
    sentence: str | None,
) -> None:
    def end(folder: Path) -> None:
        if folder.name == "secrets":
            raise error

    while_copying(monkeypatch, end)
    with pytest.raises(expected, match=sentence):
        backup(running, machine.programs)
    assert [path.name for path in running.backups.iterdir()] == [".lock"]


def test_what_runs_on_another_host_is_not_backed_up_from_here(tmp_path: Path) -> None:
    hosts = "namenode=nn.example postgres=db.example jobhistory=nn.example"
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_HOSTS": hosts})
    for refused in (lambda: backup(settings), lambda: restore(settings, tmp_path)):
        with pytest.raises(BackupError) as raised:
            refused()
        assert str(raised.value) == (
            "MARQUEE_HOSTS has postgres, namenode on another host, and this command backs up and restores the files of this "
            "machine. Use the tools of that host."
        )


def test_the_newest_programs_of_postgresql_are_taken_by_number(tmp_path: Path) -> None:
    for version in ("9.6", "15", "16"):
        (tmp_path / version / "bin").mkdir(parents=True)
    for version in ("9.6", "15"):
        (tmp_path / version / "bin" / "psql").touch()
    taken = []

    def run(command: list[str], _variables: dict[str, str]) -> str:
        taken.append(command[0])
        return ""

    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    postgres = Postgres(settings, environment(settings), Programs(run, postgresql=tmp_path))
    assert postgres.databases() == []
    assert taken == [f"{tmp_path}/15/bin/psql"]
    with pytest.raises(BackupError, match=r"PostgreSQL's pg_dump is not installed\. Run `make install`\."):
        postgres.dump("airflow", tmp_path / "airflow.dump")


def test_a_server_that_does_not_start_for_the_restore_is_reported_with_its_log(
    tmp_path: Path, machine: Machine
) -> None:
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    machine.failures = {"databases": BackupError("postgres.sh failed (exit 2): no response.")}
    postgres = Postgres(settings, environment(settings), machine.programs)
    with pytest.raises(BackupError) as raised, postgres.temporary_server():
        pytest.fail("there is no server to work with")
    log = settings.instance / "logs" / "restore.log"
    assert str(raised.value) == f"postgres.sh failed (exit 2): no response. The server's log is {log}."
