"""MARQUEE_MONITORING: what the platform starts and renders with it, and that it starts nothing of it without."""

from __future__ import annotations

from pathlib import Path

import pytest
from supervisor.datatypes import dict_of_key_value_pairs

from infra.control.rendering import render
from infra.control.rows import Service
from infra.control.services import every_row, services
from infra.control.settings import Settings, SettingsError
from infra.control.supervisord import write_configuration
from infra.control.variables import environment


def settings(tmp_path: Path, **environ: str) -> Settings:
    return Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), **environ})


def by_name(chosen: Settings) -> dict[str, Service]:
    return {service.name: service for service in services(chosen)}


def hadoop_metrics(chosen: Settings) -> bool:
    render(chosen, environment(chosen))
    core_site = (chosen.instance / "conf" / "hadoop" / "core-site.xml").read_text(encoding="utf-8")
    return "<name>hadoop.prometheus.endpoint.enabled</name><value>true</value>" in core_site


def test_by_default_nothing_of_it_runs(tmp_path: Path) -> None:
    lean = settings(tmp_path)
    assert {"exporter", "prometheus"} & set(by_name(lean)) == set()
    assert by_name(lean)["hiveserver2"].environment["HIVE_JVM_OPTIONS"] == "-XX:+ExitOnOutOfMemoryError"
    assert by_name(lean)["metastore"].other_ports == ()
    assert not hadoop_metrics(lean)


def test_with_it_the_exporter_and_prometheus_run_and_hadoop_and_hive_tell_their_metrics(tmp_path: Path) -> None:
    full = settings(tmp_path, MARQUEE_MONITORING="yes", MARQUEE_PORT_OFFSET="10000")
    rows = by_name(full)
    assert list(rows)[-2:] == ["exporter", "prometheus"]
    assert "--web.listen-address=127.0.0.1:19090" in rows["prometheus"].command
    assert "--bind 127.0.0.1:19095" in rows["exporter"].command
    assert "jmx_prometheus_javaagent.jar=127.0.0.1:19404:" in rows["metastore"].environment["HIVE_JVM_OPTIONS"]
    assert rows["hiveserver2"].other_ports == (20002, 19405)
    assert hadoop_metrics(full)


def test_the_exporter_looks_at_every_service_that_listens_as_make_up_does(tmp_path: Path) -> None:
    rows = by_name(settings(tmp_path, MARQUEE_MONITORING="yes"))
    probes = dict(pair.split("=", 1) for pair in rows["exporter"].environment["MARQUEE_PROBES"].split())
    assert set(probes) == {name for name, row in rows.items() if row.port} - {"exporter", "prometheus"}
    assert probes["mlflow"] == "http://127.0.0.1:5000/health"
    assert probes["metastore"] == "tcp://127.0.0.1:9083"


def test_with_hdfs_on_another_host_the_exporter_looks_there_and_at_what_runs_here(tmp_path: Path) -> None:
    rows = by_name(settings(tmp_path, MARQUEE_MONITORING="yes", MARQUEE_HOSTS="namenode=nn.example"))
    probes = dict(pair.split("=", 1) for pair in rows["exporter"].environment["MARQUEE_PROBES"].split())
    assert probes["namenode"] == "tcp://nn.example:9000"
    assert probes["mlflow"] == "http://127.0.0.1:5000/health"
    assert probes["datanode4"] == "tcp://127.0.0.1:9884"


def test_an_exporter_on_a_host_of_its_own_looks_at_the_hosts_that_have_names(tmp_path: Path) -> None:
    hosts = "exporter datanode1=datanode mlflow"
    chosen = settings(tmp_path, MARQUEE_MONITORING="yes", MARQUEE_HOSTS=hosts)
    (exporter,) = [row for row in every_row(chosen) if row.name == "exporter"]
    assert isinstance(exporter, Service)
    assert exporter.environment["MARQUEE_PROBES"] == "datanode1=tcp://datanode:9881 mlflow=http://mlflow:5000/health"


@pytest.mark.parametrize(
    ("master", "expected"),
    [
        ("yarn", "mlflow=http://mlflow:5000/health"),
        ("local[*]", "mlflow=http://mlflow:5000/health"),
        ("spark://spark-master:7077", "mlflow=http://mlflow:5000/health spark-master=tcp://spark-master:7077"),
    ],
)
def test_the_exporter_looks_at_sparks_own_cluster_only_where_the_jobs_go_there(
    tmp_path: Path, master: str, expected: str
) -> None:
    hosts = "exporter mlflow spark-master"
    chosen = settings(tmp_path, MARQUEE_MONITORING="yes", MARQUEE_HOSTS=hosts, MARQUEE_SPARK_MASTER=master)
    (exporter,) = [row for row in every_row(chosen) if row.name == "exporter"]
    assert isinstance(exporter, Service)
    assert exporter.environment["MARQUEE_PROBES"] == expected


def test_supervisor_hands_the_probes_on_as_they_are(tmp_path: Path) -> None:
    full = settings(tmp_path, MARQUEE_MONITORING="yes")
    program = write_configuration(full).read_text(encoding="utf-8").split("[program:exporter]")[1]
    (line,) = [line for line in program.splitlines() if line.startswith("environment=")][:1]
    expected = by_name(full)["exporter"].environment
    assert dict_of_key_value_pairs(line.removeprefix("environment=")) == expected


def test_anything_but_yes_and_no_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"MARQUEE_MONITORING='maybe' is not yes or no"):
        settings(tmp_path, MARQUEE_MONITORING="maybe")
