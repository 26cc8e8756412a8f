"""The playbooks: syntax, the templates, and that they name what the product has."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from infra.control.given.env_file import read_env_file
from infra.control.rows import Service
from infra.control.services import every_row
from infra.control.settings import TABLE, Settings
from infra.deploy.machines.playbooks import ANSIBLE
from tests.machines.ansible_programs import COMMIT, ansible, needs_ansible

PLAYBOOKS = sorted(path.name for path in ANSIBLE.glob("*.yml"))
INVENTORIES = sorted(path.name for path in (ANSIBLE / "inventories").glob("*.yml"))
# The groups of each inventory, in the order of its file.
GROUPS = ["heads", "workers", "edges", "datanodes", "masters", "quorum"]
EVERY_SERVICE = {
    "MARQUEE_MONITORING": "yes",
    "MARQUEE_HOSTS": "spark-master",
    "MARQUEE_MASTERS": "a b",
    "MARQUEE_QUORUM": "a b c",
}

pytestmark = needs_ansible


def render(folder: Path, *words: str) -> Path:
    """Return a folder with what the machines of an inventory get."""
    done = ansible(folder, "ansible-playbook", "--extra-vars", f"folder={folder}", *words, "render.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the four machines of the inventory `containers` get."""
    return render(tmp_path_factory.mktemp("rendered"), "--inventory", "inventories/containers.yml")


@pytest.fixture(scope="module")
def rendered_twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the machines of the inventory `containers-ha` get."""
    return render(tmp_path_factory.mktemp("rendered-ha"), "--inventory", "inventories/containers-ha.yml")


def test_each_playbook_is_well_formed(tmp_path: Path) -> None:
    done = ansible(tmp_path, "ansible-playbook", "--inventory", "inventories/vagrant.yml", "--syntax-check", *PLAYBOOKS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_an_inventory_has_the_groups_that_the_placement_names(inventory: str) -> None:
    groups = yaml.safe_load((ANSIBLE / "inventories" / inventory).read_text(encoding="utf-8"))["all"]["children"]
    assert list(groups) == GROUPS


def test_each_service_of_the_product_has_its_place_and_no_other_is_named() -> None:
    placement = yaml.safe_load((ANSIBLE / "group_vars" / "all" / "main.yml").read_text(encoding="utf-8"))
    names = {row.name for row in every_row(Settings.load(Path("/dev/null"), EVERY_SERVICE)) if isinstance(row, Service)}
    others = {"datanode2", "datanode3", "datanode4"}
    assert set(placement["cluster_placement"]) == names - others
    assert set(placement["cluster_placement"].values()) <= set(GROUPS)


def test_a_role_starts_each_service_of_the_placement() -> None:
    placement = yaml.safe_load((ANSIBLE / "group_vars" / "all" / "main.yml").read_text(encoding="utf-8"))
    roles = "".join(path.read_text(encoding="utf-8") for path in sorted((ANSIBLE / "roles").glob("*/*/*.yml")))
    words = set(re.findall(r"[a-z0-9-]+", roles))
    assert set(placement["cluster_placement"]) <= words


def test_each_setting_of_a_machine_is_one_that_the_product_knows_and_accepts(rendered: Path) -> None:
    for machine in ("head", "worker1", "worker2", "edge"):
        file = rendered / machine / "env"
        assert set(read_env_file(file, {setting.name for setting in TABLE})) <= {setting.name for setting in TABLE}
        settings = Settings.load(file, {})
        assert settings["MARQUEE_GIT_COMMIT"] == COMMIT
        assert settings.hosts["namenode"] == "head"
        assert settings.hosts["airflow-scheduler"] == "edge"
        assert settings["MARQUEE_DATANODES"] == "3"
        assert settings["MARQUEE_NODEMANAGERS"] == "2"


def test_heaps_follow_from_the_memory_found(rendered: Path) -> None:
    settings = Settings.load(rendered / "head" / "env", {})
    sizes = {name: settings.number(name) for name in ("NAMENODE_HEAP", "HIVESERVER2_HEAP", "DATANODE_HEAP")}
    assert sizes == {"NAMENODE_HEAP": 245, "HIVESERVER2_HEAP": 512, "DATANODE_HEAP": 128}


def test_no_secret_is_among_the_settings_or_in_a_unit(rendered: Path) -> None:
    secrets = [path.read_text(encoding="utf-8") for path in (rendered / "instances/cluster-test/secrets").iterdir()]
    assert len(secrets) == 9
    for machine in ("head", "worker1", "worker2", "edge"):
        for file in (rendered / machine).iterdir():
            text = file.read_text(encoding="utf-8")
            assert not [secret for secret in secrets if secret in text], file


def test_a_service_comes_after_what_it_needs_on_the_same_machine(rendered: Path) -> None:
    unit = (rendered / "head" / "marquee-hiveserver2.service").read_text(encoding="utf-8")
    after = re.findall(r"^After=(marquee-.*)$", unit, re.MULTILINE)
    assert after == ["marquee-metastore.service", "marquee-hdfs-folders.service", "marquee-resourcemanager.service"]


def test_preparations_run_before_their_service_or_after_it_serves(rendered: Path) -> None:
    unit = (rendered / "head" / "marquee-postgres.service").read_text(encoding="utf-8")
    steps = re.findall(r"^(ExecStart\w*)=.* service ([a-z-]+)$", unit, re.MULTILINE)
    assert steps == [
        ("ExecStartPre", "postgres-files"),
        ("ExecStart", "postgres"),
        ("ExecStartPost", "postgres-databases"),
    ]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_each_unit_is_hardened(rendered: Path) -> None:
    units = sorted((rendered / "head").glob("*.service"))
    assert len(units) == 25
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=40", "--no-pager", *map(str, units)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_check_of_hardening_refuses_a_plain_unit(tmp_path: Path) -> None:
    unit = tmp_path / "marquee-plain.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n", encoding="ascii")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=40", "--no-pager", str(unit)]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_the_firewall_opens_the_gateway_on_its_machine_alone(rendered: Path) -> None:
    opened = {
        machine: re.findall(
            r"tcp dport (\d+) accept", (rendered / machine / "nftables.conf").read_text(encoding="utf-8")
        )
        for machine in ("head", "worker1", "edge")
    }
    assert opened == {"head": ["22"], "worker1": ["22"], "edge": ["22", "8090"]}


def test_one_worker_more_changes_no_unit_but_those_that_count_workers(rendered: Path, tmp_path: Path) -> None:
    inventory = yaml.safe_load((ANSIBLE / "inventories" / "containers.yml").read_text(encoding="utf-8"))
    inventory["all"]["children"]["workers"]["hosts"]["worker3"] = {"ansible_host": "10.89.23.23"}
    (tmp_path / "more.yml").write_text(yaml.safe_dump(inventory, sort_keys=False), encoding="utf-8")
    more = render(tmp_path, "--inventory", str(tmp_path / "more.yml"))
    assert Settings.load(more / "head" / "env", {})["MARQUEE_NODEMANAGERS"] == "3"
    units = sorted(path.name for path in (more / "head").glob("*.service"))
    changed = {name for name in units if (more / "head" / name).read_bytes() != (rendered / "head" / name).read_bytes()}
    assert changed == {
        *(f"marquee-airflow-{name}.service" for name in ("api-server", "dag-processor", "scheduler", "triggerer")),
        "marquee-exporter.service",
        "marquee-prometheus.service",
    }


def test_two_namenodes_are_reached_by_the_machine_that_knows_the_active_one(rendered_twice: Path) -> None:
    for machine in ("head", "worker1", "worker2", "edge"):
        settings = Settings.load(rendered_twice / machine / "env", {})
        assert settings["MARQUEE_MASTERS"] == "head worker1"
        assert settings["MARQUEE_QUORUM"] == "head worker1 worker2"
        assert settings.hosts["namenode"] == settings.hosts["resourcemanager"] == "edge"
        assert settings.hosts["metastore"] == "head"
        assert "failover" not in settings.hosts


def test_the_way_to_the_active_one_asks_both(rendered_twice: Path) -> None:
    text = (rendered_twice / "edge" / "haproxy.cfg").read_text(encoding="utf-8")
    assert re.findall(r"^ *(listen|bind|server) (.*)$", text, re.MULTILINE) == [
        ("listen", "namenode"),
        ("bind", "*:9870"),
        ("server", "head head:9870"),
        ("server", "worker1 worker1:9870"),
        ("listen", "resourcemanager"),
        ("bind", "*:8088"),
        ("server", "head head:8088"),
        ("server", "worker1 worker1:8088"),
    ]


def test_a_namenode_starts_after_zookeeper_and_the_journal(rendered_twice: Path) -> None:
    unit = (rendered_twice / "head" / "marquee-namenode.service").read_text(encoding="utf-8")
    steps = re.findall(r"^(?:After=marquee-|ExecStart\w*=.* service )([a-z-]+)", unit, re.MULTILINE)
    assert steps == ["zookeeper", "journalnode", "namenode-format", "namenode"]
