"""infra.services.hadoop.settle_restored_hdfs NAMENODE_URL DATANODES SECONDS: after a restore, has HDFS drop what was written after the backup.

The DataNodes still have those blocks, and the restored NameNode, which does not know them, refuses to leave safe mode without
force. Until they are gone it must not be written to: it gives new blocks the same numbers, and a DataNode that has a block of
that number refuses the new one. A DataNode is told to delete them only after it has reported its blocks a second time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from infra.services.hadoop.wait_for_hdfs import NotYetError, bean, wait_for

FUTURE_BLOCKS = "generation stamps in future"
THRESHOLD = "has reached the threshold"
OTHERWISE = "HDFS is not as it was when the backup was made"


def live_datanodes(namenode: str, wanted: int) -> dict[str, int]:
    """Returns the pages of the live DataNodes, each with how many blocks the NameNode knows there."""
    nodes = json.loads(bean(namenode, "NameNode,name=NameNodeInfo")["LiveNodes"]).values()
    if len(nodes) < wanted:
        raise NotYetError(f"{len(nodes)} of {wanted} DataNodes live.")
    return {f"http://{node['infoAddr']}": node["numBlocks"] for node in nodes}


def notice_of_whole_namespace(namenode: str, wanted: int) -> str:
    """Returns the safe-mode notice ('' when out of it) once every block that the NameNode knows was reported."""
    live_datanodes(namenode, wanted)
    notice: str = bean(namenode, "NameNode,name=NameNodeInfo")["Safemode"]
    if notice and not (THRESHOLD in notice and FUTURE_BLOCKS in notice):
        raise NotYetError(notice)
    return notice


def check_that_nothing_else_is_held(namenode: str, wanted: int) -> None:
    """Raises NotYetError while a DataNode has blocks that the NameNode does not know."""
    for page, known in live_datanodes(namenode, wanted).items():
        volumes = json.loads(bean(page, "DataNode,name=DataNodeInfo")["VolumeInfo"]).values()
        held = sum(volume["numBlocks"] for volume in volumes)
        if held > known:
            raise NotYetError(f"the DataNode at {page} has {held} blocks, of which {known} are known.")


def main() -> None:
    """Leaves safe mode by force, asks for reports, and waits until the DataNodes hold no other blocks."""
    namenode, wanted, deadline = sys.argv[1], int(sys.argv[2]), time.monotonic() + float(sys.argv[3])
    if notice := wait_for(lambda: notice_of_whole_namespace(namenode, wanted), deadline, OTHERWISE):
        print(notice)
        subprocess.run(["hdfs", "dfsadmin", "-safemode", "forceExit"], check=True)
    for page in live_datanodes(namenode, wanted):
        port = bean(page, "DataNode,name=DataNodeInfo")["RpcPort"]
        host = page.removeprefix("http://").rpartition(":")[0]
        subprocess.run(["hdfs", "dfsadmin", "-triggerBlockReport", f"{host}:{port}"], check=True)
    wait_for(lambda: check_that_nothing_else_is_held(namenode, wanted), deadline, OTHERWISE)


if __name__ == "__main__":
    main()
