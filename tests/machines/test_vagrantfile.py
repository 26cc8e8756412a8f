"""The Vagrantfile, evaluated by vagrant itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infra.deploy.machines.playbooks import FOLDER

# VirtualBox is in no package registry. vagrant asks its program for the version before it reads the provider's settings.
VIRTUALBOX = "#!/bin/sh\ncase $1 in --version) echo 7.0.20r163906 ;; *) exit 1 ;; esac\n"


def _vagrant(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    program = folder / "bin" / "VBoxManage"
    program.parent.mkdir(exist_ok=True)
    program.write_text(VIRTUALBOX, encoding="ascii")
    program.chmod(0o755)
    given = os.environ | {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "VAGRANT_CWD": str(FOLDER),
        "VAGRANT_DOTFILE_PATH": str(folder / "dotfile"),
        "VAGRANT_HOME": str(folder / "home"),
        "VAGRANT_CHECKPOINT_DISABLE": "1",
    }
    return subprocess.run(["vagrant", *words], env=given | variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("provider", ["virtualbox", "libvirt"])
@pytest.mark.parametrize("workers", ["1", "2", "3"])
def test_vagrant_accepts_the_machines(provider: str, workers: str, tmp_path: Path) -> None:
    done = _vagrant(tmp_path, "validate", VAGRANT_DEFAULT_PROVIDER=provider, MARQUEE_VM_WORKERS=workers)
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_number_of_workers_is_refused_with_its_reason(tmp_path: Path) -> None:
    done = _vagrant(tmp_path, "validate", VAGRANT_DEFAULT_PROVIDER="libvirt", MARQUEE_VM_WORKERS="9")
    assert done.returncode != 0
    assert "MARQUEE_VM_WORKERS=9 is not 1, 2 or 3. Set one of them." in done.stderr
