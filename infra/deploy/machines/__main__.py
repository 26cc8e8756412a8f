"""`python3 -m infra.deploy.machines COMMAND INVENTORY`: the program behind `make cluster-up` and its relatives."""

from __future__ import annotations

import argparse
import subprocess
import sys

from infra.control.given.errors import SettingsError
from infra.control.settings import Settings
from infra.deploy.machines.containers.machines import start, stop
from infra.deploy.machines.playbooks import MachinesError, Playbooks


def up(cluster: Playbooks) -> None:
    """Bring the machines to the checkout's commit.

    Those of the project are made first.
    """
    cluster.prepare()
    if cluster.name == "vagrant":
        cluster.vagrant("up")
    elif cluster.name == "containers":
        start(cluster)
    cluster.play("site.yml")


def down(cluster: Playbooks) -> None:
    """Stop the platform on the machines.

    Test containers are removed with their data, and virtual machines stop.
    """
    if cluster.name == "containers":
        stop(cluster)
        return
    cluster.play("stop.yml")
    if cluster.name == "vagrant":
        cluster.vagrant("halt")


COMMANDS = {
    "up": up,
    "status": lambda cluster: cluster.play("status.yml"),
    "run": lambda cluster: cluster.play("run.yml"),
    "test": lambda cluster: cluster.play("test.yml"),
    "down": down,
}


def main() -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(prog="infra.deploy.machines", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("inventory", help="vagrant, containers, or the path of an inventory")
    arguments = parser.parse_args()
    try:
        COMMANDS[arguments.command](Playbooks.of(Settings.load(), arguments.inventory))
    except (SettingsError, MachinesError) as error:
        print(f"marquee: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"marquee: {error.cmd[0]} failed (exit {error.returncode}). The lines above say why.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
