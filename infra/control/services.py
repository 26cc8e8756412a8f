"""The processes of the platform: one row each with its command, what it waits for and how one knows that it serves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from infra.control.settings import REPOSITORY, Settings, SettingsError


@dataclass(frozen=True)
class Preparation:
    """A one-time step that ends; run again at each `make up`, it finds its work done.

    `service` is the one that it is for, empty: none alone. What runs on another host is prepared there.
    """

    name: str
    command: str
    after: tuple[str, ...] = ()
    service: str = ""


@dataclass(frozen=True)
class Service:
    """A supervised process and how one knows that it serves.

    `port` is where it listens first, 0: nowhere. `ready` is an HTTP path there that must answer 200; empty: an open port is enough.
    `airflow_component` is its name in Airflow's own health report, for the processes of Airflow that listen nowhere.
    """

    name: str
    title: str
    command: str
    port: int
    after: tuple[str, ...] = ()
    ready: str = ""
    page: str = ""
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    environment: dict[str, str] = field(default_factory=dict)
    other_ports: tuple[int, ...] = ()
    airflow_component: str = ""


# A JVM without memory lives on and no longer works; supervisor starts one that has ended.
_END_WITHOUT_MEMORY = "-XX:+ExitOnOutOfMemoryError"


def _hadoop(settings: Settings, server: str) -> dict[str, str]:
    return {"HADOOP_HEAP": settings[f"MARQUEE_{server}_HEAP"], "HADOOP_JVM_OPTIONS": _END_WITHOUT_MEMORY}


def _hive(settings: Settings, server: str) -> dict[str, str]:
    """Returns a server of Hive's heap and, with monitoring, what makes it publish its counters and Prometheus's agent serve them."""
    options = [_END_WITHOUT_MEMORY]
    if settings.monitoring:
        listen = f"{settings['MARQUEE_BIND_HOST']}:{settings.port(f'{server}_METRICS')}"
        options += [
            f"-javaagent:{settings.jmx_agent}={listen}:{REPOSITORY}/infra/monitoring/hive_agent/agent.yml",
            "-Dhive.server2.metrics.enabled=true -Dmetastore.metrics.enabled=true",
        ]
    return {"HIVE_HEAP": settings[f"MARQUEE_{server}_HEAP"], "HIVE_JVM_OPTIONS": " ".join(options)}


def _monitoring(settings: Settings, rows: list[Service | Preparation]) -> list[Service | Preparation]:
    """Returns the exporter, which looks at each service of `rows`, and Prometheus."""
    bind, data = settings["MARQUEE_BIND_HOST"], settings.instance / "data" / "prometheus"
    exporter, prometheus = (settings.port(name) for name in ("EXPORTER", "PROMETHEUS"))
    probes = {
        row.name: f"{'http' if row.ready else 'tcp'}://{settings.host(row.name)}:{row.port}{row.ready}"
        for row in rows
        # What MARQUEE_HOSTS does not name runs beside the exporter. Where that has a host of its own, it is one of several replicas,
        # which have no names; HDFS and YARN tell how many of them live.
        if isinstance(row, Service) and row.port and (row.name in settings.hosts or "exporter" not in settings.hosts)
    }
    return [
        Service(
            "exporter",
            "Exporter and page of the monitoring",
            f"{settings.python} -m gunicorn --no-control-socket --workers 1 --threads 4 --bind {bind}:{exporter} "
            "'infra.monitoring.exporter.application:create_app()'",
            exporter,
            ready="/health",
            page=f":{exporter}/",
            environment={"MARQUEE_PROBES": " ".join(f"{name}={url}" for name, url in probes.items())},
        ),
        Service(
            "prometheus",
            "Prometheus",
            f"prometheus --config.file={settings.instance}/conf/monitoring/prometheus.yml --storage.tsdb.path={data} "
            f"--storage.tsdb.retention.time=15d --storage.tsdb.retention.size=1GB --web.listen-address={bind}:{prometheus}",
            prometheus,
            ready="/-/ready",
            page=f":{prometheus}/alerts",
        ),
    ]


def _airflow_worker(name: str, command: str) -> Service:
    title = "DAG processor" if name == "dag-processor" else name
    return Service(
        f"airflow-{name}",
        f"Airflow {title}",
        command,
        0,
        ("airflow-api-server",),
        airflow_component=name.replace("-", "_"),
    )


def _spark(settings: Settings) -> list[Service]:
    """Returns the master and a worker of Spark's own cluster, which are for several hosts alone."""
    master, page, worker = (settings.port(f"SPARK_{name}") for name in ("MASTER", "MASTER_HTTP", "WORKER"))
    heap = {"SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC"}
    return [
        Service(
            "spark-master",
            "Spark master",
            f"spark-class org.apache.spark.deploy.master.Master --host {settings.own_host} --port {master} --webui-port {page}",
            master,
            page=f":{page}/",
            other_ports=(page,),
            environment=heap,
        ),
        Service(
            "spark-worker",
            "Spark worker",
            f"spark-class org.apache.spark.deploy.worker.Worker --host {settings.own_host} --port {worker} "
            f"--cores {settings['MARQUEE_SPARK_EXECUTOR_CORES']} --memory {settings['MARQUEE_SPARK_EXECUTOR_HEAP']}m "
            f"--work-dir {settings.instance}/data/spark-worker spark://{settings.host('spark-master')}:{master}",
            worker,
            ("spark-master",),
            environment=heap,
        ),
    ]


def every_row(settings: Settings) -> list[Service | Preparation]:
    """Returns services and preparations of all hosts, each after all that it waits for."""
    port, number = settings.port, settings.number
    datanodes = range(1, number("DATANODES") + 1)
    all_datanodes = tuple(f"datanode{n}" for n in datanodes)
    rows: list[Service | Preparation] = [
        Preparation("postgres-files", "infra/services/postgres/postgres.sh prepare", service="postgres"),
        Service(
            "postgres",
            "PostgreSQL",
            "infra/services/postgres/postgres.sh run",
            port("POSTGRES"),
            ("postgres-files",),
            stop_signal="INT",
        ),
        Preparation("postgres-databases", "infra/services/postgres/postgres.sh databases", ("postgres",), "postgres"),
        Preparation("namenode-format", "infra/services/hadoop/prepare_hdfs.sh format", service="namenode"),
        Service(
            "namenode",
            "HDFS NameNode",
            "hdfs namenode",
            port("NAMENODE_RPC"),
            ("namenode-format",),
            environment=_hadoop(settings, "NAMENODE"),
            page=f":{port('NAMENODE_HTTP')}/",
            other_ports=(port("NAMENODE_HTTP"),),
        ),
        *[
            Service(
                f"datanode{n}",
                f"HDFS DataNode {n}",
                f"infra/services/hadoop/datanode.sh {n}",
                port("DATANODE_HTTP") + n - 1,
                ("namenode",),
                environment=_hadoop(settings, "DATANODE"),
                other_ports=(port("DATANODE_DATA") + n - 1, port("DATANODE_IPC") + n - 1),
            )
            for n in datanodes
        ],
        Preparation("hdfs-folders", "infra/services/hadoop/prepare_hdfs.sh folders", all_datanodes),
        Service(
            "resourcemanager",
            "YARN ResourceManager",
            "yarn resourcemanager",
            port("RESOURCEMANAGER"),
            ("namenode",),
            environment=_hadoop(settings, "RESOURCEMANAGER"),
            page=f":{port('RESOURCEMANAGER_HTTP')}/cluster",
            other_ports=tuple(
                port(p)
                for p in (
                    "RESOURCEMANAGER_HTTP",
                    "RESOURCEMANAGER_SCHEDULER",
                    "RESOURCEMANAGER_TRACKER",
                    "RESOURCEMANAGER_ADMIN",
                )
            ),
        ),
        Service(
            "nodemanager",
            "YARN NodeManager",
            "yarn nodemanager",
            port("NODEMANAGER_HTTP"),
            ("resourcemanager",),
            environment=_hadoop(settings, "NODEMANAGER"),
            page=f":{port('NODEMANAGER_HTTP')}/node",
            stop_seconds=15,
            other_ports=tuple(
                port(p) for p in ("NODEMANAGER", "NODEMANAGER_LOCALIZER", "NODEMANAGER_COLLECTOR", "SHUFFLE")
            ),
        ),
        Service(
            "jobhistory",
            "MapReduce JobHistory",
            "mapred historyserver",
            port("JOBHISTORY"),
            ("hdfs-folders",),
            environment=_hadoop(settings, "JOBHISTORY"),
            page=f":{port('JOBHISTORY_HTTP')}/jobhistory",
            other_ports=(port("JOBHISTORY_HTTP"), port("JOBHISTORY_ADMIN")),
        ),
        Preparation(
            "metastore-schema", "infra/services/hive/prepare_metastore.sh", ("postgres-databases",), "metastore"
        ),
        Service(
            "metastore",
            "Hive metastore",
            f"hive metastore -p {port('METASTORE')}",
            port("METASTORE"),
            ("metastore-schema", "namenode"),
            environment=_hive(settings, "METASTORE"),
            other_ports=(port("METASTORE_METRICS"),) if settings.monitoring else (),
        ),
        Service(
            "hiveserver2",
            "HiveServer2",
            "hive hiveserver2",
            port("HIVESERVER2"),
            ("metastore", "hdfs-folders", "resourcemanager"),
            environment=_hive(settings, "HIVESERVER2"),
            page=f":{port('HIVESERVER2_HTTP')}/",
            other_ports=(port("HIVESERVER2_HTTP"), *((port("HIVESERVER2_METRICS"),) if settings.monitoring else ())),
        ),
        Service(
            "mlflow",
            "MLflow",
            "infra/services/mlflow/mlflow.sh",
            port("MLFLOW"),
            ("postgres-databases",),
            ready="/health",
            page=f":{port('MLFLOW')}/",
        ),
        Preparation(
            "airflow-database",
            "infra/services/airflow/airflow.sh prepare",
            ("postgres-databases",),
            "airflow-api-server",
        ),
        Service(
            "airflow-api-server",
            "Airflow API server",
            "airflow api-server",
            port("AIRFLOW"),
            ("airflow-database",),
            ready="/api/v2/version",
            page=f":{port('AIRFLOW')}/",
        ),
        # Their log servers would bind to every address; on one machine the API server reads the log files themselves.
        _airflow_worker("scheduler", "airflow scheduler --skip-serve-logs"),
        _airflow_worker("dag-processor", "airflow dag-processor"),
        _airflow_worker("triggerer", "airflow triggerer --skip-serve-logs"),
        Service(
            "recommendations",
            "Recommendation API",
            f"{settings.serving_python} -m serving.recommendations.server",
            port("API"),
            ready="/health",
            page=f":{port('API')}/docs",
            environment={"PROMETHEUS_MULTIPROC_DIR": str(settings.instance / "tmp" / "prometheus")},
        ),
        Preparation("accounts-database", "infra/services/accounts/prepare.sh", ("postgres-databases",), "accounts"),
        Service(
            "accounts",
            "Accounts service",
            f"{settings.accounts_python} -m gunicorn -c serving/accounts/gunicorn.conf.py "
            "'serving.accounts.application:create_app()'",
            port("ACCOUNTS"),
            ("accounts-database",),
            ready="/accounts/ready",
            page=f":{port('ACCOUNTS')}/accounts/docs",
            environment={"PROMETHEUS_MULTIPROC_DIR": str(settings.instance / "tmp" / "prometheus-accounts")},
        ),
        Service(
            "gateway",
            "Gateway",
            "infra/services/gateway/gateway.sh",
            port("GATEWAY"),
            ("recommendations", "accounts"),
            # With TLS an open port must do: the certificate need not be one for the loopback address.
            ready="" if settings["MARQUEE_GATEWAY_CERTIFICATE"] else "/gateway/health",
            page=f":{port('GATEWAY')}/",
            stop_signal="QUIT",
        ),
    ]
    spark = _spark(settings) if "spark-master" in settings.hosts else []
    # The compose file always names the master's host, but starts it in two profiles alone: it must serve where the jobs go to it.
    looked_at = [*rows, *spark] if settings["MARQUEE_SPARK_MASTER"].startswith("spark://") else rows
    return [*rows, *spark, *(_monitoring(settings, looked_at) if settings.monitoring else [])]


def table(settings: Settings) -> list[Service | Preparation]:
    """Returns what runs on this machine, each row after all that it waits for here.

    Raises SettingsError if MARQUEE_HOSTS names a service that there is not.
    """
    rows, hosts = every_row(settings), settings.hosts
    if unknown := set(hosts) - {row.name for row in rows if isinstance(row, Service)}:
        raise SettingsError(
            f"MARQUEE_HOSTS names {', '.join(sorted(unknown))}, which is no service; `make status` lists them."
        )
    here = [row for row in rows if (row.name if isinstance(row, Service) else row.service) not in hosts]
    names = {row.name for row in here}
    return [replace(row, after=tuple(name for name in row.after if name in names)) for row in here]


def services(settings: Settings) -> list[Service]:
    """Returns the supervised processes of this machine."""
    return [row for row in table(settings) if isinstance(row, Service)]


def ports(settings: Settings) -> dict[int, Service]:
    """Returns every port that an instance listens on, with its service."""
    return {
        number: service for service in services(settings) for number in (service.port, *service.other_ports) if number
    }
