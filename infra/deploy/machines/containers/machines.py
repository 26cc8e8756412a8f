"""Starts and stops the test machines of the inventories `containers` and `containers-ha`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from infra.deploy.machines.playbooks import Playbooks

SCRIPT: Final = Path(__file__).resolve().with_name("machines.sh")


def start(cluster: Playbooks) -> None:
    """Start the machines that do not run. Raises CalledProcessError."""
    machines = [
        f"{name}={values['ansible_host']}={values['machine_memory_mb']}"
        for name, values in sorted(cluster.hosts().items())
    ]
    subprocess.run([str(SCRIPT), "up", str(cluster.folder), *machines], check=True)


def stop(cluster: Playbooks) -> None:
    """Remove the machines, with their data. Raises CalledProcessError."""
    subprocess.run([str(SCRIPT), "down", str(cluster.folder)], check=True)
