"""Tests of the samples that the exporter reads from the platform's answers."""

from __future__ import annotations

import inspect
import re
import socket
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from infra.monitoring.exporter.collection import SourceCollector
from infra.monitoring.exporter.sources.airflow import AirflowSource
from infra.monitoring.exporter.sources.batch import batch_samples
from infra.monitoring.exporter.sources.hadoop import read_hdfs, read_yarn
from infra.monitoring.exporter.sources.http import unix_seconds
from infra.monitoring.exporter.sources.machine import read_disks, read_services
from infra.monitoring.exporter.sources.mlflow import read_mlflow
from infra.monitoring.exporter.sources.postgres import read_postgres
from infra.monitoring.exporter.sources.publication import PublicationSource
from infra.monitoring.exporter.sources.samples import Sample, families
from tests.monitoring.conftest import FAILED, MONITORING, QUALITY, RUNS, SNAPSHOT, TASKS, TRAININGS, Platform


def values(samples: list[Sample]) -> dict[str, float]:
    """Return the samples' values by `name label label`."""
    return {" ".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}


def airflow(platform: Platform) -> AirflowSource:
    return AirflowSource(platform.url, "admin", "secret")


def test_times_without_a_zone_are_utc_and_publication_ids_are_times() -> None:
    assert unix_seconds("1970-01-01T00:00:10") == 10
    assert unix_seconds("1970-01-01T01:00:10+01:00") == 10
    assert unix_seconds("19700101T000010") == 10


def test_a_batch_tells_rows_quarantine_expectations_and_drift() -> None:
    assert values(list(batch_samples("live", SNAPSHOT, QUALITY))) == {
        "marquee_batch_input_rows live ratings": 900,
        "marquee_batch_input_rows live movies": 100,
        "marquee_batch_quarantine_ratio live": 0.005,
        "marquee_batch_table_rows live ratings": 890,
        "marquee_batch_quality_failed live ratings": 0,
        "marquee_batch_quality_warnings live ratings": 2,
        "marquee_batch_drift_rows_ratio live ratings": -0.25,
        "marquee_batch_drift_psi live ratings rating": 0.125,
        "marquee_batch_table_rows live quarantine": 5,
        "marquee_batch_quality_failed live quarantine": 1,
        "marquee_batch_quality_warnings live quarantine": 0,
        "marquee_batch_table_rows live movies": 100,
        "marquee_batch_quality_failed live movies": 0,
        "marquee_batch_quality_warnings live movies": 0,
    }


def test_a_batch_of_a_lineage_without_snapshot_and_quality_tells_nothing() -> None:
    assert list(batch_samples("live", {}, {})) == []


def test_airflow_tells_its_health_the_schedule_and_the_latest_run(platform: Platform) -> None:
    found = values(list(airflow(platform).read()))
    assert {name: value for name, value in found.items() if not re.search("batch|dag_", name)} == {
        "marquee_airflow_component_healthy metadatabase": 1,
        "marquee_airflow_component_healthy scheduler": 0,
        "marquee_airflow_heartbeat_timestamp_seconds scheduler": 100,
        "marquee_airflow_import_errors": 2,
        "marquee_run_next_timestamp_seconds": unix_seconds("2026-11-25T03:00:00Z"),
        "marquee_run_state queued": 0,
        "marquee_run_state running": 0,
        "marquee_run_state success": 1,
        "marquee_run_state failed": 0,
        "marquee_run_start_timestamp_seconds": unix_seconds("2026-11-24T03:00:01Z"),
        "marquee_run_seconds": 400,
        "marquee_task_seconds ingest_movielens": 10,
        "marquee_task_seconds publish": 10,
        "marquee_task_seconds train_als": 10,
        "marquee_task_seconds validate_warehouse": 10,
        "marquee_run_tasks skipped": 1,
        "marquee_run_tasks success": 4,
        "marquee_gate_refused": 0,
        "marquee_run_last_success_timestamp_seconds": unix_seconds("2026-11-24T03:06:41Z"),
    }
    assert found["marquee_batch_quarantine_ratio latest"] == 0.005
    assert found["marquee_airflow_dag_paused"] == 0


def test_the_other_dags_tell_their_latest_runs_and_what_is_due(platform: Platform) -> None:
    found = values(list(airflow(platform).read()))
    states = {
        name.removeprefix("marquee_dag_run_state "): value for name, value in found.items() if "dag_run_state" in name
    }
    assert states == {
        **dict.fromkeys((f"drop_old_batches {state}" for state in ("queued", "running", "failed")), 0),
        **dict.fromkeys((f"train_sentiment {state}" for state in ("queued", "running", "success")), 0),
        "drop_old_batches success": 1,
        "train_sentiment failed": 1,
    }
    assert {name: value for name, value in found.items() if "marquee_dag_" in name and "run_state" not in name} == {
        "marquee_dag_paused drop_old_batches": 0,
        "marquee_dag_paused train_sentiment": 0,
        "marquee_dag_paused tune_als": 1,
        # Nobody expects a run of a DAG that is paused.
        "marquee_dag_next_timestamp_seconds train_sentiment": unix_seconds("2026-11-29T07:00:00Z"),
        "marquee_dag_run_start_timestamp_seconds drop_old_batches": unix_seconds("2026-11-24T03:00:01Z"),
        "marquee_dag_run_start_timestamp_seconds train_sentiment": unix_seconds("2026-11-22T07:00:01Z"),
    }


def test_runs_that_a_publication_or_another_dag_started_count_and_backfills_do_not(platform: Platform) -> None:
    from airflow.utils.types import DagRunType

    list(airflow(platform).read())
    (asked,) = [parse_qs(urlsplit(target).query) for target in platform.requests if target.startswith(f"{TRAININGS}?")]
    # `asset_materialization` is a click on an asset in Airflow's pages, which runs no DAG of ours.
    assert set(asked["run_type"]) == {kind.value for kind in DagRunType} - {"backfill", "asset_materialization"}
    assert asked["order_by"] == ["-start_date"]


def test_a_training_that_waits_does_not_hide_the_one_that_works(platform: Platform) -> None:
    waits = {"dag_run_id": "w", "state": "queued", "start_date": None, "queued_at": "2026-11-25T03:00:00Z"}
    works = {"dag_run_id": "r", "state": "running", "start_date": "2026-11-24T03:00:01Z"}
    platform.answers[TRAININGS] = {"dag_runs": [waits, works, FAILED]}
    found = values(list(airflow(platform).read()))
    assert found["marquee_dag_run_state train_sentiment running"] == 1
    assert found["marquee_dag_run_start_timestamp_seconds train_sentiment"] == unix_seconds("2026-11-24T03:00:01Z")
    platform.answers[TRAININGS] = {"dag_runs": [waits, FAILED]}
    found = values(list(airflow(platform).read()))
    assert found["marquee_dag_run_state train_sentiment queued"] == 1
    assert found["marquee_dag_run_start_timestamp_seconds train_sentiment"] == unix_seconds("2026-11-25T03:00:00Z")


def test_the_latest_run_is_the_one_that_started_last_backfills_aside(platform: Platform) -> None:
    list(airflow(platform).read())
    (_, asked, _) = [parse_qs(urlsplit(target).query) for target in platform.requests if target.startswith(f"{RUNS}?")]
    assert asked == {"order_by": ["-start_date"], "run_type": ["scheduled", "manual"], "limit": ["1"]}


def test_the_gate_refused_where_the_run_recorded_a_refusal(platform: Platform) -> None:
    tasks = [{"task_id": "record_refusal", "state": "success", "duration": 1.0}]
    platform.answers[TASKS] = {"task_instances": tasks}
    assert values(list(airflow(platform).read()))["marquee_gate_refused"] == 1


def test_a_cleared_task_that_waits_has_no_duration_in_this_run(platform: Platform) -> None:
    tasks = [{"task_id": "publish", "state": None, "duration": 4.0}]
    platform.answers[TASKS] = {"task_instances": tasks}
    found = values(list(airflow(platform).read()))
    assert "marquee_task_seconds publish" not in found
    assert found["marquee_run_tasks none"] == 1


def test_a_run_that_waits_counts_from_when_it_was_queued(platform: Platform) -> None:
    waits = {"dag_run_id": "w", "state": "queued", "start_date": None, "end_date": None}
    platform.answers[RUNS] = {"dag_runs": [waits | {"queued_at": "2026-11-24T03:00:00Z"}]}
    platform.answers[f"{RUNS}/w/taskInstances"] = {"task_instances": []}
    found = values(list(airflow(platform).read()))
    assert found["marquee_run_state queued"] == 1
    assert found["marquee_run_start_timestamp_seconds"] == unix_seconds("2026-11-24T03:00:00Z")


def test_a_run_that_waits_does_not_hide_the_one_that_runs(platform: Platform) -> None:
    waits = {"dag_run_id": "w", "state": "queued", "start_date": None, "end_date": None}
    runs = {"dag_run_id": "r", "state": "running", "start_date": "2026-11-24T03:00:01Z", "end_date": None}
    platform.answers[RUNS] = {"dag_runs": [waits | {"queued_at": "2026-11-25T03:00:00Z"}, runs]}
    platform.answers[f"{RUNS}?state=running"] = {"dag_runs": [runs]}
    for run in ("w", "r"):
        platform.answers[f"{RUNS}/{run}/taskInstances"] = {"task_instances": []}
    found = values(list(airflow(platform).read()))
    assert found["marquee_run_state running"] == 1
    assert found["marquee_run_start_timestamp_seconds"] == unix_seconds("2026-11-24T03:00:01Z")


def test_a_running_run_has_no_duration(platform: Platform) -> None:
    running = {"dag_run_id": "r", "state": "running", "start_date": "2026-11-24T03:00:01Z", "end_date": None}
    platform.answers[RUNS] = {"dag_runs": [running | {"duration": None}]}
    platform.answers[f"{RUNS}/r/taskInstances"] = {"task_instances": []}
    found = values(list(airflow(platform).read()))
    assert found["marquee_run_state running"] == 1
    assert "marquee_run_seconds" not in found
    assert found["marquee_run_last_success_timestamp_seconds"] == unix_seconds("2026-11-24T03:06:41Z")


def test_an_airflow_that_has_not_read_the_dag_tells_its_health_alone(platform: Platform) -> None:
    del platform.answers["/api/v2/dags/build_recommendations"]
    assert all(name.startswith(("marquee_airflow_", "marquee_dag_")) for name in values(list(airflow(platform).read())))


def test_a_token_is_fetched_once_and_again_when_it_has_run_out(platform: Platform) -> None:
    source = airflow(platform)
    list(source.read())
    list(source.read())
    assert platform.requests.count("/auth/token") == 1
    platform.answers["/api/v2/monitor/health"] = 401
    with pytest.raises(requests.HTTPError):
        list(source.read())
    with pytest.raises(requests.HTTPError):
        list(source.read())
    assert platform.requests.count("/auth/token") == 2


def test_the_live_publication_tells_its_ages_rows_and_model(platform: Platform) -> None:
    found = values(list(PublicationSource(platform.url).read()))
    assert {name: value for name, value in found.items() if "batch_" not in name} == {
        "marquee_publications": 2,
        "marquee_live": 1,
        "marquee_live_pinned": 1,
        "marquee_live_activated_timestamp_seconds": unix_seconds("2026-11-24T03:06:40.5Z"),
        "marquee_live_data_through_timestamp_seconds": 3600,
        "marquee_live_bytes": 11235328,
        "marquee_live_rows movies": 9742,
        "marquee_live_rows recommendations": 61000,
        "marquee_model_metric candidate ndcg_at_10": 0.2,
        "marquee_model_metric recent_popularity hit_rate_at_10": 0.3,
    }
    assert found["marquee_batch_drift_psi live ratings rating"] == 0.125


def test_nothing_published_is_no_error(platform: Platform) -> None:
    platform.answers |= {"/v1/publication": 503, "/v1/publications": {"items": []}}
    found = values(list(PublicationSource(platform.url).read()))
    assert found == {"marquee_publications": 0, "marquee_live": 0}


def test_the_namenode_tells_blocks_nodes_and_space(platform: Platform) -> None:
    assert values(list(read_hdfs(platform.url, 4))) == {
        "marquee_hdfs_blocks all": 115,
        "marquee_hdfs_blocks missing": 1,
        "marquee_hdfs_blocks under_replicated": 2,
        "marquee_hdfs_blocks corrupt": 3,
        "marquee_hdfs_blocks pending_deletion": 40,
        "marquee_hdfs_datanodes live": 3,
        "marquee_hdfs_datanodes stale": 0,
        "marquee_hdfs_datanodes dead": 1,
        "marquee_hdfs_datanodes configured": 4,
        "marquee_hdfs_bytes total": 1000,
        "marquee_hdfs_bytes used": 200,
        "marquee_hdfs_bytes remaining": 700,
        "marquee_hdfs_files": 249,
    }


def test_the_resourcemanager_tells_memory_in_bytes(platform: Platform) -> None:
    found = values(list(read_yarn(platform.url, 2)))
    assert found["marquee_yarn_memory_bytes total"] == 6442450944
    assert found["marquee_yarn_memory_bytes allocated"] == 2818572288
    assert found["marquee_yarn_vcores allocated"] == 3
    assert found["marquee_yarn_applications completed"] == 3
    assert found["marquee_yarn_nodemanagers active"] == 1
    assert found["marquee_yarn_nodemanagers configured"] == 2


def test_mlflow_tells_versions_by_number_not_by_text_and_none_before_the_first(platform: Platform) -> None:
    assert values(list(read_mlflow(platform.url, ["marquee-als"]))) == {
        "marquee_model_version marquee-als latest": 10,
        "marquee_model_version marquee-als champion": 9,
    }
    del platform.answers["/api/2.0/mlflow/registered-models/get"]
    assert list(read_mlflow(platform.url, ["marquee-als"])) == []


def test_a_real_postgresql_tells_its_databases(postgresql: str) -> None:
    found = values(list(read_postgres(postgresql, 5432, "postgres", "")))
    assert found["marquee_postgres_max_connections"] == 100
    assert found["marquee_postgres_connections postgres"] >= 1
    assert found["marquee_postgres_database_bytes postgres"] > 1_000_000
    assert not any("template" in name for name in found)


def test_disks_are_named_after_what_lies_on_them(tmp_path: Path) -> None:
    found = values(list(read_disks({"data": tmp_path})))
    assert 0 < found["marquee_disk_free_bytes data"] < found["marquee_disk_bytes data"]


def test_a_service_serves_if_its_path_answers_200_or_its_port_accepts(platform: Platform) -> None:
    address = platform.url.removeprefix("http://")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
        probes = {
            "healthy": f"{platform.url}/health",
            "missing": f"{platform.url}/nowhere",
            "open": f"tcp://{address}",
            "closed": f"tcp://127.0.0.1:{closed}",
            "away": f"http://127.0.0.1:{closed}/health",
        }
        found = values(list(read_services(probes, 2)))
    assert found == {
        "marquee_apis_configured": 2,
        "marquee_service_up healthy": 1,
        "marquee_service_up missing": 0,
        "marquee_service_up open": 1,
        "marquee_service_up closed": 0,
        "marquee_service_up away": 0,
    }


def test_services_that_do_not_answer_are_waited_for_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.monitoring.exporter.sources.machine.SECONDS", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        begun = time.monotonic()
        found = values(list(read_services({f"s{number}": url for number in range(8)}, 1)))
        assert time.monotonic() - begun < 2
    assert found == {"marquee_apis_configured": 1} | {f"marquee_service_up s{number}": 0 for number in range(8)}
    assert list(read_services({}, 1)) == [Sample("marquee_apis_configured", 1)]


def test_a_source_that_is_away_is_a_metric_and_the_others_stand(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    platform.answers["/jmx?qry=Hadoop:service=ResourceManager,name=ClusterMetrics"] = {"beans": []}
    platform.answers["/v1/publications"] = ["another", "shape"]
    sources = {
        "yarn": lambda: read_yarn(platform.url, 2),
        "publication": PublicationSource(platform.url).read,
        "airflow": AirflowSource("http://127.0.0.1:1", "admin", "secret").read,
        "hdfs": lambda: read_hdfs(platform.url, 4),
    }
    collector = SourceCollector(sources, keep_seconds=0)
    for _ in range(2):
        found = values(collector.samples())
        assert {name: value for name, value in found.items() if "source_up" in name} == {
            "marquee_source_up yarn": 0,
            "marquee_source_up publication": 0,
            "marquee_source_up airflow": 0,
            "marquee_source_up hdfs": 1,
        }
        assert found["marquee_hdfs_files"] == 249
    assert sorted(record.message.split(" does")[0] for record in caplog.records) == [
        "Source airflow",
        "Source publication",
        "Source yarn",
    ]
    platform.answers["/v1/publications"] = {"items": []}
    collector.samples()
    assert [record.message for record in caplog.records[3:]] == ["Source publication answers again"]


def test_a_source_that_takes_too_long_is_away_and_the_others_stand_and_it_is_not_asked_twice_at_once(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    answer, begun = threading.Event(), []

    def slow() -> list[Sample]:
        begun.append(time.monotonic())
        answer.wait(20)
        return [Sample("marquee_live", 1)]

    sources = {"airflow": slow, "hdfs": lambda: read_hdfs(platform.url, 4)}
    collector = SourceCollector(sources, keep_seconds=0, wait_seconds=0.5)
    started = time.monotonic()
    for _ in range(3):
        found = values(collector.samples())
        assert (found["marquee_source_up airflow"], found["marquee_source_seconds airflow"]) == (0, 0.5)
        assert "marquee_live" not in found
        assert (found["marquee_source_up hdfs"], found["marquee_hdfs_files"]) == (1, 249)
    assert time.monotonic() - started < 5
    assert len(begun) == 1
    assert [record.message for record in caplog.records] == [
        "Source airflow does not answer: no answer within 0.5 s",
    ]
    answer.set()
    deadline = time.monotonic() + 10
    while not found["marquee_source_up airflow"] and time.monotonic() < deadline:
        found = values(collector.samples())
    assert (found["marquee_source_up airflow"], found["marquee_live"]) == (1, 1)
    assert len(begun) == 2


def test_prometheus_waits_longer_for_the_exporter_than_the_exporter_for_its_sources() -> None:
    text = (MONITORING / "conf" / "prometheus.yml").read_text(encoding="utf-8")
    assert re.findall(r"scrape_timeout: (\w+)", text) == ["25s"]
    assert inspect.signature(SourceCollector).parameters["wait_seconds"].default == 15.0


def test_samples_are_kept_for_a_while(platform: Platform) -> None:
    collector = SourceCollector({"hdfs": lambda: read_hdfs(platform.url, 4)}, keep_seconds=60)
    assert collector.samples() == collector.samples()
    assert len(platform.requests) == 1


def test_a_sample_that_the_catalogue_does_not_know_is_refused() -> None:
    with pytest.raises(KeyError, match="marquee_typing_error"):
        list(families([Sample("marquee_typing_error", 1)]))
