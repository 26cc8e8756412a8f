from pathlib import Path

from infra.control.services import Service, ports, services, table
from infra.control.settings import Settings


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
        "gateway",
    ]


def test_more_datanodes_get_ports_of_their_own(tmp_path: Path) -> None:
    chosen = settings(tmp_path, MARQUEE_DATANODES="6")
    held = [number for number, service in ports(chosen).items() if service.name.startswith("datanode")]
    assert sorted(held) == [*range(9861, 9867), *range(9881, 9887), *range(9891, 9897)]


def test_every_jvm_has_an_explicit_heap(tmp_path: Path) -> None:
    for row in table(settings(tmp_path)):
        if isinstance(row, Service) and row.command.split()[0] in (
            "hdfs",
            "yarn",
            "mapred",
            "hive",
            "infra/hadoop/datanode.sh",
        ):
            assert int(row.environment["HADOOP_HEAP"]) >= 128, row.name
