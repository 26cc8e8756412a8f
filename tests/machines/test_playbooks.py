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

PLAYBOOKS = ["render.yml", "run.yml", "site.yml", "status.yml", "stop.yml", "test.yml"]
INVENTORIES = sorted(path.name for path in (ANSIBLE / "inventories").glob("*.yml"))
# The groups of each inventory, in the order of its file.
GROUPS = ["heads", "workers", "edges", "datanodes"]
EVERY_SERVICE = {"MARQUEE_MONITORING": "yes", "MARQUEE_HOSTS": "spark-master"}

pytestmark = needs_ansible


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the four machines of the inventory `containers` get."""
    folder = tmp_path_factory.mktemp("rendered")
    words = ("--inventory", "inventories/containers.yml", "--extra-vars", f"folder={folder}")
    done = ansible(folder, "ansible-playbook", *words, "render.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


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
    assert len(units) == 22
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
