"""HDFS in a backup: the NameNode's metadata as an archive, and a snapshot that keeps the blocks."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from infra.control.backup.programs import BackupError, Programs

_SNAPSHOTS = "/.snapshot"
_PREFIX = "marquee-backup-"


def namenode_files(current: Path) -> list[Path]:
    """Return the files to keep of a NameNode's `current` folder.

    They are the newest image with its checksum, and each finished edit log after it. Raises BackupError where
    transactions between them are missing.
    """
    images = [path for path in current.glob("fsimage_*") if path.name.removeprefix("fsimage_").isdigit()]
    image = max(images, key=lambda path: path.name, default=None)
    if image is None:
        raise BackupError(f"{current} holds no fsimage, as a NameNode's folder does. Look at the NameNode's log.")
    last = int(image.name.removeprefix("fsimage_"))
    files = [current / "VERSION", image, current / f"{image.name}.md5"]
    for log in sorted(current.glob("edits_*-*")):
        first, end = (int(number) for number in log.name.removeprefix("edits_").split("-"))
        if end <= last:
            continue
        if first > last + 1:
            raise BackupError(f"{current} lacks the transactions {last + 1} to {first - 1}. Run the backup again.")
        files.append(log)
        last = end
    return files


def _last_transaction(files: list[Path]) -> int:
    return max(int(number) for file in files for number in re.findall(r"\d{19}", file.name))


def archive_namenode(current: Path, archive: Path, variables: dict[str, str], programs: Programs) -> None:
    """Write the NameNode's image and finished edit logs to a tar file.

    The NameNode starts a new edit log first.
    """
    programs.run(["hdfs", "dfsadmin", "-rollEdits"], variables)
    files = namenode_files(current)
    with tarfile.open(archive, "w") as tar:
        for file in files:
            tar.add(file, arcname=f"current/{file.name}")
        # The NameNode refuses to start without the transactions up to this number. The log in progress is left out.
        seen = archive.with_name("seen_txid")
        seen.write_text(f"{_last_transaction(files)}\n", encoding="ascii")
        tar.add(seen, arcname="current/seen_txid")
        seen.unlink()


def take_snapshot(name: str, variables: dict[str, str], programs: Programs) -> None:
    """Have the DataNodes keep each block of this moment.

    A restored NameNode would wait in safe mode for a block that is gone.
    """
    programs.run(["hdfs", "dfsadmin", "-allowSnapshot", "/"], variables)
    programs.run(["hdfs", "dfs", "-createSnapshot", "/", _PREFIX + name], variables)


def drop_old_snapshots(backups: Path, variables: dict[str, str], programs: Programs) -> None:
    """Delete the snapshots of backups whose folder is gone, or that did not finish."""
    for path in programs.run(["hdfs", "dfs", "-ls", "-C", _SNAPSHOTS], variables).split():
        snapshot = path.rpartition("/")[2]
        name = snapshot.removeprefix(_PREFIX)
        if name != snapshot and not (backups / name).is_dir():
            print(f"backup  HDFS snapshot {snapshot} is deleted: its backup is gone", flush=True)
            programs.run(["hdfs", "dfs", "-deleteSnapshot", "/", snapshot], variables)
