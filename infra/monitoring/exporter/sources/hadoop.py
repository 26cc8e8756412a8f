"""Samples of HDFS and YARN, from the /jmx pages of their web servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.monitoring.exporter.sources.http import get_json
from infra.monitoring.exporter.sources.samples import Sample

_MIB = 1 << 20


def _bean(url: str, name: str) -> dict[str, Any]:
    beans = get_json(f"{url}/jmx", qry=name)["beans"]
    if not beans:
        raise LookupError(f"{url}/jmx does not have {name} yet.")
    found: dict[str, Any] = beans[0]
    return found


def read_hdfs(url: str, configured_datanodes: int) -> Iterator[Sample]:
    """Yield blocks, DataNodes and space from the NameNode at `url`."""
    names = _bean(url, "Hadoop:service=NameNode,name=FSNamesystem")
    blocks = {
        "all": "BlocksTotal",
        "missing": "MissingBlocks",
        "under_replicated": "UnderReplicatedBlocks",
        "corrupt": "CorruptBlocks",
        "pending_deletion": "PendingDeletionBlocks",
    }
    for state, key in blocks.items():
        yield Sample("marquee_hdfs_blocks", names[key], {"state": state})
    for state, key in {"live": "NumLiveDataNodes", "stale": "StaleDataNodes", "dead": "NumDeadDataNodes"}.items():
        yield Sample("marquee_hdfs_datanodes", names[key], {"state": state})
    yield Sample("marquee_hdfs_datanodes", configured_datanodes, {"state": "configured"})
    for kind in ("Total", "Used", "Remaining"):
        yield Sample("marquee_hdfs_bytes", names[f"Capacity{kind}"], {"kind": kind.lower()})
    yield Sample("marquee_hdfs_files", names["FilesTotal"])


def read_yarn(url: str, configured_nodemanagers: int) -> Iterator[Sample]:
    """Yield memory, cores, applications and nodes from the ResourceManager at `url`."""
    cluster = _bean(url, "Hadoop:service=ResourceManager,name=ClusterMetrics")
    queue = _bean(url, "Hadoop:service=ResourceManager,name=QueueMetrics,q0=root")
    yield Sample("marquee_yarn_memory_bytes", cluster["CapabilityMB"] * _MIB, {"state": "total"})
    yield Sample("marquee_yarn_vcores", cluster["CapabilityVirtualCores"], {"state": "total"})
    for state in ("Allocated", "Pending"):
        yield Sample("marquee_yarn_memory_bytes", queue[f"{state}MB"] * _MIB, {"state": state.lower()})
        yield Sample("marquee_yarn_vcores", queue[f"{state}VCores"], {"state": state.lower()})
    for state in ("Running", "Pending", "Completed", "Failed", "Killed"):
        yield Sample("marquee_yarn_applications", queue[f"Apps{state}"], {"state": state.lower()})
    for state, key in {"active": "NumActiveNMs", "lost": "NumLostNMs", "unhealthy": "NumUnhealthyNMs"}.items():
        yield Sample("marquee_yarn_nodemanagers", cluster[key], {"state": state})
    yield Sample("marquee_yarn_nodemanagers", configured_nodemanagers, {"state": "configured"})
