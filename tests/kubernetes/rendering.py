"""The overlays as kubectl renders them."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.control.settings import REPOSITORY

KUBERNETES = REPOSITORY / "infra/deploy/kubernetes"
OVERLAYS = sorted(path.name for path in (KUBERNETES / "overlays").iterdir())
Object = dict[str, Any]


def kubectl() -> str:
    """Return a kubectl: that of the node, or the machine's."""
    found = os.environ.get("MARQUEE_TEST_KUBECTL") or shutil.which("kubectl")
    if not found:
        pytest.skip("no kubectl on PATH to render the overlays: make test-kubernetes builds one")
    return found


@functools.cache
def rendered(overlay: str, *components: str) -> tuple[Object, ...]:
    """Return the objects of an overlay, with these components after it."""
    with tempfile.TemporaryDirectory(dir=KUBERNETES, prefix=".deploy-") as folder:
        kustomization = {
            "kind": "Kustomization",
            "resources": [f"../overlays/{overlay}"],
            "components": [f"../components/{name}" for name in components],
        }
        Path(folder, "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
        return _built(folder if components else str(KUBERNETES / "overlays" / overlay))


def _built(folder: str) -> tuple[Object, ...]:
    command = [kubectl(), "kustomize", folder]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return tuple(yaml.safe_load_all(text))


def pod_of(found: Object) -> Object | None:
    """Return the pod's specification of a workload, or None for another object."""
    if found["kind"] == "CronJob":
        return found["spec"]["jobTemplate"]["spec"]["template"]
    if found["kind"] in ("Deployment", "StatefulSet", "Job", "DaemonSet"):
        return found["spec"]["template"]
    return None


def containers_of(pod: Object) -> list[Object]:
    """Return all containers of a pod, those that start first included."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
