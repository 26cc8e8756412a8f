"""A restore after the loss of the disk brings back what the backup holds."""

import re
import shutil
from pathlib import Path

import pytest

from tests.faults.faults import wait_until
from tests.stack import BATCH, Stack, published_bytes

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1200)]
MIB = 1 << 20
LOST = ("data/namenode", "data/postgres", "data/serving", "data/mlflow", "secrets")


def registered_version(stack: Stack) -> str:
    url = f"{stack.variables['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/registered-models/alias?name=marquee-als&alias=champion"
    return str(stack.get(url)["model_version"]["version"])


def blocks_to_delete(stack: Stack) -> int:
    """Return the number of blocks that the DataNodes still have to delete."""
    page = stack.get(f"{stack.variables['MARQUEE_WEBHDFS_URL']}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystem")
    return int(page["beans"][0]["PendingDeletionBlocks"])


def test_a_backup_brings_everything_back_after_the_disk_was_lost(stack: Stack, first_run: str, tmp_path: Path) -> None:
    served, published = stack.api("/v1/users/1/recommendations"), published_bytes(stack, BATCH)
    count = "SELECT COUNT(*) FROM marquee.ratings"
    ratings, champion = stack.hive(count), registered_version(stack)
    printed = stack.control("backup")
    folder = Path(re.search(r"written: (.+)", printed)[1])  # type: ignore[index]
    refused = stack.control("restore", str(folder), check=False)
    assert "The platform runs, and would write to the data that is being replaced" in refused
    # A nightly run also deletes old output and writes tables again.
    stack.run("hdfs", "dfs", "-rm", "-r", "-skipTrash", f"/marquee/exports/{BATCH}")
    later = tmp_path / "later"
    later.write_bytes(bytes(300 * MIB))
    stack.run("hdfs", "dfs", "-put", str(later), "/marquee/later")
    wait_until("the deleted blocks are gone", lambda: blocks_to_delete(stack) == 0)
    stack.control("down")
    for part in LOST:
        shutil.rmtree(stack.settings.instance / part)

    stack.control("restore", str(folder))
    stack.control("up")

    assert stack.api("/v1/users/1/recommendations") == served
    assert published_bytes(stack, BATCH) == published
    assert stack.hive(count) == ratings
    assert registered_version(stack) == champion
    # New blocks get the numbers of the blocks that were written after the backup.
    stack.run("hdfs", "dfs", "-put", str(later), "/marquee/again")
    assert "Status: HEALTHY" in stack.run("hdfs", "fsck", "/marquee")
    stack.run("hdfs", "dfs", "-rm", "-skipTrash", "/marquee/again")

    shutil.rmtree(folder)
    printed = stack.control("backup")
    assert f"HDFS snapshot marquee-backup-{folder.name} is deleted: its backup is gone" in printed
    newest = Path(re.search(r"written: (.+)", printed)[1])  # type: ignore[index]
    assert stack.run("hdfs", "dfs", "-ls", "-C", "/.snapshot").split() == [f"/.snapshot/marquee-backup-{newest.name}"]
