"""`make backup` and `make restore`."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tarfile
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

from infra.control.backup.archives import archive_folder, unpack, verify, write_manifest
from infra.control.backup.hdfs import archive_namenode, drop_old_snapshots, take_snapshot
from infra.control.backup.postgres import Postgres
from infra.control.backup.programs import PROGRAMS, BackupError, Programs
from infra.control.locks import take_lock
from infra.control.settings import Settings
from infra.control.supervisor import Supervisor
from infra.control.variables import process_environment

# Folders of the instance, each of which becomes a whole archive.
FOLDERS = {
    "publications.tar": "data/serving",
    "sentiment.tar": "data/sentiment",
    "models.tar": "data/mlflow",
    "secrets.tar": "secrets",
}
# Those of them that are publication stores.
STORE_FOLDERS = ("data/serving", "data/sentiment")
NAMENODE = "namenode.tar"
NAMENODE_FOLDER = "data/namenode"
POSTGRES_FOLDER = "data/postgres"
# This file tells the next start that NameNode and DataNodes differ (infra/services/hadoop/settle_restored_hdfs.py).
HDFS_RESTORED = "data/hdfs-restored"
# These files say that databases and HDFS, which a restore replaces, are prepared.
STAMPS = ("data/airflow/prepared", "data/metastore-schema.done", "data/hdfs-folders.done")
# The services whose files lie in the instance's folder, if they run on this machine.
_BACKED_UP = ("postgres", "namenode", "mlflow")


def _check_hosts(settings: Settings) -> None:
    elsewhere = [service for service in _BACKED_UP if service in settings.hosts]
    if elsewhere:
        raise BackupError(
            f"MARQUEE_HOSTS has {', '.join(elsewhere)} on another host, and this command backs up and restores the files of "
            "this machine. Use the tools of that host."
        )


@contextlib.contextmanager
def _held(store: Path) -> Iterator[None]:
    """Hold a publication store's lock.

    While the link, the ledger and the files are copied, no publication is added, deleted or made live.
    """
    store.mkdir(parents=True, exist_ok=True)
    with (store / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def _only_backup(backups: Path) -> Iterator[None]:
    """Let one backup be written at a time.

    A second one would take the first one's snapshot, whose backup is not finished, for that of a deleted backup.
    """
    try:
        backups.mkdir(parents=True, exist_ok=True)
        lock = (backups / ".lock").open("ab")
    except OSError as error:
        raise BackupError(
            f"No backup can be written to {backups}: {error}. Fix that, then run the backup again."
        ) from error
    with lock:
        if not take_lock(lock):
            raise BackupError(f"Another backup is being written to {backups}. Wait until it ends.")
        yield


def backup(settings: Settings, programs: Programs = PROGRAMS) -> Path:
    """Write a backup of the running instance and return its folder.

    Readers and runs go on meanwhile. Each database is dumped as it is at one moment, the NameNode only starts a new edit
    log, and a publication that is to go live waits until the others are copied. Raises BackupError, and then leaves no folder.
    """
    _check_hosts(settings)
    if not Supervisor(settings).running():
        raise BackupError(
            "The platform does not run, and only running databases can be dumped. "
            "Start it with `make up`, then run the backup again."
        )
    # A folder of backups that is new, or whose disk is not mounted, does not show which backups exist.
    backups_known = settings.backups.is_dir()
    with _only_backup(settings.backups):
        variables = process_environment(settings)
        folder = _write(settings, variables, programs)
        if backups_known and _has_hdfs(settings):
            try:
                drop_old_snapshots(settings.backups, variables, programs)
            except BackupError as error:
                raise BackupError(
                    f"The backup is whole, but old snapshots of HDFS could not be deleted: {error}"
                ) from error
    return folder


def _write(settings: Settings, variables: dict[str, str], programs: Programs) -> Path:
    started = datetime.now(UTC)
    final = settings.backups / started.strftime("%Y%m%dT%H%M%S")
    partial = final.with_name(f".{final.name}.partial")
    try:
        partial.mkdir(parents=True, mode=0o700)
        _write_databases(Postgres(settings, variables, programs), partial)
        if _has_hdfs(settings):
            print("backup  the NameNode's metadata", flush=True)
            take_snapshot(final.name, variables, programs)
            current = settings.instance / NAMENODE_FOLDER / "current"
            archive_namenode(current, partial / NAMENODE, variables, programs)
        for archive, folder in FOLDERS.items():
            print(f"backup  {folder}", flush=True)
            with _held(settings.instance / folder) if folder in STORE_FOLDERS else contextlib.nullcontext():
                archive_folder(settings.instance / folder, partial / archive)
        made_at = started.isoformat(timespec="seconds")
        write_manifest(partial, {"made_at": made_at, "instance": settings["MARQUEE_INSTANCE"]})
        partial.rename(final)
    except BaseException as error:
        # After Ctrl-C too, since the folder holds secrets.
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError | tarfile.TarError):
            raise BackupError(
                f"The backup could not be written to {final}: {error}. Free some space if the disk is full, "
                "then run the backup again."
            ) from error
        raise
    print(f"backup  written: {final}", flush=True)
    return final


def _has_hdfs(settings: Settings) -> bool:
    # An environment without the batch side has databases and publications alone.
    return settings["MARQUEE_PART"] != "data"


def _write_databases(postgres: Postgres, folder: Path) -> None:
    # These come before HDFS: the image must have the folder of each partition that the metastore knows. The image may have
    # folders that the metastore does not know.
    for name in postgres.databases():
        print(f"backup  database {name}", flush=True)
        postgres.dump(name, folder / f"{name}.dump")


def restore(settings: Settings, folder: Path, programs: Programs = PROGRAMS) -> None:
    """Replace the instance's data by a backup. Raises BackupError.

    The data that was there is moved to a folder of its own, and not deleted.
    """
    _check_hosts(settings)
    if Supervisor(settings).running():
        raise BackupError(
            "The platform runs, and would write to the data that is being replaced. Stop it with `make down`."
        )
    files = verify(folder)
    aside = settings.instance / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    print(f"restore  the present data goes to {aside}", flush=True)
    try:
        _move_aside(settings, aside)
        _unpack(settings, folder, files)
        _restore_databases(settings, folder, sorted(name for name in files if name.endswith(".dump")), programs)
    except (OSError, tarfile.TarError, BackupError) as error:
        raise BackupError(
            f"The restore stopped: {error}. The data that was there before is in {aside}. Fix the cause, then restore again."
        ) from error
    print(
        "restore  done: `make up` starts it. From then on HDFS drops what was written to it after this backup,",
        flush=True,
    )
    print(f"restore  and with it the HDFS data that later backups and {aside} need", flush=True)


def _move_aside(settings: Settings, aside: Path) -> None:
    for part in (NAMENODE_FOLDER, POSTGRES_FOLDER, *FOLDERS.values()):
        present = settings.instance / part
        if present.exists():
            (aside / part).parent.mkdir(parents=True, exist_ok=True)
            present.rename(aside / part)
    for stamp in STAMPS:
        (settings.instance / stamp).unlink(missing_ok=True)


def _unpack(settings: Settings, folder: Path, files: Collection[str]) -> None:
    for archive, part in {NAMENODE: NAMENODE_FOLDER, **FOLDERS}.items():
        if archive not in files:
            print(f"restore  {part}: this backup was made before the platform had it", flush=True)
            continue
        print(f"restore  {part}", flush=True)
        unpack(folder / archive, settings.instance / part)
    (settings.instance / HDFS_RESTORED).touch()


def _restore_databases(settings: Settings, folder: Path, dumps: list[str], programs: Programs) -> None:
    # The secrets are unpacked by now, and the databases' password is one of them.
    postgres = Postgres(settings, process_environment(settings), programs)
    with postgres.temporary_server():
        for dump in dumps:
            name = dump.removesuffix(".dump")
            print(f"restore  database {name}", flush=True)
            postgres.restore(name, folder / dump)
