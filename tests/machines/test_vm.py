"""A virtual machine under QEMU takes the roles base and hdfs. `pytest -m cluster tests/machines/test_vm.py` runs it alone."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from infra.control.settings import Settings
from infra.deploy.machines.__main__ import down, up
from infra.deploy.machines.playbooks import Playbooks
from tests.machines.ansible_programs import changes

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def vm() -> Iterator[Playbooks]:
    """Yield the machine's playbooks, with HDFS set up, and remove the machine at the end."""
    machines = Playbooks.of(Settings.load(), "vm")
    try:
        started = time.monotonic()
        up(machines)
        print(f"vm  from nothing to HDFS: {time.monotonic() - started:.0f} s", flush=True)
        yield machines
    finally:
        down(machines)


def on(vm: Playbooks, *command: str) -> str:
    """Return what a command printed on the machine, as root."""
    ssh = vm.folder / "ssh"
    options = ["-i", f"{ssh}/id_ed25519", "-p", "10022", "-o", f"UserKnownHostsFile={ssh}/known_hosts"]
    words = ["ssh", *options, "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "root@127.0.0.1", *command]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def changes_of_a_run(vm: Playbooks, capfd: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Run the playbook, and return how many tasks changed something on each machine."""
    vm.play("vm.yml")
    return changes(capfd.readouterr().out)


def test_it_has_a_kernel_and_a_disk_of_its_own(vm: Playbooks) -> None:
    assert on(vm, "systemd-detect-virt").strip() == "qemu"
    assert on(vm, "findmnt", "--noheadings", "--output", "SOURCE,FSTYPE", "/").split() == ["/dev/vda", "ext4"]


def test_a_second_run_changes_nothing(vm: Playbooks, capfd: pytest.CaptureFixture[str]) -> None:
    assert changes_of_a_run(vm, capfd) == {"vm": "0"}


def test_hdfs_comes_back_when_the_machine_starts_again(vm: Playbooks, capfd: pytest.CaptureFixture[str]) -> None:
    booted = on(vm, "cat", "/proc/sys/kernel/random/boot_id")
    on(vm, "systemd-run", "--on-active=1", "systemctl", "reboot")
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        try:
            if on(vm, "cat", "/proc/sys/kernel/random/boot_id") != booted:
                break
        except subprocess.CalledProcessError:
            time.sleep(2)
    # The playbook stores a file and reads it.
    assert changes_of_a_run(vm, capfd) == {"vm": "0"}
