"""Starts and stops the machine of the inventory `vm`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from infra.deploy.machines.playbooks import Playbooks

SCRIPT: Final = Path(__file__).resolve().with_name("machine.sh")


def start(cluster: Playbooks) -> None:
    """Start the machine if it does not run, and wait for its SSH.

    Raises CalledProcessError.
    """
    subprocess.run([str(SCRIPT), "up", str(cluster.folder), str(cluster.settings.software)], check=True)


def stop(cluster: Playbooks) -> None:
    """Remove the machine, with its disk. Raises CalledProcessError."""
    subprocess.run([str(SCRIPT), "down", str(cluster.folder)], check=True)
