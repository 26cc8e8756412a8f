"""HDFS and YARN without a single machine that everything hangs on.

MARQUEE_MASTERS names two machines that each run a NameNode, its failover controller and a ResourceManager, and
MARQUEE_QUORUM three that each run a JournalNode and a member of ZooKeeper. Both or none are set.
"""

from __future__ import annotations

from infra.control.rows import Service
from infra.control.settings import Settings, SettingsError

# The name by which clients know the two NameNodes. Keys of hdfs-site.xml end in it.
NAMESERVICE = "marquee-ha"


def is_highly_available(settings: Settings) -> bool:
    """Return whether two NameNodes and two ResourceManagers run.

    Raises SettingsError if only one of the two settings is there.
    """
    if bool(settings["MARQUEE_MASTERS"]) != bool(settings["MARQUEE_QUORUM"]):
        raise SettingsError("MARQUEE_MASTERS and MARQUEE_QUORUM belong together. Set both, or neither.")
    return bool(settings["MARQUEE_MASTERS"])


def hdfs_uri(settings: Settings) -> str:
    """Return the address of HDFS for Hadoop's own clients."""
    if is_highly_available(settings):
        return f"hdfs://{NAMESERVICE}"
    return f"hdfs://{settings.hosts.get('namenode', settings.local_host)}:{settings.port('NAMENODE_RPC')}"


def availability_values(settings: Settings) -> dict[str, str]:
    """Return the templates' values for two NameNodes and ResourceManagers."""
    available = is_highly_available(settings)
    masters = settings["MARQUEE_MASTERS"].split() or ["", ""]
    quorum = settings["MARQUEE_QUORUM"].split()
    peer, election = settings.port("ZOOKEEPER_PEER"), settings.port("ZOOKEEPER_ELECTION")
    return {
        "HA": str(available).lower(),
        "NAMESERVICE": NAMESERVICE if available else "",
        "MASTER1": masters[0],
        "MASTER2": masters[1],
        "JOURNALS": ";".join(f"{host}:{settings.port('JOURNALNODE')}" for host in quorum),
        "ZOOKEEPERS": ",".join(f"{host}:{settings.port('ZOOKEEPER')}" for host in quorum),
        "ZOOKEEPER_MEMBERS": "\n".join(
            f"server.{number}={host}:{peer}:{election}" for number, host in enumerate(quorum, start=1)
        ),
    }


def journal_rows(settings: Settings, environments: dict[str, dict[str, str]]) -> list[Service]:
    """Return ZooKeeper and the JournalNode, which the NameNodes need.

    `environments` holds the environment of each by the name of its heap.
    """
    page = settings.port("JOURNALNODE_HTTP")
    return [
        Service(
            "zookeeper",
            "ZooKeeper",
            "infra/services/hadoop/zookeeper.sh",
            settings.port("ZOOKEEPER"),
            environment=environments["ZOOKEEPER"],
        ),
        Service(
            "journalnode",
            "HDFS JournalNode",
            "hdfs journalnode",
            settings.port("JOURNALNODE"),
            environment=environments["JOURNALNODE"],
            page=f":{page}/",
            other_ports=(page,),
        ),
    ]


def failover_row(settings: Settings, environments: dict[str, dict[str, str]]) -> Service:
    """Return the controller that makes this machine's NameNode the active one, or not."""
    return Service(
        "failover",
        "HDFS failover controller",
        "hdfs zkfc",
        settings.port("FAILOVER"),
        ("namenode", "zookeeper"),
        environment=environments["FAILOVER"],
    )
