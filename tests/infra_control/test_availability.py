"""Two NameNodes and ResourceManagers: rows, settings of Hadoop, and that without them nothing changes."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from infra.control.rendering import render
from infra.control.rows import Service
from infra.control.services import every_row
from infra.control.settings import Settings, SettingsError
from infra.control.variables import environment

TWO = {
    "MARQUEE_MASTERS": "head worker1",
    "MARQUEE_QUORUM": "head worker1 worker2",
    "MARQUEE_HOSTS": "namenode=edge resourcemanager=edge",
    "MARQUEE_PORT_OFFSET": "100",
}


def _settings(folder: Path, given: dict[str, str]) -> Settings:
    return Settings.load(folder / "none", {"MARQUEE_STATE": str(folder), **given})


def _properties(folder: Path, given: dict[str, str], name: str) -> dict[str, str]:
    settings = _settings(folder, given)
    render(settings, environment(settings))
    tree = ElementTree.parse(settings.instance / "conf" / "hadoop" / f"{name}.xml")
    return {row.findtext("name", ""): row.findtext("value", "") for row in tree.iter("property")}


def test_without_the_settings_there_is_one_of_each(tmp_path: Path) -> None:
    rows = every_row(_settings(tmp_path, {}))
    assert not {"zookeeper", "journalnode", "failover"} & {row.name for row in rows}
    ports = {row.name: row.port for row in rows if isinstance(row, Service)}
    assert (ports["namenode"], ports["resourcemanager"]) == (9000, 8032)
    hdfs = _properties(tmp_path, {}, "hdfs-site")
    assert (hdfs["dfs.nameservices"], hdfs["dfs.ha.automatic-failover.enabled"]) == ("", "false")
    assert _properties(tmp_path, {}, "core-site")["fs.defaultFS"] == "hdfs://localhost:9000"
    assert _properties(tmp_path, {}, "yarn-site")["yarn.resourcemanager.ha.enabled"] == "false"


def test_one_of_the_two_settings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="MARQUEE_MASTERS and MARQUEE_QUORUM belong together"):
        every_row(_settings(tmp_path, {"MARQUEE_MASTERS": "head worker1"}))


def test_a_namenode_waits_for_zookeeper_and_the_journal(tmp_path: Path) -> None:
    rows = {row.name: row for row in every_row(_settings(tmp_path, TWO))}
    assert rows["namenode-format"].after == ("zookeeper", "journalnode")
    assert rows["namenode"].after == ("namenode-format", "zookeeper", "journalnode")
    assert rows["failover"].after == ("namenode", "zookeeper")
    assert rows["resourcemanager"].after == ("zookeeper", "namenode")


def test_the_ports_that_are_probed_are_open_on_a_machine_in_waiting(tmp_path: Path) -> None:
    ports = {row.name: row.port for row in every_row(_settings(tmp_path, TWO)) if isinstance(row, Service)}
    assert (ports["namenode"], ports["resourcemanager"]) == (9970, 8188)


def test_hadoop_knows_both_by_one_name(tmp_path: Path) -> None:
    core, hdfs = _properties(tmp_path, TWO, "core-site"), _properties(tmp_path, TWO, "hdfs-site")
    assert core["fs.defaultFS"] == f"hdfs://{hdfs['dfs.nameservices']}" == "hdfs://marquee-ha"
    assert core["ha.zookeeper.quorum"] == "head:2281,worker1:2281,worker2:2281"
    assert [
        hdfs[f"dfs.namenode.rpc-address.marquee-ha.{name}"] for name in hdfs["dfs.ha.namenodes.marquee-ha"].split(",")
    ] == [
        "head:9100",
        "worker1:9100",
    ]
    journals = "qjournal://head:8585;worker1:8585;worker2:8585/marquee-ha"
    assert hdfs["dfs.namenode.shared.edits.dir.marquee-ha"] == journals


def test_jobs_and_web_clients_have_their_own_addresses(tmp_path: Path) -> None:
    variables = environment(_settings(tmp_path, TWO))
    assert variables["MARQUEE_HDFS_URI"] == "hdfs://marquee-ha"
    assert variables["MARQUEE_WEBHDFS_URL"] == "http://edge:9970"
    assert variables["MARQUEE_YARN_RM_URL"] == "http://edge:8188"


def test_zookeeper_knows_its_members(tmp_path: Path) -> None:
    settings = _settings(tmp_path, TWO)
    render(settings, environment(settings))
    text = (settings.instance / "conf" / "hadoop" / "zookeeper.properties").read_text(encoding="utf-8")
    assert text.splitlines()[-3:] == [
        "server.1=head:2988:3988",
        "server.2=worker1:2988:3988",
        "server.3=worker2:2988:3988",
    ]
