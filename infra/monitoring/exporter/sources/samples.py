"""The sample of a metric, and the catalogue of the exporter's metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily

# All metrics are gauges: the exporter reports what other programs have counted and keeps no counters of its own.
CATALOGUE = {
    "marquee_source_up": "1 where a source answered the exporter, 0 where it did not: its other metrics are then missing.",
    "marquee_source_seconds": "Time that reading a source took, in seconds.",
    "marquee_service_up": "1 where a service of the platform serves: its health path answers 200, or its port accepts.",
    "marquee_apis_configured": "Recommendation APIs that there should be; Prometheus's `up` tells how many answer.",
    "marquee_airflow_component_healthy": "1 where Airflow calls a component of its own healthy.",
    "marquee_airflow_heartbeat_timestamp_seconds": "Latest heartbeat of a component of Airflow, in Unix seconds.",
    "marquee_airflow_import_errors": "DAG files that Airflow can't read.",
    "marquee_airflow_dag_paused": "1 where the pipeline's DAG is paused: no run is scheduled.",
    "marquee_run_next_timestamp_seconds": "When the next scheduled run is due, in Unix seconds.",
    "marquee_run_state": "1 for the state of the latest run (queued, running, success, failed), 0 for the others.",
    "marquee_run_start_timestamp_seconds": "Start of the latest run, of one that waits: since when, in Unix seconds.",
    "marquee_run_seconds": "Duration of the latest run that ended, in seconds.",
    "marquee_run_last_success_timestamp_seconds": "End of the latest successful run, in Unix seconds.",
    "marquee_run_tasks": "Tasks of the latest run by state.",
    "marquee_task_seconds": "Duration of each task that ended in the latest run, in seconds: the stages, Spark's jobs among them.",
    "marquee_gate_refused": "1 where the promotion gate refused the model of the latest run.",
    "marquee_dag_paused": "1 where another DAG is paused: its schedule starts no run.",
    "marquee_dag_next_timestamp_seconds": "When another DAG's next scheduled run is due, in Unix seconds; none where it is paused.",
    "marquee_dag_run_state": "1 for the state of another DAG's latest run (queued, running, success, failed), 0 for the others.",
    "marquee_dag_run_start_timestamp_seconds": "Start of another DAG's latest run, of one that waits: since when, in Unix seconds.",
    "marquee_batch_input_rows": "Rows of a batch's source files by role; batch: live, or latest (the latest run's).",
    "marquee_batch_table_rows": "Rows of a batch's tables as its validation counted them.",
    "marquee_batch_quarantine_ratio": "Quarantined rows over source rows of a batch, 0 to 1.",
    "marquee_batch_quality_failed": "Critical expectations that a table of a batch failed.",
    "marquee_batch_quality_warnings": "Expectations that a table of a batch failed and that only warn.",
    "marquee_batch_drift_rows_ratio": "Relative change of a table's rows against the batch before, 0.1: 10 % more.",
    "marquee_batch_drift_psi": "Population stability index of a column against the batch before; above 0.25: another population.",
    "marquee_live": "1 where a publication is live.",
    "marquee_live_pinned": "1 where the live publication is pinned: newer ones do not replace it.",
    "marquee_live_activated_timestamp_seconds": "When the live publication became so, in Unix seconds.",
    "marquee_live_data_through_timestamp_seconds": "Latest rating that the live publication has seen, in Unix seconds.",
    "marquee_live_rows": "Rows of the live publication by table.",
    "marquee_live_bytes": "Size of the live publication's file, in bytes.",
    "marquee_publications": "Publications in the serving store.",
    "marquee_model_metric": "Metric of the live publication's model and of what it was compared with, by model.",
    "marquee_model_version": "Version of the registered model, by alias; latest: the highest.",
    "marquee_hdfs_blocks": "HDFS blocks by state: all, missing, under_replicated, corrupt, pending_deletion.",
    "marquee_hdfs_datanodes": "DataNodes by state: live, stale (no heartbeat for 30 s), dead, configured.",
    "marquee_hdfs_bytes": "HDFS's space by kind: total, used, remaining; raw, before division by the replication.",
    "marquee_hdfs_files": "Files and folders in HDFS.",
    "marquee_yarn_memory_bytes": "YARN's memory by state: total, allocated, pending.",
    "marquee_yarn_vcores": "YARN's virtual cores by state: total, allocated, pending.",
    "marquee_yarn_applications": "YARN's applications by state; completed, failed and killed since the ResourceManager started.",
    "marquee_yarn_nodemanagers": "NodeManagers by state: active, lost, unhealthy, configured.",
    "marquee_postgres_connections": "Connections to PostgreSQL by database.",
    "marquee_postgres_max_connections": "Connections that PostgreSQL allows.",
    "marquee_postgres_database_bytes": "Size of a database, in bytes.",
    "marquee_disk_bytes": "Size of the file system that holds a folder of the platform, in bytes.",
    "marquee_disk_free_bytes": "Free space of that file system, in bytes.",
}


@dataclass(frozen=True)
class Sample:
    """One value of a metric of the catalogue."""

    name: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


def families(samples: Iterable[Sample]) -> Iterator[GaugeMetricFamily]:
    """Yield the samples as Prometheus's metric families, in the catalogue's order.

    Raises KeyError for a name that the catalogue does not have.
    """
    by_name: dict[str, list[Sample]] = {name: [] for name in CATALOGUE}
    for sample in samples:
        by_name[sample.name].append(sample)
    for name, found in by_name.items():
        if found:
            family = GaugeMetricFamily(name, CATALOGUE[name], labels=list(found[0].labels))
            for sample in found:
                family.add_metric(list(sample.labels.values()), sample.value)
            yield family
