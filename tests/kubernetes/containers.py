"""What the machine sees of a container on the node: its cgroups, its processes, and the memory that is its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .platform import Platform


@dataclass(frozen=True)
class Container:
    """A container that runs in a pod of the platform's namespace."""

    platform: Platform
    pod: str
    name: str

    def status(self) -> dict[str, Any]:
        """Return what Kubernetes says of it."""
        found = json.loads(self.platform.kubectl("get", "pod", self.pod, "-o", "json"))["status"]
        rows = [*found.get("initContainerStatuses", ()), *found.get("containerStatuses", ())]
        (row,) = [row for row in rows if row["name"] == self.name]
        return dict(row)

    def cgroup(self, tree: str) -> Path:
        """Return its cgroup in a tree such as cpu or memory."""
        identifier = self.status()["containerID"].partition("://")[2]
        groups = Path(f"{self.platform.state}/kubernetes/run/cgroups").read_text(encoding="ascii").split()
        (top,) = [group for group in groups if group.startswith(f"/sys/fs/cgroup/{tree}/")]
        (found,) = Path(top).rglob(identifier)
        return found

    def processes(self) -> list[int]:
        """Return its processes, by the machine's numbers."""
        return [int(line) for line in (self.cgroup("pids") / "cgroup.procs").read_text(encoding="ascii").split()]

    def proportional_mib(self) -> float:
        """Return its proportional set size: a page that several processes share counts once over all of them."""
        total = 0
        for process in self.processes():
            for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines():
                name, _, rest = line.partition(":")
                total += int(rest.split()[0]) if name == "Pss" else 0
        return total / 1024
