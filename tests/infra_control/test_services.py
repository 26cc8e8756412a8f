import os
import subprocess
from pathlib import Path

import pytest

from infra.control.services import ports, services, table
from infra.control.settings import Settings
from infra.control.variables import environment


def settings(tmp_path: Path, **environ: str) -> Settings:
    return Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), **environ})


def test_every_part_stands_after_what_it_waits_for(tmp_path: Path) -> None:
    seen: set[str] = set()
    for row in table(settings(tmp_path)):
        assert set(row.after) <= seen, row.name
        seen.add(row.name)


def test_the_stack_is_what_the_design_names(tmp_path: Path) -> None:
    assert [row.name for row in services(settings(tmp_path))] == [
        "postgres",
        "namenode",
        "datanode1",
        "datanode2",
        "datanode3",
        "datanode4",
        "resourcemanager",
        "nodemanager",
        "jobhistory",
        "metastore",
        "hiveserver2",
        "mlflow",
        "airflow-api-server",
        "airflow-scheduler",
        "airflow-dag-processor",
        "airflow-triggerer",
        "recommendations",
        "accounts",
        "reviews",
        "gateway",
    ]


def test_more_datanodes_get_ports_of_their_own(tmp_path: Path) -> None:
    chosen = settings(tmp_path, MARQUEE_DATANODES="6")
    held = [number for number, service in ports(chosen).items() if service.name.startswith("datanode")]
    assert sorted(held) == [*range(9861, 9867), *range(9881, 9887), *range(9891, 9897)]


@pytest.mark.parametrize("monitoring", ["no", "yes"])
def test_every_jvm_has_an_explicit_heap_and_ends_when_it_is_full(tmp_path: Path, monitoring: str) -> None:
    chosen = settings(tmp_path, MARQUEE_MONITORING=monitoring)
    rows = {row.name: row.environment for row in services(chosen)}
    servers = {
        "HADOOP": ["namenode", "datanode1", "datanode4", "resourcemanager", "nodemanager", "jobhistory"],
        "HIVE": ["metastore", "hiveserver2"],
    }
    for launcher, names in servers.items():
        for name in names:
            assert sorted(rows[name]) == [f"{launcher}_HEAP", f"{launcher}_JVM_OPTIONS"], name
            assert int(rows[name][f"{launcher}_HEAP"]) >= 128, name
            assert "-XX:+ExitOnOutOfMemoryError" in rows[name][f"{launcher}_JVM_OPTIONS"].split(), name


def test_the_launcher_of_hive_hands_heap_and_options_to_its_jvm(tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="ascii")
    java.chmod(0o755)
    chosen = settings(tmp_path, JAVA_HOME=str(tmp_path), MARQUEE_METASTORE_HEAP="300")
    (metastore,) = [row for row in services(chosen) if row.name == "metastore"]
    variables = os.environ | environment(chosen) | metastore.environment
    started = subprocess.run(
        metastore.command.split(), env=variables, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {"-Xmx300m", "-XX:+ExitOnOutOfMemoryError", "9083"} <= set(started)
