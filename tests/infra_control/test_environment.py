import json
import stat
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from infra.control.environment import environment, render
from infra.control.settings import REPOSITORY, Settings, SettingsError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_PORT_OFFSET": "10000"})


def property_of(path: Path, name: str) -> str | None:
    return {p.findtext("name"): p.findtext("value") for p in ElementTree.parse(path).getroot().iter("property")}.get(
        name
    )


def test_generated_secrets_are_kept_and_private(settings: Settings) -> None:
    first, second = environment(settings), environment(settings)
    assert len(first["MARQUEE_AIRFLOW_PASSWORD"]) == 32
    assert first["MARQUEE_AIRFLOW_PASSWORD"] == second["MARQUEE_AIRFLOW_PASSWORD"]
    assert first["MARQUEE_AIRFLOW_PASSWORD"] != first["MARQUEE_POSTGRES_PASSWORD"]
    for file in (settings.instance / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_that_could_not_be_written_is_made_at_the_next_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space left"):
            environment(settings)
    assert len(environment(settings)["MARQUEE_POSTGRES_PASSWORD"]) == 32


def test_an_empty_secret_is_refused_by_its_path(settings: Settings) -> None:
    environment(settings)
    path = settings.instance / "secrets" / "fernet-key"
    path.write_text("\n", encoding="ascii")
    with pytest.raises(SettingsError) as raised:
        environment(settings)
    assert str(raised.value) == (
        f"{path} is empty: put the secret back from a backup, or delete the file to have one made."
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


def test_a_chosen_password_is_used(tmp_path: Path) -> None:
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_AIRFLOW_PASSWORD": "chosen"})
    assert environment(chosen)["MARQUEE_AIRFLOW_PASSWORD"] == "chosen"


def test_rendered_files_hold_the_ports_with_their_offset_and_three_replicas(settings: Settings) -> None:
    render(settings, environment(settings))
    conf = settings.instance / "conf"
    assert property_of(conf / "hadoop" / "core-site.xml", "fs.defaultFS") == "hdfs://localhost:19000"
    assert property_of(conf / "hadoop" / "hdfs-site.xml", "dfs.replication") == "3"
    assert property_of(conf / "hadoop" / "yarn-site.xml", "yarn.scheduler.maximum-allocation-vcores") == "4"
    assert property_of(conf / "hive" / "hive-site.xml", "hive.metastore.uris") == "thrift://localhost:19083"
    assert (
        "spark.hadoop.hive.metastore.uris         thrift://localhost:19083"
        in (conf / "spark" / "spark-defaults.conf").read_text()
    )


def test_no_placeholder_is_left_and_files_with_passwords_are_private(settings: Settings) -> None:
    render(settings, environment(settings))
    for file in (settings.instance / "conf").rglob("*.*"):
        assert "@{" not in file.read_text(encoding="utf-8"), file
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


@pytest.mark.parametrize(
    ("master", "expected"),
    [
        ("yarn", {"conn_type": "spark", "host": "yarn"}),
        ("local[*]", {"conn_type": "spark", "host": "local[*]"}),
        ("spark://localhost:7077", {"conn_type": "spark", "host": "spark://localhost", "port": 7077}),
    ],
)
def test_the_spark_master_is_the_connections_alone(tmp_path: Path, master: str, expected: dict[str, object]) -> None:
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_SPARK_MASTER": master})
    connection = json.loads(environment(chosen)["AIRFLOW_CONN_SPARK_DEFAULT"])
    assert {name: connection[name] for name in connection if name != "extra"} == expected
    render(chosen, environment(chosen))
    assert "spark.master" not in (chosen.instance / "conf" / "spark" / "spark-defaults.conf").read_text()


@pytest.mark.parametrize("master", ["spark://host", "spark://host:port", "spark://:7077"])
def test_a_spark_master_without_host_and_port_is_told_in_one_sentence(tmp_path: Path, master: str) -> None:
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_SPARK_MASTER": master})
    with pytest.raises(SettingsError) as raised:
        environment(chosen)
    assert str(raised.value) == f"MARQUEE_SPARK_MASTER={master!r} is not spark://host:port. Correct it in .env."


def test_the_gateways_certificate_is_looked_for_from_the_repository(tmp_path: Path) -> None:
    files = {"MARQUEE_GATEWAY_CERTIFICATE": "tls/chain.pem", "MARQUEE_GATEWAY_KEY": "/etc/tls/key.pem"}
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), **files})
    render(chosen, environment(chosen))
    rendered = (chosen.instance / "conf" / "gateway" / "nginx.conf").read_text(encoding="utf-8")
    assert f'ssl_certificate "{REPOSITORY}/tls/chain.pem";' in rendered
    assert 'ssl_certificate_key "/etc/tls/key.pem";' in rendered


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
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_OPENLINEAGE": "ftp://x"})
    with pytest.raises(SettingsError, match="is neither `file` nor an http"):
        environment(chosen)


def test_the_log_level_and_the_commit_of_an_image_can_be_set_in_env_file(tmp_path: Path) -> None:
    chosen = "MARQUEE_SERVING_LOG_LEVEL=warning\nMARQUEE_GIT_COMMIT=0123456\n"  # pragma: allowlist secret
    (tmp_path / ".env").write_text(f"MARQUEE_STATE={tmp_path}\n{chosen}", encoding="ascii")
    variables = environment(Settings.load(tmp_path / ".env", {}))
    assert (variables["MARQUEE_SERVING_LOG_LEVEL"], variables["MARQUEE_GIT_COMMIT"]) == ("warning", "0123456")
