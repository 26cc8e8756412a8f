"""Services on hosts of their own: who is reached where, and what is left to `make up`."""

import json
import re
import stat
import subprocess
import urllib.error
from pathlib import Path
from typing import NoReturn

import pytest

from infra.control import lifecycle
from infra.control.rendering import render
from infra.control.services import services, table
from infra.control.settings import REPOSITORY, Settings, SettingsError
from infra.control.status import serves
from infra.control.variables import environment


def settings(tmp_path: Path, hosts: str, **environ: str) -> Settings:
    return Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_HOSTS": hosts, **environ})


def test_clients_reach_a_service_on_its_host_and_the_others_here(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "namenode=nn.example hiveserver2=hs2.example postgres")
    variables = environment(chosen)
    assert variables["MARQUEE_WEBHDFS_URL"] == "http://nn.example:9870"
    assert variables["MARQUEE_HDFS_URI"] == "hdfs://nn.example:9000"
    assert variables["MARQUEE_POSTGRES_HOST"] == "postgres"
    assert variables["MARQUEE_ACCOUNTS_DATABASE"].endswith("@postgres:15432/accounts")
    assert json.loads(variables["AIRFLOW_CONN_HIVESERVER2_DEFAULT"])["host"] == "hs2.example"
    assert json.loads(variables["AIRFLOW_CONN_WEBHDFS_DEFAULT"])["host"] == "nn.example"
    assert variables["MARQUEE_MLFLOW_URL"] == "http://127.0.0.1:5000"
    render(chosen, variables)
    assert "hdfs://nn.example:9000" in (chosen.instance / "conf" / "hadoop" / "core-site.xml").read_text()
    assert "thrift://localhost:9083" in (chosen.instance / "conf" / "hive" / "hive-site.xml").read_text()


@pytest.mark.parametrize(("asks_dns_alone", "tokens_by_address"), [("yes", "false"), ("no", "true")])
def test_hadoop_finds_names_in_the_hosts_file_where_it_is_set(
    tmp_path: Path, asks_dns_alone: str, tokens_by_address: str
) -> None:
    chosen = settings(tmp_path, "namenode=head", MARQUEE_HADOOP_DNS=asks_dns_alone)
    render(chosen, environment(chosen))
    site = (chosen.instance / "conf" / "hadoop" / "core-site.xml").read_text()
    assert f"<name>hadoop.security.token.service.use_ip</name><value>{tokens_by_address}</value>" in site


def test_other_hosts_call_back_by_this_machines_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "edge.example")
    for hosts, expected in (("", "localhost"), ("namenode=nn.example", "edge.example")):
        chosen = settings(tmp_path, hosts)
        render(chosen, environment(chosen))
        spark = (chosen.instance / "conf" / "spark" / "spark-defaults.conf").read_text()
        assert re.search(rf"^spark\.driver\.host +{re.escape(expected)}$", spark, re.MULTILINE)


def test_executors_unpack_codecs_where_code_may_lie_which_a_container_s_tmp_is_not(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "")
    render(chosen, environment(chosen))
    spark = (chosen.instance / "conf" / "spark" / "spark-defaults.conf").read_text()
    for process in ("driver", "executor"):
        options = rf"^spark\.{process}\.extraJavaOptions .*-Djava\.io\.tmpdir={re.escape(str(chosen.instance))}/tmp$"
        assert re.search(options, spark, re.MULTILINE), process


ADDRESS = "192.0.2.7"


@pytest.mark.parametrize(
    ("bound", "name", "number"),
    [
        ("127.0.0.1", "localhost", "127.0.0.1"),
        ("0.0.0.0", "localhost", "127.0.0.1"),
        (ADDRESS, ADDRESS, ADDRESS),
        ("127.0.0.2", "127.0.0.2", "127.0.0.2"),
    ],
)
def test_clients_here_ask_where_the_services_bind(tmp_path: Path, bound: str, name: str, number: str) -> None:
    chosen = settings(tmp_path, "", MARQUEE_BIND_HOST=bound)
    variables = environment(chosen)
    assert variables["MARQUEE_HDFS_URI"] == f"hdfs://{name}:9000"
    assert variables["MARQUEE_MLFLOW_URL"] == f"http://{number}:5000"
    render(chosen, variables)
    conf = chosen.instance / "conf"
    assert f"hdfs://{name}:9000" in (conf / "hadoop" / "core-site.xml").read_text()
    assert f"thrift://{name}:9083" in (conf / "hive" / "hive-site.xml").read_text()
    assert f"<value>{name}:8032</value>" in (conf / "hadoop" / "yarn-site.xml").read_text()
    datanode = f"<name>dfs.datanode.hostname</name><value>{name}</value>"
    assert datanode in (conf / "hadoop" / "hdfs-site.xml").read_text()
    spark = (conf / "spark" / "spark-defaults.conf").read_text()
    assert re.search(rf"^spark\.driver\.host +{re.escape(name)}$", spark, re.MULTILINE)


@pytest.mark.parametrize(
    ("bound", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8090"),
        ("0.0.0.0", "http://127.0.0.1:8090"),
        (ADDRESS, f"http://{ADDRESS}:8090"),
    ],
)
def test_the_gateway_is_asked_where_it_binds_and_the_others_are_not(tmp_path: Path, bound: str, url: str) -> None:
    chosen = settings(tmp_path, "", MARQUEE_GATEWAY_HOST=bound, MARQUEE_MONITORING="yes")
    variables = environment(chosen)
    assert variables["MARQUEE_GATEWAY_URL"] == url
    assert variables["MARQUEE_API_URL"] == "http://127.0.0.1:8000"
    (exporter,) = [row for row in services(chosen) if row.name == "exporter"]
    assert f" gateway={url}/gateway/health" in exporter.environment["MARQUEE_PROBES"]


def test_up_asks_the_gateway_where_it_binds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(url: str, timeout: float) -> NoReturn:
        asked.append(url)
        raise urllib.error.URLError(f"no answer within {timeout} s")

    monkeypatch.setattr("infra.control.status._DIRECTLY.open", refuse)
    chosen = settings(tmp_path, "", MARQUEE_GATEWAY_HOST=ADDRESS)
    assert [serves(chosen, row) for row in services(chosen) if row.name in ("gateway", "mlflow")] == [False, False]
    assert asked == ["http://127.0.0.1:5000/health", f"http://{ADDRESS}:8090/gateway/health"]


def test_up_leaves_out_what_runs_elsewhere_with_its_preparation_and_waits_for_the_rest(tmp_path: Path) -> None:
    rows = {row.name: row for row in table(settings(tmp_path, "namenode=nn.example postgres=db.example"))}
    assert {"namenode", "namenode-format", "postgres", "postgres-files", "postgres-databases"}.isdisjoint(rows)
    assert rows["datanode1"].after == ()
    assert rows["metastore-schema"].after == ()
    assert rows["hdfs-folders"].after == ("datanode1", "datanode2", "datanode3", "datanode4")


def test_a_host_for_what_is_no_service_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="MARQUEE_HOSTS names namenod, which is not a service"):
        services(settings(tmp_path, "namenod=nn.example"))


def test_a_page_is_never_at_every_address(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "airflow-api-server", MARQUEE_BIND_HOST="0.0.0.0")
    variables = environment(chosen)
    assert variables["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:8080"
    assert variables["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://airflow-api-server:8080/execution/"


def test_a_name_that_is_no_service_cannot_be_become(tmp_path: Path) -> None:
    with pytest.raises(lifecycle.StartError, match="There is no service or preparation 'nosuch'"):
        lifecycle.become(settings(tmp_path, ""), "nosuch")


@pytest.mark.parametrize(
    ("name", "probe"),
    [
        ("namenode", "localhost 9000 \n"),
        ("mlflow", "localhost 5000 /health\n"),
        ("airflow-dag-processor", '127.0.0.1 8080 /api/v2/monitor/health "dag_processor":{"status":"healthy"\n'),
    ],
)
def test_a_container_becomes_its_service_and_knows_what_to_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, probe: str
) -> None:
    become: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr("os.execvpe", lambda *arguments: become.append(arguments))
    monkeypatch.chdir(tmp_path)
    chosen = settings(tmp_path, "")
    lifecycle.become(chosen, name)
    ((program, command, variables),) = become
    row = next(row for row in services(chosen) if row.name == name)
    assert (program, " ".join(command)) == (row.command.split()[0], row.command)
    assert variables.items() >= row.environment.items()
    assert Path.cwd() == REPOSITORY
    assert (chosen.instance / "run" / "probe").read_text() == probe
    assert stat.S_IMODE((chosen.instance / "secrets").stat().st_mode) == 0o700


def replica(tmp_path: Path, container: str) -> subprocess.Popen[str]:
    """Starts what prints its data folder and lives until its input ends, as a replica with a file system of its own."""
    instance = tmp_path / container
    instance.mkdir()
    script = (REPOSITORY / "infra" / "deploy" / "images" / "own_folder.sh").read_text()
    script = script.replace("/replicas", f"{tmp_path}/replicas").replace('"/instance/', f'"{instance}/')
    command = ["bash", "-c", script, "own_folder.sh", "sh", "-c", f"readlink {instance}/data; cat"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_replicas_take_folders_that_no_other_holds(tmp_path: Path) -> None:
    with replica(tmp_path, "a") as first, replica(tmp_path, "b") as second:
        assert first.stdout is not None
        assert second.stdout is not None
        held = [first.stdout.readline().strip(), second.stdout.readline().strip()]
        assert set(held) == {f"{tmp_path}/replicas/{number}/data" for number in (1, 2)}
        first.communicate()
        with replica(tmp_path, "c") as third:
            assert third.communicate()[0].strip() == held[0]
        second.communicate()
