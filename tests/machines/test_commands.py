"""The program behind `make cluster-up` and its relatives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.control.settings import REPOSITORY, Settings
from infra.deploy.machines.playbooks import MachinesError, Playbooks
from infra.deploy.machines.product import make_secrets


def _settings(folder: Path) -> Settings:
    return Settings.load(Path("/dev/null"), {"MARQUEE_STATE": str(folder)})


def test_an_unknown_inventory_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(MachinesError) as error:
        Playbooks.of(_settings(tmp_path), "lab")
    assert str(error.value) == (
        "There is no inventory lab. Give one of containers, containers-ha, vagrant, vm, or the path of a file of your own."
    )


def test_an_inventory_of_ones_own_has_a_folder_of_its_own(tmp_path: Path) -> None:
    mine = tmp_path / "lab.yml"
    mine.write_text("all:\n", encoding="ascii")
    assert Playbooks.of(_settings(tmp_path), str(mine)).folder == tmp_path / "instances" / "cluster-lab"


def test_secrets_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "instances" / "cluster-lab" / "secrets"
    make_secrets(folder)
    before = {path.name: path.read_text(encoding="ascii") for path in folder.iterdir()}
    make_secrets(folder)
    assert {path.name: path.read_text(encoding="ascii") for path in folder.iterdir()} == before
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert sorted(before) == [
        "accounts-admin-password",
        "accounts-secret",
        "airflow-jwt-secret",
        "airflow-password",
        "airflow-secret-key",
        "fernet-key",
        "postgres-password",
        "reviews-client-secret",
        "reviews-secret",
    ]


def test_a_failure_reaches_a_person_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.deploy.machines", "status", "lab"],
        cwd=REPOSITORY,
        env=os.environ | {"MARQUEE_STATE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("marquee: There is no inventory lab.")


def test_without_ansible_the_message_says_what_installs_it(tmp_path: Path) -> None:
    with pytest.raises(MachinesError, match=r"is not there\. `make cluster-up` installs it\."):
        Playbooks.of(_settings(tmp_path), "vagrant").play("status.yml")
