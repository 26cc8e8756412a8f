"""Ansible's programs of the environment that make installs, run on the project's playbooks."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from infra.control.settings import Settings
from infra.deploy.machines.playbooks import ANSIBLE
from infra.deploy.machines.product import make_secrets

COMMIT = "0123456789" * 4
PROGRAMS = Settings.load().software / "cluster-venv" / "bin"
needs_ansible = pytest.mark.skipif(not PROGRAMS.is_dir(), reason="`make cluster-environment` installs Ansible")


def ansible(folder: Path, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Return what a program of Ansible printed, with the cluster's folder of a test."""
    make_secrets(folder / "instances" / "cluster-test" / "secrets")
    variables = os.environ | {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "MARQUEE_CLUSTER_STATE": str(folder / "instances" / "cluster-test"),
        "MARQUEE_CLUSTER_COMMIT": COMMIT,
    }
    return subprocess.run(
        [str(PROGRAMS / program), *words], env=variables, cwd=ANSIBLE, capture_output=True, text=True, check=False
    )


def changes(shown: str) -> dict[str, str]:
    """Return how many tasks changed something on each machine, as a playbook's recap says."""
    return dict(re.findall(r"^(\w+) +: ok=\d+ +changed=(\d+)", shown, re.MULTILINE))
