import re
import stat
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from infra.control.rendering import render
from infra.control.settings import REPOSITORY, Settings
from infra.control.variables import environment


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_PORT_OFFSET": "10000"})


def property_of(path: Path, name: str) -> str | None:
    return {p.findtext("name"): p.findtext("value") for p in ElementTree.parse(path).getroot().iter("property")}.get(
        name
    )


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


def test_the_gateways_certificate_is_looked_for_from_the_repository(tmp_path: Path) -> None:
    files = {"MARQUEE_GATEWAY_CERTIFICATE": "tls/chain.pem", "MARQUEE_GATEWAY_KEY": "/etc/tls/key.pem"}
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), **files})
    render(chosen, environment(chosen))
    rendered = (chosen.instance / "conf" / "gateway" / "nginx.conf").read_text(encoding="utf-8")
    assert f'ssl_certificate "{REPOSITORY}/tls/chain.pem";' in rendered
    assert 'ssl_certificate_key "/etc/tls/key.pem";' in rendered


def test_an_application_master_is_compiled_quickly_and_a_task_well(settings: Settings) -> None:
    render(settings, environment(settings))
    conf = settings.instance / "conf"
    quick = "-XX:TieredStopAtLevel=1"
    mapred, tez, hive = (conf / name for name in ("hadoop/mapred-site.xml", "hive/tez-site.xml", "hive/hive-site.xml"))
    assert quick in property_of(mapred, "yarn.app.mapreduce.am.command-opts")
    assert quick in property_of(tez, "tez.am.launch.cmd-opts")
    assert quick not in property_of(mapred, "mapred.child.java.opts")
    assert quick not in property_of(hive, "hive.tez.java.opts")


@pytest.mark.parametrize(("executors", "ratio"), [("1", "0.0"), ("2", "0.8"), ("8", "0.8")])
def test_one_executor_is_not_waited_for_and_several_are(tmp_path: Path, executors: str, ratio: str) -> None:
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_SPARK_EXECUTORS": executors})
    render(settings, environment(settings))
    spark = (settings.instance / "conf" / "spark" / "spark-defaults.conf").read_text()
    assert re.search(rf"^spark\.scheduler\.minRegisteredResourcesRatio +{ratio}$", spark, re.MULTILINE)


@pytest.mark.parametrize(("nodemanagers", "at_once"), [("1", "100"), ("2", "1")])
def test_a_small_job_is_shared_out_among_several_workers(tmp_path: Path, nodemanagers: str, at_once: str) -> None:
    given = {
        "MARQUEE_STATE": str(tmp_path),
        "MARQUEE_NODEMANAGERS": nodemanagers,
        "MARQUEE_HOSTS": "nodemanager=workers",
    }
    chosen = Settings.load(tmp_path / ".env", given)
    render(chosen, environment(chosen))
    name = "yarn.scheduler.capacity.per-node-heartbeat.maximum-container-assignments"
    assert property_of(chosen.instance / "conf" / "hadoop" / "capacity-scheduler.xml", name) == at_once
