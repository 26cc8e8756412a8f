"""Talk to a cluster through kubectl."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

Object = dict[str, Any]


class ClusterError(Exception):
    """A step failed; the message says which, why, and what to do next."""


def kubectl_program() -> str:
    """Return the kubectl that MARQUEE_KUBECTL names, else the one on PATH.

    Raises ClusterError.
    """
    found = shutil.which(os.environ.get("MARQUEE_KUBECTL") or "kubectl")
    if not found:
        raise ClusterError("There is no kubectl on PATH. Install one, or start the node: make node-up.")
    return found


class Cluster:
    """One namespace of the cluster that the kubeconfig names."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._kubectl = kubectl_program()

    def ask(self, *words: str, given: str = "") -> str:
        """Return what a kubectl command prints.

        `given` is its standard input. Raises ClusterError with kubectl's last line.
        """
        command = [self._kubectl, "--namespace", self.namespace, *words]
        ended = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            said = (ended.stderr.strip() or ended.stdout.strip() or "no message").splitlines()[-1]
            raise ClusterError(f"kubectl {' '.join(words[:3])} failed: {said.rstrip('.')}.")
        return ended.stdout

    def works(self, *words: str) -> bool:
        """Return whether a kubectl command succeeds."""
        command = [self._kubectl, "--namespace", self.namespace, *words]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def get(self, kind: str, name: str) -> Object | None:
        """Return an object, or None where there is none."""
        text = self.ask("get", kind, name, "--ignore-not-found", "-o", "json")
        return dict(json.loads(text)) if text.strip() else None

    def apply(self, objects: list[Object], *more: str) -> None:
        """Apply objects. Raises ClusterError."""
        if objects:
            items = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
            self.ask("apply", "-f", "-", *more, given=items)

    def write(self, document: Object, *, new: bool) -> None:
        """Create an object, or replace it. Raises ClusterError."""
        self.ask("create" if new else "replace", "-f", "-", given=json.dumps(document))

    def service(self, name: str, path: str) -> str:
        """Return what a service answers, through the API server.

        Raises ClusterError.
        """
        return self.ask("get", "--raw", f"/api/v1/namespaces/{self.namespace}/services/{name}:http/proxy{path}")
