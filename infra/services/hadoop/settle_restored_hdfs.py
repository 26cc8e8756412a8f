"""Make a restored HDFS delete everything that was written after the backup.

    python3 -m infra.services.hadoop.settle_restored_hdfs NAMENODE_URL DATANODES SECONDS

The first start after a restore runs this. The DataNodes still hold the later blocks. The restored NameNode does not know
those blocks and refuses to leave safe mode without force. Nothing may be written until they are deleted: the NameNode
would give new blocks the same numbers, and a DataNode that holds a block of that number rejects the new one. The NameNode
orders a DataNode to delete them only after the DataNode has reported its blocks a second time.
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
    """Return the pages of the live DataNodes, and their known blocks.

    Raises NotYetError if fewer DataNodes than wanted are live.
    """
    nodes = json.loads(bean(namenode, "NameNode,name=NameNodeInfo")["LiveNodes"]).values()
    if len(nodes) < wanted:
        raise NotYetError(f"{len(nodes)} of {wanted} DataNodes are live.")
    return {f"http://{node['infoAddr']}": node["numBlocks"] for node in nodes}


def notice_of_whole_namespace(namenode: str, wanted: int) -> str:
    """Return the safe-mode notice; it is empty outside safe mode.

    Raises NotYetError until the DataNodes have reported every block that the NameNode knows.
    """
    live_datanodes(namenode, wanted)
    notice: str = bean(namenode, "NameNode,name=NameNodeInfo")["Safemode"]
    if notice and not (THRESHOLD in notice and FUTURE_BLOCKS in notice):
        raise NotYetError(notice)
    return notice


def check_no_unknown_blocks(namenode: str, wanted: int) -> None:
    """Raise NotYetError while a DataNode holds blocks unknown to the NameNode."""
    for page, known in live_datanodes(namenode, wanted).items():
        volumes = json.loads(bean(page, "DataNode,name=DataNodeInfo")["VolumeInfo"]).values()
        held = sum(volume["numBlocks"] for volume in volumes)
        if held > known:
            raise NotYetError(f"The DataNode at {page} holds {held} blocks, and the NameNode knows {known} of them.")


def main() -> None:
    """Leave safe mode by force, request block reports, and wait for the deletions."""
    namenode, wanted, deadline = sys.argv[1], int(sys.argv[2]), time.monotonic() + float(sys.argv[3])
    if notice := wait_for(lambda: notice_of_whole_namespace(namenode, wanted), deadline, OTHERWISE):
        print(notice)
        subprocess.run(["hdfs", "dfsadmin", "-safemode", "forceExit"], check=True)
    for page in live_datanodes(namenode, wanted):
        port = bean(page, "DataNode,name=DataNodeInfo")["RpcPort"]
        host = page.removeprefix("http://").rpartition(":")[0]
        subprocess.run(["hdfs", "dfsadmin", "-triggerBlockReport", f"{host}:{port}"], check=True)
    wait_for(lambda: check_no_unknown_blocks(namenode, wanted), deadline, OTHERWISE)


if __name__ == "__main__":
    main()
