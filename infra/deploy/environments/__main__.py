"""`python -m infra.deploy.environments`: deploy a version, roll back, or list what was deployed."""

from __future__ import annotations

import argparse
import sys

from infra.control.settings import REPOSITORY, Settings, SettingsError
from infra.deploy.environments import ledger
from infra.deploy.environments.deployment import deploy, roll_back, stop
from infra.deploy.environments.environment import OFFSETS, Environment
from infra.release.errors import ReleaseError
from infra.release.git import commit_of


def _list(environments: list[Environment]) -> None:
    print(f"{'when':25} {'environment':11} {'commit':12} {'result':8} {'who':10} why")
    lines = [entry for environment in environments for entry in ledger.entries(environment.ledger)]
    for entry in sorted(lines, key=lambda entry: str(entry["at"])):
        notes = "; ".join(entry[name] for name in ("cause", "watched", "run") if entry.get(name))
        print(
            f"{entry['at']:25} {entry['environment']:11} {entry['commit'][:12]} {entry['result']:8} "
            f"{entry['who']:10} {entry.get('why', '')}{f' ({notes})' if notes else ''}"
        )


def main() -> int:
    """Run the command and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy.environments", description=__doc__)
    parser.add_argument("command", choices=("deploy", "rollback", "stop", "list"))
    parser.add_argument("--environment", default="", help=" or ".join(OFFSETS))
    parser.add_argument("--version", default="HEAD", help="a tag, a branch or a commit (default: what is checked out)")
    parser.add_argument("--reason", default="", help="reason, for the ledger")
    options = parser.parse_args()
    try:
        # Every version runs in a folder of its own, from where a relative path would lead elsewhere.
        state = Settings.load().state.resolve()
        if options.command == "list":
            _list([Environment(name, state) for name in OFFSETS])
            return 0
        if not options.environment:
            raise ReleaseError("No environment is named. Give ENV=staging or ENV=production.")
        if options.environment not in OFFSETS:
            raise ReleaseError(f"{options.environment} is no environment here. Give ENV=staging or ENV=production.")
        environment = Environment(options.environment, state)
        if options.command == "stop":
            stop(environment)
            print(f"deploy  {environment.name} is stopped; its data is kept")
            return 0
        if options.command == "deploy":
            commit = commit_of(REPOSITORY, options.version)
            deploy(environment, commit, options.reason)
        else:
            commit = roll_back(environment, options.reason)
    except (ReleaseError, SettingsError) as error:
        sys.exit(f"deploy: {error}")
    print(f"deploy  {commit[:12]} is live in {environment.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
