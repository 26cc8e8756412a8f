import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from infra.control.rendering import render
from infra.control.settings import REPOSITORY, Settings, SettingsError
from infra.control.variables import environment


def property_of(path: Path, name: str) -> str | None:
    return {p.findtext("name"): p.findtext("value") for p in ElementTree.parse(path).getroot().iter("property")}.get(
        name
    )


def test_a_password_of_any_characters_reaches_airflow_accounts_and_hive_as_it_is(tmp_path: Path) -> None:
    password = 'p@ss&w/ord#1x"\\'  # pragma: allowlist secret
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_POSTGRES_PASSWORD": password})
    variables = environment(chosen)
    quoted = "p%40ss%26w%2Ford%231x%22%5C"  # pragma: allowlist secret
    address = f"{quoted}@127.0.0.1:15432"
    assert variables["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"postgresql+psycopg2://airflow:{address}/airflow"
    assert variables["MARQUEE_ACCOUNTS_DATABASE"] == f"postgresql+psycopg://accounts:{address}/accounts"
    render(chosen, variables)
    hive = chosen.instance / "conf" / "hive" / "hive-site.xml"
    assert property_of(hive, "javax.jdo.option.ConnectionPassword") == password


@pytest.mark.parametrize(
    ("master", "expected"),
    [
        ("yarn", {"conn_type": "spark", "host": "yarn"}),
        ("local[*]", {"conn_type": "spark", "host": "local[*]"}),
        ("spark://localhost:7077", {"conn_type": "spark", "host": "spark://localhost", "port": 7077}),
        ("k8s://https://localhost:6443", {"conn_type": "spark", "host": "k8s://https://localhost:6443"}),
    ],
)
def test_the_spark_master_is_the_connections_alone(tmp_path: Path, master: str, expected: dict[str, object]) -> None:
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_SPARK_MASTER": master})
    connection = json.loads(environment(chosen)["AIRFLOW_CONN_SPARK_DEFAULT"])
    assert {name: connection[name] for name in connection if name != "extra"} == expected
    if not master.startswith("k8s://"):
        assert (
            environment(chosen)["AIRFLOW_CONN_SPARK_LOCAL_FILES"] == environment(chosen)["AIRFLOW_CONN_SPARK_DEFAULT"]
        )
    render(chosen, environment(chosen))
    assert "spark.master" not in (chosen.instance / "conf" / "spark" / "spark-defaults.conf").read_text()


def test_on_kubernetes_the_driver_is_a_pod_of_a_namespace_and_kubernetes_conf_holds_paths_of_the_image(
    tmp_path: Path,
) -> None:
    given = {"MARQUEE_STATE": str(tmp_path), "MARQUEE_SPARK_MASTER": "k8s://https://localhost:6443"}
    chosen = Settings.load(tmp_path / ".env", {**given, "MARQUEE_SPARK_NAMESPACE": "night"})
    variables = environment(chosen)
    extra = json.loads(variables["AIRFLOW_CONN_SPARK_DEFAULT"])["extra"]
    assert extra == {"deploy-mode": "cluster", "spark-binary": "spark-submit", "namespace": "night"}
    local_files = json.loads(variables["AIRFLOW_CONN_SPARK_LOCAL_FILES"])
    assert (local_files["host"], local_files["extra"]["deploy-mode"]) == ("yarn", "client")
    assert "KUBECONFIG" not in variables
    render(chosen, variables)
    folder = chosen.instance / "conf" / "spark"
    on_kubernetes, elsewhere = (
        dict(line.split(maxsplit=1) for line in (folder / name).read_text().splitlines() if line[:1] not in ("#", ""))
        for name in ("kubernetes.conf", "spark-defaults.conf")
    )
    assert on_kubernetes["spark.kubernetes.namespace"] == "night"
    # What gives the model its bytes is the same everywhere.
    for name in elsewhere:
        if name.startswith("spark.sql.") and "jars.path" not in name:
            assert on_kubernetes[name] == elsewhere[name], name
    templates = {"spark.kubernetes.driver.podTemplateFile", "spark.kubernetes.executor.podTemplateFile"}
    here = {name for name, value in on_kubernetes.items() if str(tmp_path) in value or str(REPOSITORY) in value}
    assert here == templates


def test_the_kubeconfig_that_is_set_is_what_spark_submit_reads(tmp_path: Path) -> None:
    given = {"MARQUEE_STATE": str(tmp_path), "MARQUEE_KUBECONFIG": "/secrets/kubeconfig"}
    assert environment(Settings.load(tmp_path / ".env", given))["KUBECONFIG"] == "/secrets/kubeconfig"


@pytest.mark.parametrize("master", ["spark://host", "spark://host:port", "spark://:7077", "k8s://host:6443"])
def test_a_spark_master_without_host_and_port_is_told_in_one_sentence(tmp_path: Path, master: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_SPARK_MASTER": master})
    assert str(raised.value).startswith(
        f"MARQUEE_SPARK_MASTER={master!r} is not yarn, local[*], local[2], spark://host:port or k8s://https://host:port ("
    )


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ("", None),
        ("file", {"type": "file", "append": True}),
        ("http://lineage.example:5000", {"type": "http", "url": "http://lineage.example:5000"}),
    ],
)
def test_openlineage_events_go_where_the_setting_says(
    tmp_path: Path, destination: str, expected: dict[str, object] | None
) -> None:
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_OPENLINEAGE": destination})
    variables = environment(chosen)
    assert (variables.get("AIRFLOW__OPENLINEAGE__DISABLED") == "True") is (expected is None)
    if expected is not None:
        transport = json.loads(variables["AIRFLOW__OPENLINEAGE__TRANSPORT"])
        written = transport.pop("log_file_path", None)
        assert transport == expected
        assert written == (str(chosen.instance / "logs" / "openlineage.ndjson") if destination == "file" else None)


def test_a_destination_of_openlineage_that_cannot_be_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="='ftp://x' is not `file` or an http"):
        Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_OPENLINEAGE": "ftp://x"})


def test_the_log_level_and_the_commit_of_an_image_can_be_set_in_env_file(tmp_path: Path) -> None:
    chosen = "MARQUEE_SERVING_LOG_LEVEL=warning\nMARQUEE_GIT_COMMIT=0123456\n"  # pragma: allowlist secret
    (tmp_path / ".env").write_text(f"MARQUEE_STATE={tmp_path}\n{chosen}", encoding="ascii")
    variables = environment(Settings.load(tmp_path / ".env", {}))
    assert (variables["MARQUEE_SERVING_LOG_LEVEL"], variables["MARQUEE_GIT_COMMIT"]) == ("warning", "0123456")


def test_a_user_at_hadoop_is_the_same_to_hdfs_yarn_hive_and_web_hdfs(tmp_path: Path) -> None:
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_HADOOP_USER": "platform"})
    variables = environment(chosen)
    assert variables["HADOOP_USER_NAME"] == "platform"
    assert variables["MARQUEE_HDFS_USER"] == "platform"
    assert json.loads(variables["AIRFLOW_CONN_WEBHDFS_DEFAULT"])["login"] == "platform"
    assert json.loads(variables["AIRFLOW_CONN_HIVESERVER2_DEFAULT"])["login"] == "platform"
    render(chosen, variables)
    site = chosen.instance / "conf" / "hadoop" / "core-site.xml"
    assert property_of(site, "hadoop.http.staticuser.user") == "platform"
    assert property_of(site, "hadoop.proxyuser.platform.hosts") == "*"


def test_without_that_setting_hadoop_asks_the_system_for_the_user(tmp_path: Path) -> None:
    assert "HADOOP_USER_NAME" not in environment(Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)}))


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("no", ""),
        ("yes", "http://127.0.0.1:9870"),
        ("s3://films/marquee/publications", "s3://films/marquee/publications"),
    ],
)
def test_publications_are_announced_nowhere_in_hdfs_or_in_an_s3_like_store(
    tmp_path: Path, chosen: str, expected: str
) -> None:
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_ANNOUNCE": chosen})
    assert environment(settings)["MARQUEE_ANNOUNCE_TO"] == expected


@pytest.mark.parametrize("wrong", ["maybe", "s3://", "s3://Films", "s3://films/a b", "http://127.0.0.1:9870"])
def test_another_place_for_announcements_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(SettingsError, match="MARQUEE_ANNOUNCE"):
        Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_ANNOUNCE": wrong})
