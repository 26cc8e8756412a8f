"""A cluster's folder on this machine, and Ansible's commands for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.control.settings import REPOSITORY, Settings
from infra.deploy.machines.product import make_secrets

FOLDER: Final = Path(__file__).resolve().parent
ANSIBLE: Final = FOLDER / "ansible"


class MachinesError(Exception):
    """A command for a cluster failed.

    The message says which one, why, and what to do next.
    """


@dataclass(frozen=True)
class Playbooks:
    """The inventory of a cluster, and the folder of its secrets, keys and package.

    Two inventories of one name share a folder.
    """

    settings: Settings
    inventory: Path

    @classmethod
    def of(cls, settings: Settings, given: str) -> Playbooks:
        """Return those of an inventory of the project, by its name, or of a file.

        Raises MachinesError if there is neither.
        """
        known = ANSIBLE / "inventories" / f"{given}.yml"
        inventory = known if known.is_file() else REPOSITORY / given
        if not inventory.is_file():
            names = ", ".join(sorted(path.stem for path in known.parent.glob("*.yml") if "." not in path.stem))
            raise MachinesError(
                f"There is no inventory {given}. Give one of {names}, or the path of a file of your own."
            )
        return cls(settings, inventory.resolve())

    @property
    def name(self) -> str:
        """Return the inventory's name without its ending."""
        return self.inventory.name.partition(".")[0]

    @property
    def folder(self) -> Path:
        """Return the folder of the cluster's secrets, keys and package."""
        return self.settings.state / "instances" / f"cluster-{self.name}"

    def hosts(self) -> dict[str, dict[str, Any]]:
        """Return the variables of each machine of the inventory.

        Raises MachinesError if it can't be read.
        """
        command = [str(self._program("ansible-inventory")), "--inventory", str(self.inventory), "--list"]
        listed = subprocess.run(command, env=self.environment(), cwd=ANSIBLE, stdout=subprocess.PIPE, check=False)
        if listed.returncode != 0:
            raise MachinesError(f"{self.inventory} can't be read. The lines above say why.")
        found: dict[str, dict[str, Any]] = json.loads(listed.stdout)["_meta"]["hostvars"]
        return found

    def worker(self, given: str) -> str:
        """Return a machine's name as it was given.

        Raises MachinesError if the inventory has none of that name.
        """
        if given not in (names := sorted(self.hosts())):
            raise MachinesError(f"WORKER={given} is not in {self.inventory.name}. Give one of: {', '.join(names)}.")
        return given

    def _program(self, name: str) -> Path:
        program = self.settings.software / "cluster-venv" / "bin" / name
        if not program.is_file():
            raise MachinesError(f"{program} is not there. `make cluster-up` installs it.")
        return program

    def environment(self) -> dict[str, str]:
        """Return the variables that the playbooks and Vagrant read."""
        return os.environ | {
            "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "MARQUEE_CLUSTER_STATE": str(self.folder),
            "MARQUEE_CLUSTER_COMMIT": self.commit(),
            "VAGRANT_DOTFILE_PATH": str(self.folder / "vagrant"),
            "VAGRANT_CWD": str(FOLDER),
        }

    def commit(self) -> str:
        """Return the commit that the machines get.

        Raises MachinesError outside a checkout.
        """
        found = subprocess.run(
            ["git", "-c", "safe.directory=*", "rev-parse", "HEAD"],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode != 0:
            raise MachinesError(
                f"This folder is no checkout: {found.stderr.strip()}. Clone the repository, and run the command there."
            )
        return found.stdout.strip()

    def prepare(self) -> None:
        """Make the cluster's secrets, and the package of the commit.

        What is not committed does not reach the machines. Raises MachinesError.
        """
        make_secrets(self.folder / "secrets")
        package = self.folder / "package.tar"
        command = ["git", "-c", "safe.directory=*", "archive", "--format=tar", f"--output={package}", self.commit()]
        if subprocess.run(command, cwd=REPOSITORY, check=False).returncode != 0:
            raise MachinesError(f"git could not write {package}. Free some space, and run the command again.")

    def play(self, playbook: str, *options: str) -> None:
        """Run a playbook. Raises MachinesError if a task failed."""
        command = [
            str(self._program("ansible-playbook")),
            "--inventory",
            str(self.inventory),
            str(ANSIBLE / playbook),
            *options,
        ]
        if subprocess.run(command, env=self.environment(), cwd=ANSIBLE, check=False).returncode != 0:
            raise MachinesError(
                f"{playbook} failed on {self.name}. The lines above name the task and the machine. "
                "Fix it, and run the command again: what is done stays."
            )

    def vagrant(self, *words: str) -> None:
        """Run vagrant on the project's Vagrantfile. Raises MachinesError."""
        program = shutil.which("vagrant")
        if not program:
            raise MachinesError("vagrant is not installed. Install it, with VirtualBox or vagrant-libvirt.")
        if subprocess.run([program, *words], env=self.environment(), check=False).returncode != 0:
            raise MachinesError(f"`vagrant {' '.join(words)}` failed. The lines above say why.")
