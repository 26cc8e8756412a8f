"""The processes of the platform: one row each, with its command and the rows that it waits for."""

from __future__ import annotations

from dataclasses import replace

from infra.control.rows import Preparation, Row, Service
from infra.control.settings import REPOSITORY, Settings, SettingsError
from infra.control.systems.availability import failover_row, is_highly_available, journal_rows
from infra.control.systems.optional import monitoring_rows, spark_rows
from infra.control.systems.serving import serving_rows

# A JVM that is out of memory stays alive without working. Supervisor starts a JVM again that has ended.
_END_WITHOUT_MEMORY = "-XX:+ExitOnOutOfMemoryError"


def _postgres(settings: Settings) -> list[Row]:
    script = "infra/services/postgres/postgres.sh"
    return [
        Preparation("postgres-files", f"{script} prepare", service="postgres"),
        Service(
            "postgres",
            "PostgreSQL",
            f"{script} run",
            settings.port("POSTGRES"),
            ("postgres-files",),
            stop_signal="INT",
        ),
        Preparation("postgres-databases", f"{script} databases", ("postgres",), "postgres"),
    ]


def _hadoop_environment(settings: Settings, server: str) -> dict[str, str]:
    return {"HADOOP_HEAP": settings[f"MARQUEE_{server}_HEAP"], "HADOOP_JVM_OPTIONS": _END_WITHOUT_MEMORY}


def _hdfs(settings: Settings) -> list[Row]:
    script, page = "infra/services/hadoop/prepare_hdfs.sh", settings.port("NAMENODE_HTTP")
    numbers = range(1, settings.number("DATANODES") + 1)
    available = is_highly_available(settings)
    environments = {name: _hadoop_environment(settings, name) for name in ("ZOOKEEPER", "JOURNALNODE", "FAILOVER")}
    journal = ("zookeeper", "journalnode") if available else ()
    # The address that leads to the active one of two has the port of their pages.
    rpc = settings.port("NAMENODE_RPC")
    port, other_port = (page, rpc) if available else (rpc, page)
    return [
        *(journal_rows(settings, environments) if available else []),
        Preparation("namenode-format", f"{script} format", journal, service="namenode"),
        Service(
            "namenode",
            "HDFS NameNode",
            "hdfs namenode",
            port,
            ("namenode-format", *journal),
            environment=_hadoop_environment(settings, "NAMENODE"),
            page=f":{page}/",
            other_ports=(other_port,),
        ),
        *([failover_row(settings, environments)] if available else []),
        *(_datanode(settings, number) for number in numbers),
        Preparation("hdfs-folders", f"{script} folders", tuple(f"datanode{number}" for number in numbers)),
    ]


def _datanode(settings: Settings, number: int) -> Service:
    return Service(
        f"datanode{number}",
        f"HDFS DataNode {number}",
        f"infra/services/hadoop/datanode.sh {number}",
        settings.port("DATANODE_HTTP") + number - 1,
        ("namenode",),
        environment=_hadoop_environment(settings, "DATANODE"),
        other_ports=tuple(settings.port(f"DATANODE_{name}") + number - 1 for name in ("DATA", "IPC")),
    )


def _yarn(settings: Settings) -> list[Row]:
    manager_page, node_page = settings.port("RESOURCEMANAGER_HTTP"), settings.port("NODEMANAGER_HTTP")
    # The second of two ResourceManagers opens its page alone until it is the active one.
    available = is_highly_available(settings)
    rpc = settings.port("RESOURCEMANAGER")
    manager_port, other_port = (manager_page, rpc) if available else (rpc, manager_page)
    manager_ports = (f"RESOURCEMANAGER_{name}" for name in ("SCHEDULER", "TRACKER", "ADMIN"))
    node_ports = ("NODEMANAGER", "NODEMANAGER_LOCALIZER", "NODEMANAGER_COLLECTOR", "SHUFFLE")
    return [
        Service(
            "resourcemanager",
            "YARN ResourceManager",
            "yarn resourcemanager",
            manager_port,
            ("zookeeper", "namenode") if available else ("namenode",),
            environment=_hadoop_environment(settings, "RESOURCEMANAGER"),
            page=f":{manager_page}/cluster",
            other_ports=(other_port, *map(settings.port, manager_ports)),
        ),
        Service(
            "nodemanager",
            "YARN NodeManager",
            "yarn nodemanager",
            node_page,
            ("resourcemanager",),
            environment=_hadoop_environment(settings, "NODEMANAGER"),
            page=f":{node_page}/node",
            stop_seconds=15,
            other_ports=tuple(map(settings.port, node_ports)),
        ),
    ]


def _mapreduce(settings: Settings) -> list[Row]:
    page = settings.port("JOBHISTORY_HTTP")
    return [
        Service(
            "jobhistory",
            "MapReduce JobHistory",
            "mapred historyserver",
            settings.port("JOBHISTORY"),
            ("hdfs-folders",),
            environment=_hadoop_environment(settings, "JOBHISTORY"),
            page=f":{page}/jobhistory",
            other_ports=(page, settings.port("JOBHISTORY_ADMIN")),
        )
    ]


def _hive_environment(settings: Settings, server: str) -> dict[str, str]:
    """Return the heap and the JVM's options of one of Hive's servers.

    With monitoring, the server counts what it does, and Prometheus's agent publishes its counters.
    """
    options = [_END_WITHOUT_MEMORY]
    if settings.monitoring:
        listen = f"{settings['MARQUEE_BIND_HOST']}:{settings.port(f'{server}_METRICS')}"
        options += [
            f"-javaagent:{settings.jmx_agent}={listen}:{REPOSITORY}/infra/monitoring/hive_agent/agent.yml",
            "-Dhive.server2.metrics.enabled=true -Dmetastore.metrics.enabled=true",
        ]
    return {"HIVE_HEAP": settings[f"MARQUEE_{server}_HEAP"], "HIVE_JVM_OPTIONS": " ".join(options)}


def _hive_metrics_port(settings: Settings, server: str) -> tuple[int, ...]:
    return (settings.port(f"{server}_METRICS"),) if settings.monitoring else ()


def _hive(settings: Settings) -> list[Row]:
    metastore, page = settings.port("METASTORE"), settings.port("HIVESERVER2_HTTP")
    script = "infra/services/hive/prepare_metastore.sh"
    return [
        Preparation("metastore-schema", script, ("postgres-databases",), "metastore"),
        Service(
            "metastore",
            "Hive metastore",
            f"hive metastore -p {metastore}",
            metastore,
            ("metastore-schema", "namenode"),
            environment=_hive_environment(settings, "METASTORE"),
            other_ports=_hive_metrics_port(settings, "METASTORE"),
        ),
        Service(
            "hiveserver2",
            "HiveServer2",
            "hive hiveserver2",
            settings.port("HIVESERVER2"),
            ("metastore", "hdfs-folders", "resourcemanager"),
            environment=_hive_environment(settings, "HIVESERVER2"),
            page=f":{page}/",
            other_ports=(page, *_hive_metrics_port(settings, "HIVESERVER2")),
        ),
    ]


def _mlflow(settings: Settings) -> list[Row]:
    port = settings.port("MLFLOW")
    command = "infra/services/mlflow/mlflow.sh"
    return [Service("mlflow", "MLflow", command, port, ("postgres-databases",), ready="/health", page=f":{port}/")]


def _airflow(settings: Settings) -> list[Row]:
    port, script = settings.port("AIRFLOW"), "infra/services/airflow/airflow.sh"
    return [
        Preparation("airflow-database", f"{script} prepare", ("postgres-databases",), "airflow-api-server"),
        Service(
            "airflow-api-server",
            "Airflow API server",
            "airflow api-server",
            port,
            ("airflow-database",),
            ready="/api/v2/version",
            page=f":{port}/",
        ),
        # Log servers of these would bind to every address. On one machine the API server reads the log files itself.
        _airflow_worker("scheduler", "scheduler", "airflow scheduler --skip-serve-logs"),
        _airflow_worker("dag-processor", "DAG processor", "airflow dag-processor"),
        _airflow_worker("triggerer", "triggerer", "airflow triggerer --skip-serve-logs"),
    ]


def _airflow_worker(name: str, title: str, command: str) -> Service:
    after, component = ("airflow-api-server",), name.replace("-", "_")
    return Service(f"airflow-{name}", f"Airflow {title}", command, 0, after, airflow_component=component)


_SYSTEMS = (
    _postgres,
    _hdfs,
    _yarn,
    _mapreduce,
    _hive,
    _mlflow,
    _airflow,
    serving_rows,
)


def every_row(settings: Settings) -> list[Row]:
    """Return the rows of all hosts, each after the rows that it waits for."""
    rows = [row for system in _SYSTEMS for row in system(settings)]
    spark = spark_rows(settings) if "spark-master" in settings.hosts else []
    # The compose file always names the master's host, and starts the master in two profiles. Where the jobs go to the
    # master it must serve, and only there the exporter probes it.
    probed = [*rows, *spark] if settings["MARQUEE_SPARK_MASTER"].startswith("spark://") else rows
    return [*rows, *spark, *(monitoring_rows(settings, probed) if settings.monitoring else [])]


# What the parts run, but for the batch side, which is the rest. The slots of a deployment have a gateway of their own.
_APIS = ("recommendations", "accounts", "reviews")
_PARTS = {"data": ("postgres", "gateway"), "serving": (*_APIS, "gateway")}


def _served(row: Row) -> str:
    return row.name if isinstance(row, Service) else row.service


def _in_part(part: str, row: Row) -> bool:
    if part == "batch":
        return all(_served(row) not in names for names in _PARTS.values())
    return not part or _served(row) in _PARTS[part]


def table(settings: Settings) -> list[Row]:
    """Return the rows of this machine, each after the rows here that it waits for.

    Raises SettingsError if MARQUEE_HOSTS names a service that does not exist.
    """
    rows, hosts = every_row(settings), settings.hosts
    if unknown := set(hosts) - {row.name for row in rows if isinstance(row, Service)}:
        raise SettingsError(
            f"MARQUEE_HOSTS names {', '.join(sorted(unknown))}, which is not a service. `make status` lists the services."
        )
    here = [row for row in rows if _served(row) not in hosts and _in_part(settings["MARQUEE_PART"], row)]
    names = {row.name for row in here}
    return [replace(row, after=tuple(name for name in row.after if name in names)) for row in here]


def services(settings: Settings) -> list[Service]:
    """Return the supervised processes of this machine."""
    return [row for row in table(settings) if isinstance(row, Service)]


def ports(settings: Settings) -> dict[int, Service]:
    """Return each port that an instance listens on, with its service."""
    return {
        number: service for service in services(settings) for number in (service.port, *service.other_ports) if number
    }
