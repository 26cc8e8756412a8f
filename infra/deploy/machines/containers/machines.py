"""Starts and stops the test machines of the inventory `containers`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Final

from infra.deploy.machines.playbooks import ANSIBLE, Playbooks

SCRIPT: Final = Path(__file__).resolve().with_name("machines.sh")


def machines(cluster: Playbooks) -> list[str]:
    """Return NAME=ADDRESS=MIB of each machine of the inventory."""
    program = cluster.settings.software / "cluster-venv" / "bin" / "ansible-inventory"
    listed = subprocess.run(
        [str(program), "--inventory", str(cluster.inventory), "--list"],
        env=cluster.environment(),
        cwd=ANSIBLE,
        stdout=subprocess.PIPE,
        check=True,
    )
    hosts = json.loads(listed.stdout)["_meta"]["hostvars"]
    return [f"{name}={values['ansible_host']}={values['machine_memory_mb']}" for name, values in sorted(hosts.items())]


def start(cluster: Playbooks) -> None:
    """Start the machines that do not run. Raises CalledProcessError."""
    subprocess.run([str(SCRIPT), "up", str(cluster.folder), *machines(cluster)], check=True)


def stop(cluster: Playbooks) -> None:
    """Remove the machines, with their data. Raises CalledProcessError."""
    subprocess.run([str(SCRIPT), "down", str(cluster.folder)], check=True)
