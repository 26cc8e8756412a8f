"""Submit a Spark job to Kubernetes, where its driver is a pod too (cluster mode)."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook

from marquee import settings
from marquee.cluster.programs import Log

# Where the image has this repository: infra/deploy/images/Dockerfile, target spark.
IN_IMAGE: Final = "/opt/marquee"
# In place of spark-defaults.conf, whose paths are this machine's.
PROPERTIES: Final = settings.INSTANCE / "conf" / "spark" / "kubernetes.conf"
_SECONDS_TO_KILL: Final = 60


def is_kubernetes(conn_id: str) -> bool:
    """Return whether a connection leads to a cluster of Kubernetes."""
    return str(SparkSubmitHook.get_connection(conn_id).host).startswith("k8s://")


def application_in_image(application: str) -> str:
    """Return the address of a job's program in the image."""
    return f"local://{IN_IMAGE}/{Path(application).relative_to(settings.HOME)}"


def driver_name(batch_id: str, task_id: str, attempt: str = "*") -> str:
    """Return the name of the pod of a task's driver.

    Without a try, it is the pattern of all tries' drivers. An example is `marquee-20261123t190000-train-als-9d5fa0c2b711`.
    """
    return f"marquee-{batch_id}-{task_id}-{attempt[-12:]}".lower().replace("_", "-")


class KubernetesSubmitHook(SparkSubmitHook):  # type: ignore[misc] # the provider is untyped
    """Submit in cluster mode, and let Spark delete a driver that is stopped.

    Airflow's hook refuses a master of Kubernetes without the package `kubernetes`, which it needs to delete a driver's pod alone.
    """

    def __init__(self, driver: str, conf: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(conf={**conf, "spark.kubernetes.driver.pod.name": driver}, **kwargs)
        self._connection["master"] = self._master
        self._is_kubernetes = True
        self._kubernetes_driver_pod = driver

    def _resolve_connection(self) -> dict[str, Any]:
        found: dict[str, Any] = super()._resolve_connection()
        self._master = found["master"]
        # What the constructor of Airflow's hook reads.
        return found | {"master": "a cluster"}

    def delete_drivers(self, pattern: str, log: Log) -> None:
        """Delete the drivers whose name fits; their executors go with them.

        It logs what Spark says where that fails: the next try deletes them again before it begins.
        """
        pods = f"{self._connection['namespace']}:{pattern}"
        command = [self._connection["spark_binary"], "--master", self._master, "--kill", pods]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS_TO_KILL)
        if ended.returncode != 0:
            log.warning("The drivers %s were not deleted: %s", pods, ended.stderr[-500:])

    def _delete_driver_pod(self) -> None:
        self.delete_drivers(str(self._kubernetes_driver_pod), self.log)
