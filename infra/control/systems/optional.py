"""The rows of services that only some settings ask for: Spark's own cluster, and monitoring."""

from __future__ import annotations

from infra.control.rows import Row, Service
from infra.control.settings import Settings


def spark_rows(settings: Settings) -> list[Service]:
    """Return the master and a worker of Spark's own cluster, for several hosts."""
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


def monitoring_rows(settings: Settings, probed: list[Row]) -> list[Service]:
    """Return the exporter, which probes the given rows' services, and Prometheus."""
    bind, data = settings["MARQUEE_BIND_HOST"], settings.instance / "data" / "prometheus"
    exporter, prometheus = (settings.port(name) for name in ("EXPORTER", "PROMETHEUS"))
    return [
        Service(
            "exporter",
            "Exporter and page of the monitoring",
            f"{settings.python} -m gunicorn --no-control-socket --workers 1 --threads 4 --bind {bind}:{exporter} "
            "'infra.monitoring.exporter.application:create_app()'",
            exporter,
            ready="/health",
            page=f":{exporter}/",
            environment={"MARQUEE_PROBES": _probes(settings, probed)},
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


def _probes(settings: Settings, rows: list[Row]) -> str:
    """Return the services that the exporter probes, as words of name=address.

    A service that MARQUEE_HOSTS does not name runs on the exporter's machine. If MARQUEE_HOSTS names the exporter, such a
    service is one of several replicas. These have no names, and HDFS and YARN report how many of them live.
    """
    return " ".join(
        f"{row.name}={'http' if row.ready else 'tcp'}://{settings.host(row.name)}:{row.port}{row.ready}"
        for row in rows
        if isinstance(row, Service) and row.port and (row.name in settings.hosts or "exporter" not in settings.hosts)
    )
