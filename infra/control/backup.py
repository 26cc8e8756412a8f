"""Backs up what can't be computed again, and puts it back: databases, the NameNode's metadata, publications, models, secrets.

HDFS's blocks are not in it: they lie on several DataNodes already, and a snapshot of HDFS keeps those of the backup's moment
there, whatever is deleted or written anew later. What was written to HDFS after it is lost, and a nightly run makes it anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from infra.control.settings import REPOSITORY, Settings
from infra.control.supervisor import Supervisor
from infra.control.variables import environment

MANIFEST = "manifest.json"
# Folders of the instance that go into an archive each, whole.
STORE_FOLDER = "data/serving"
FOLDERS = {"publications.tar": STORE_FOLDER, "models.tar": "data/mlflow", "secrets.tar": "secrets"}
NAMENODE = "namenode.tar"
NAMENODE_FOLDER = "data/namenode"
SNAPSHOTS = "/.snapshot"
SNAPSHOT_PREFIX = "marquee-backup-"
POSTGRES_FOLDER = "data/postgres"
# Tells the next start that the NameNode does not know what the DataNodes hold (infra/services/hadoop/settle_restored_hdfs.py).
HDFS_RESTORED = "data/hdfs-restored"
# What was prepared in the databases and in HDFS that are replaced.
STAMPS = ("data/airflow/prepared", "data/metastore-schema.done", "data/hdfs-folders.done")
_POSTGRESQL = Path("/usr/lib/postgresql")


class BackupError(Exception):
    """A backup can't be made or put back; the message says why and what to do."""


def _run(command: list[str], variables: dict[str, str]) -> str:
    ended = subprocess.run(
        command, env=os.environ | variables, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise BackupError(f"{Path(command[0]).name} failed (exit {ended.returncode}): {ended.stderr.strip()[-800:]}")
    return ended.stdout


def _postgres_program(name: str) -> str:
    found = {program.parts[-3]: program for program in _POSTGRESQL.glob(f"*/bin/{name}")}
    if not found:
        raise BackupError(f"PostgreSQL's {name} is not installed: run `make install`.")
    # The newest, which reads what older servers write: 15 is newer than 9.6.
    return str(found[max(found, key=lambda version: [int(part) for part in version.split(".")])])


# What lies in an instance's folder only where it runs here.
_BACKED_UP = ("postgres", "namenode", "mlflow")


def _check_hosts(settings: Settings) -> None:
    elsewhere = [service for service in _BACKED_UP if service in settings.hosts]
    if elsewhere:
        raise BackupError(
            f"MARQUEE_HOSTS has {', '.join(elsewhere)} on another host, and this backs up and restores the files of this machine: "
            "use the means of that host."
        )


def _server(settings: Settings, variables: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Returns the arguments that name the PostgreSQL server, and the variables that log in there."""
    host, port = variables["MARQUEE_POSTGRES_HOST"], str(settings.port("POSTGRES"))
    return ["-h", host, "-p", port, "-U", "postgres"], {"PGPASSWORD": variables["MARQUEE_POSTGRES_PASSWORD"]}


def sha256_of(path: Path) -> str:
    """Returns a file's SHA-256, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def namenode_files(current: Path) -> list[Path]:
    """Returns the newest image in a NameNode's `current` folder, its checksum, and every finished edit log after it.

    Raises BackupError where transactions between them are missing.
    """
    images = [path for path in current.glob("fsimage_*") if path.name.removeprefix("fsimage_").isdigit()]
    image = max(images, key=lambda path: path.name, default=None)
    if image is None:
        raise BackupError(f"{current} holds no fsimage: is this a NameNode's folder?")
    last = int(image.name.removeprefix("fsimage_"))
    files = [current / "VERSION", image, current / f"{image.name}.md5"]
    for log in sorted(current.glob("edits_*-*")):
        first, end = (int(number) for number in log.name.removeprefix("edits_").split("-"))
        if end <= last:
            continue
        if first > last + 1:
            raise BackupError(f"{current} lacks the transactions {last + 1} to {first - 1}: run the backup again.")
        files.append(log)
        last = end
    return files


def _last_transaction(files: list[Path]) -> int:
    return max(int(number) for file in files for number in re.findall(r"\d{19}", file.name))


def _archive_namenode(current: Path, archive: Path) -> None:
    files = namenode_files(current)
    with tarfile.open(archive, "w") as tar:
        for file in files:
            tar.add(file, arcname=f"current/{file.name}")
        # The NameNode refuses to start without the transactions up to this number; the log in progress is not taken.
        seen = archive.with_name("seen_txid")
        seen.write_text(f"{_last_transaction(files)}\n", encoding="ascii")
        tar.add(seen, arcname="current/seen_txid")
        seen.unlink()


def _take_snapshot(name: str, variables: dict[str, str]) -> None:
    """Has the DataNodes keep every block of this moment: a restored NameNode would wait in safe mode for one that is gone."""
    _run(["hdfs", "dfsadmin", "-allowSnapshot", "/"], variables)
    _run(["hdfs", "dfs", "-createSnapshot", "/", SNAPSHOT_PREFIX + name], variables)


def _drop_old_snapshots(backups: Path, variables: dict[str, str]) -> None:
    """Frees what only backups held whose folder is gone, or that never came to their end."""
    for path in _run(["hdfs", "dfs", "-ls", "-C", SNAPSHOTS], variables).split():
        snapshot = path.rpartition("/")[2]
        name = snapshot.removeprefix(SNAPSHOT_PREFIX)
        if name != snapshot and not (backups / name).is_dir():
            print(f"backup  HDFS snapshot {snapshot} goes: its backup is gone", flush=True)
            _run(["hdfs", "dfs", "-deleteSnapshot", "/", snapshot], variables)


def _archive(folder: Path, archive: Path) -> None:
    """Writes a folder to a tar file, without what a run takes away meanwhile: an unfinished file that gets its name, or its end."""
    with tarfile.open(archive, "w") as tar:
        for parent, folders, files in os.walk(folder):
            for path in (Path(parent, name) for name in sorted(folders + files)):
                with contextlib.suppress(FileNotFoundError):
                    tar.add(path, arcname=str(path.relative_to(folder)), recursive=False)


@contextlib.contextmanager
def _held(store: Path) -> Iterator[None]:
    """Holds the publication store's lock: none comes, goes or becomes live between the copies of the link, the ledger and the files."""
    store.mkdir(parents=True, exist_ok=True)
    with (store / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def _only_backup(backups: Path) -> Iterator[None]:
    """Lets one backup at a time be made: the snapshot of one that is not yet written would look like that of a deleted one."""
    try:
        backups.mkdir(parents=True, exist_ok=True)
        lock = (backups / ".lock").open("ab")
    except OSError as error:
        raise BackupError(f"No backup can be written to {backups}: {error}. Mend that, then again.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"Another backup is being written to {backups}: wait until it ends.") from None
        yield


def databases(settings: Settings, variables: dict[str, str]) -> list[str]:
    """Returns the names of the server's databases but PostgreSQL's own."""
    server, login = _server(settings, variables)
    query = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1"
    return _run([_postgres_program("psql"), *server, "-d", "postgres", "-X", "-tAc", query], login).split()


def backup(settings: Settings) -> Path:
    """Writes a backup of the running instance and returns its folder. Raises BackupError; then no folder is left.

    Readers and runs go on meanwhile: databases are dumped each at one moment, the NameNode only starts a new edit log, and a
    publication that is to go live waits for the copy of the others.
    """
    _check_hosts(settings)
    if not Supervisor(settings).running():
        raise BackupError(
            "The platform does not run, and its databases can be dumped only then: `make up`, then again."
        )
    # A new folder of backups, or one whose disk is not mounted, tells nothing of the backups that there are.
    backups_known = settings.backups.is_dir()
    with _only_backup(settings.backups):
        variables = environment(settings)
        folder = _write(settings, variables)
        if backups_known:
            try:
                _drop_old_snapshots(settings.backups, variables)
            except BackupError as error:
                raise BackupError(
                    f"The backup is whole, but old snapshots of HDFS could not be dropped: {error}"
                ) from error
    return folder


def _write(settings: Settings, variables: dict[str, str]) -> Path:
    started = datetime.now(UTC)
    final = settings.backups / started.strftime("%Y%m%dT%H%M%S")
    partial = final.with_name(f".{final.name}.partial")
    try:
        partial.mkdir(parents=True, mode=0o700)
        server, login = _server(settings, variables)
        # Before HDFS: a partition that the metastore knows must have its folder in the image, not the other way round.
        for name in databases(settings, variables):
            print(f"backup  database {name}", flush=True)
            dump = str(partial / f"{name}.dump")
            _run([_postgres_program("pg_dump"), *server, "-Fc", "-f", dump, name], login)
        print("backup  the NameNode's metadata", flush=True)
        _take_snapshot(final.name, variables)
        _run(["hdfs", "dfsadmin", "-rollEdits"], variables)
        _archive_namenode(settings.instance / NAMENODE_FOLDER / "current", partial / NAMENODE)
        for archive, folder in FOLDERS.items():
            print(f"backup  {folder}", flush=True)
            with _held(settings.instance / folder) if folder == STORE_FOLDER else contextlib.nullcontext():
                _archive(settings.instance / folder, partial / archive)
        manifest = {
            "made_at": started.isoformat(timespec="seconds"),
            "instance": settings["MARQUEE_INSTANCE"],
            "files": {path.name: sha256_of(path) for path in sorted(partial.iterdir())},
        }
        (partial / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        partial.rename(final)
    except BaseException as error:
        # Ctrl-C too: what is there holds secrets.
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError | tarfile.TarError):
            raise BackupError(
                f"The backup could not be written to {final}: {error}. Mend that (is the disk full?), then again."
            ) from error
        raise
    print(f"backup  written: {final}", flush=True)
    return final


def verify(folder: Path) -> dict[str, str]:
    """Returns the backup's files with their SHA-256. Raises BackupError for one that is missing or altered."""
    try:
        files: dict[str, str] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError) as error:
        raise BackupError(f"{folder} is no whole backup ({error}): give the folder that `make backup` named.") from None
    for name, digest in files.items():
        if not (folder / name).is_file():
            raise BackupError(f"{folder} lacks {name}: take another backup.")
        if sha256_of(folder / name) != digest:
            raise BackupError(f"{folder / name} was altered since it was written: take another backup.")
    return files


def restore(settings: Settings, folder: Path) -> None:
    """Puts a backup in place of the instance's data; what was there is moved aside, not deleted. Raises BackupError."""
    _check_hosts(settings)
    if Supervisor(settings).running():
        raise BackupError("The platform runs: `make down` first, so that nothing writes what is being replaced.")
    files = verify(folder)
    aside = settings.instance / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    print(f"restore  what is there now goes to {aside}", flush=True)
    try:
        _move_aside(settings, aside)
        _unpack(settings, folder)
        _restore_databases(settings, folder, sorted(name for name in files if name.endswith(".dump")))
    except (OSError, tarfile.TarError, BackupError) as error:
        raise BackupError(
            f"The restore stopped: {error}. What was there before lies in {aside}; mend the cause, then restore again."
        ) from error
    print(
        "restore  done: `make up` starts it. From then on HDFS drops what was written to it after this backup,",
        flush=True,
    )
    print(f"restore  and with it what later backups and {aside} need of HDFS", flush=True)


def _move_aside(settings: Settings, aside: Path) -> None:
    for part in (NAMENODE_FOLDER, POSTGRES_FOLDER, *FOLDERS.values()):
        present = settings.instance / part
        if present.exists():
            (aside / part).parent.mkdir(parents=True, exist_ok=True)
            present.rename(aside / part)
    for stamp in STAMPS:
        (settings.instance / stamp).unlink(missing_ok=True)


def _unpack(settings: Settings, folder: Path) -> None:
    for archive, part in {NAMENODE: NAMENODE_FOLDER, **FOLDERS}.items():
        print(f"restore  {part}", flush=True)
        (settings.instance / part).mkdir(parents=True, mode=0o700)
        with tarfile.open(folder / archive) as tar:
            tar.extractall(settings.instance / part, filter="tar")
    (settings.instance / HDFS_RESTORED).touch()


def _restore_databases(settings: Settings, folder: Path, dumps: list[str]) -> None:
    # Asked for after the secrets are unpacked: the databases' password is among them.
    variables = environment(settings)
    with _temporary_postgres(settings, variables):
        server, login = _server(settings, variables)
        for dump in dumps:
            name = dump.removesuffix(".dump")
            print(f"restore  database {name}", flush=True)
            restoring = [_postgres_program("pg_restore"), *server, "--exit-on-error", "-d", name, str(folder / dump)]
            _run(restoring, login)


@contextlib.contextmanager
def _temporary_postgres(settings: Settings, variables: dict[str, str]) -> Iterator[None]:
    """Runs a fresh PostgreSQL with empty databases, and stops it."""
    script = "infra/services/postgres/postgres.sh"
    for folder in ("logs", "tmp"):
        (settings.instance / folder).mkdir(parents=True, exist_ok=True)
    _run([script, "prepare"], variables)
    path = settings.instance / "logs" / "restore.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            [script, "run"], env=os.environ | variables, cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            try:
                _run([script, "databases"], variables)
            except BackupError as error:
                raise BackupError(f"{error} The server's log is {path}.") from error
            yield
        finally:
            process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
            process.wait(60)
