"""A cluster of four machines, containers with systemd, set up by the playbooks. `make test-cluster` runs it."""

from __future__ import annotations

import re

import pytest

from infra.deploy.machines.playbooks import Playbooks
from tests.machines.ansible_programs import changes
from tests.stack import BATCH_DATE

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

# How the SHA-256 begins that `make demo` prints for the embedded set, on one machine.
ON_ONE_MACHINE = "4e0bf6ce66ee"


def test_every_service_runs(cluster: Playbooks) -> None:
    cluster.play("status.yml")


def test_each_worker_has_its_part_of_the_data_and_of_the_work(cluster: Playbooks) -> None:
    cluster.play("test.yml")


def test_a_second_run_changes_nothing(cluster: Playbooks, capfd: pytest.CaptureFixture[str]) -> None:
    cluster.play("site.yml")
    assert changes(capfd.readouterr().out) == {"head": "0", "worker1": "0", "worker2": "0", "edge": "0"}


def test_a_check_of_what_is_set_up_finds_nothing_to_do(cluster: Playbooks, capfd: pytest.CaptureFixture[str]) -> None:
    cluster.play("site.yml", "--check")
    assert changes(capfd.readouterr().out) == {"head": "0", "worker1": "0", "worker2": "0", "edge": "0"}


def test_the_pipeline_publishes_the_same_bytes_as_on_one_machine(
    cluster: Playbooks, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster.play("run.yml", "--extra-vars", f"run_words='--batch-date {BATCH_DATE}'")
    shown = capfd.readouterr().out
    print(shown)
    assert re.findall(r"has the checksum ([0-9a-f]{12})", shown) == [ON_ONE_MACHINE]
