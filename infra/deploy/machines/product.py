"""What the playbooks read of the product, so that nothing is written twice.

`python3 -m infra.deploy.machines.product rows` prints the services and preparations as JSON, and `product secrets FOLDER`
makes the missing secrets as files of a folder.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from infra.control.rows import Preparation, Row
from infra.control.services import every_row
from infra.control.settings import Settings
from infra.control.variables import environment

# Where a cluster's secrets are made, the controller's own settings and secrets have no part.
_NO_FILE = Path(os.devnull)


def _fields(row: Row) -> dict[str, object]:
    kind = "preparation" if isinstance(row, Preparation) else "service"
    return {"kind": kind, **{name: value for name, value in asdict(row).items() if name not in ("name", "environment")}}


def rows(settings: Settings) -> dict[str, dict[str, object]]:
    """Return the product's rows by name, without their environments."""
    return {row.name: _fields(row) for row in every_row(settings)}


def make_secrets(folder: Path) -> None:
    """Make the secrets that are missing below the folder, each a file of its own."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    instance = folder.resolve().parent
    environment(Settings.load(_NO_FILE, {"MARQUEE_STATE": str(instance.parents[1]), "MARQUEE_INSTANCE": instance.name}))


def main() -> None:
    """Print the rows, or make the secrets."""
    match sys.argv[1:]:
        case ["rows"]:
            every = {"MARQUEE_MONITORING": "yes", "MARQUEE_HOSTS": "spark-master"}
            every |= {"MARQUEE_MASTERS": "a b", "MARQUEE_QUORUM": "a b c"}
            json.dump(rows(Settings.load(_NO_FILE, every)), sys.stdout)
        case ["secrets", folder]:
            make_secrets(Path(folder))
        case _:
            sys.exit("usage: python3 -m infra.deploy.machines.product rows | secrets FOLDER")


if __name__ == "__main__":
    main()
