"""`python3 -m infra.deploy.machines COMMAND INVENTORY`: the program behind `make cluster-up` and its relatives."""

from __future__ import annotations

import argparse
import subprocess
import sys

from infra.control.given.errors import SettingsError
from infra.control.settings import Settings
from infra.deploy.machines.containers.machines import start, stop
from infra.deploy.machines.playbooks import MachinesError, Playbooks
from infra.deploy.machines.vm import machine as virtual


def _start(cluster: Playbooks) -> None:
    """Start the machines that the project makes."""
    cluster.prepare()
    if cluster.name == "vagrant":
        cluster.vagrant("up")
    elif cluster.name in CONTAINERS:
        start(cluster)
    elif cluster.name == VM:
        virtual.start(cluster)


def up(cluster: Playbooks) -> None:
    """Bring the machines to the checkout's commit.

    Those of the project are made first.
    """
    _start(cluster)
    cluster.play("vm.yml" if cluster.name == VM else "site.yml")


def upgrade(cluster: Playbooks) -> None:
    """Bring the machines to the checkout's commit, one after the other."""
    cluster.prepare()
    cluster.play("upgrade.yml")


def add(cluster: Playbooks, worker: str) -> None:
    """Set a worker up that the inventory has, and let it in."""
    _start(cluster)
    cluster.play("add.yml", "--extra-vars", f"worker={worker}")


def remove(cluster: Playbooks, worker: str) -> None:
    """Take a worker out when its work is done and its blocks are elsewhere."""
    cluster.play("remove.yml", "--extra-vars", f"worker={worker}")


def replace(cluster: Playbooks, worker: str) -> None:
    """Set a worker up again whose machine or disk is a new one."""
    _start(cluster)
    cluster.play("replace.yml", "--extra-vars", f"worker={worker}")


def down(cluster: Playbooks) -> None:
    """Stop the platform on the machines.

    Test containers and the machine under QEMU are removed with their data, and Vagrant's machines stop.
    """
    if cluster.name in CONTAINERS:
        stop(cluster)
        return
    if cluster.name == VM:
        virtual.stop(cluster)
        return
    cluster.play("stop.yml")
    if cluster.name == "vagrant":
        cluster.vagrant("halt")


# Inventories whose machines are containers of this machine.
CONTAINERS = ("containers", "containers-ha")
# The inventory of one machine under QEMU.
VM = "vm"
COMMANDS = {
    "up": up,
    "status": lambda cluster: cluster.play("status.yml"),
    "run": lambda cluster: cluster.play("run.yml"),
    "test": lambda cluster: cluster.play("test.yml"),
    "upgrade": upgrade,
    "down": down,
}
# Those that are about one worker.
WORKER_COMMANDS = {"add": add, "remove": remove, "replace": replace}


def main() -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(prog="infra.deploy.machines", description=__doc__)
    parser.add_argument("command", choices=[*COMMANDS, *WORKER_COMMANDS])
    parser.add_argument("inventory", help="vagrant, containers, containers-ha, vm, or the path of an inventory")
    parser.add_argument(
        "worker", nargs="?", default="", help="the inventory's name of a worker, to add, remove or replace"
    )
    arguments = parser.parse_args()
    try:
        cluster = Playbooks.of(Settings.load(), arguments.inventory)
        if arguments.command in COMMANDS:
            COMMANDS[arguments.command](cluster)
        else:
            WORKER_COMMANDS[arguments.command](cluster, cluster.worker(arguments.worker))
    except (SettingsError, MachinesError) as error:
        print(f"marquee: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"marquee: {error.cmd[0]} failed (exit {error.returncode}). The lines above say why.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
