"""Bring a version to an environment.

Run it as python3 -m infra.deploy.kubernetes.deploy ENVIRONMENT --version VERSION.

The steps, of which each must succeed before the next: a dry run on the server, the secret, what pods need, PostgreSQL, the
database's migration, a watch over one replica of each StatefulSet with the new version, the rollout, a smoke test, a watch over
what was ready. If one of the last four fails, the workloads go back to the revisions that they had. A migration only adds (expand);
what an old version needs is dropped a version later (contract). So the old pods work on while it runs, and after an undo.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infra.deploy.kubernetes import canary, certificates, secrets, watching
from infra.deploy.kubernetes.cluster import Cluster, ClusterError, Object, kubectl_program

FOLDER: Final = Path(__file__).resolve().parent
NAMESPACES: Final = {"staging": "marquee-staging", "production": "marquee-production", "minikube": "marquee"}
IMAGES: Final = (
    "marquee-serving",
    "marquee-accounts",
    "marquee-reviews",
    "marquee-gateway",
    "marquee-postgres",
    "marquee-prometheus",
)
# In the order of the rollout: what others ask comes first.
WORKLOADS: Final = ("statefulset/recommendations", "deployment/accounts", "statefulset/reviews", "deployment/gateway")
# What is asked through the API server after the rollout, and a text that the answer holds.
SMOKE: Final = (
    ("gateway", "/gateway/health", '"alive"'),
    ("gateway", "/ready", '"ready"'),
    ("gateway", "/v1/popular", '"items"'),
    ("gateway", "/accounts/ready", '"ready"'),
    # Without a model the service says that it is degraded, which is no fault of the version.
    ("gateway", "/reviews/ready", '"status"'),
)
_SMOKE_SECONDS: Final = 60


def render(environment: str, images: dict[str, str]) -> list[Object]:
    """Return the objects of an environment.

    `images` has each image's name with what replaces it: `registry/name@sha256:...` or `name:tag`. Raises ClusterError.
    """
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".deploy-") as folder:
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [f"../overlays/{environment}"],
            "images": [_image(name, reference) for name, reference in images.items()],
        }
        Path(folder, "kustomization.yaml").write_text(json.dumps(kustomization), encoding="utf-8")
        built = subprocess.run([kubectl_program(), "kustomize", folder], capture_output=True, text=True, check=False)
    if built.returncode != 0:
        raise ClusterError(f"The manifests of {environment} cannot be built: {built.stderr.strip().splitlines()[-1]}")
    # kubectl turns YAML into JSON, which the standard library reads.
    text = Cluster(NAMESPACES[environment]).ask(
        "create", "--dry-run=client", "-o", "json", "-f", "-", given=built.stdout
    )
    return _documents(text)


def _documents(text: str) -> list[Object]:
    """Return the JSON documents that follow one another in a text."""
    decoder, found, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        found.append(document)
        rest = rest[end:].lstrip()
    return found


def _image(name: str, reference: str) -> dict[str, str]:
    repository, _, digest = reference.partition("@")
    if digest:
        return {"name": name, "newName": repository, "digest": digest}
    repository, _, tag = reference.rpartition(":")
    return {"name": name, "newName": repository, "newTag": tag}


def references(version: str, registry: str) -> dict[str, str]:
    """Return each image's reference: by digest from a registry, else by tag.

    Raises ClusterError.
    """
    if not registry:
        return {name: f"{name}:{version}" for name in IMAGES}
    found = {}
    for name in IMAGES:
        command = ["skopeo", "inspect", "--format", "{{.Digest}}", f"docker://{registry}/{name}:{version}"]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise ClusterError(
                "skopeo reads an image's digest, and is not installed: apt-get install skopeo."
            ) from None
        if ended.returncode != 0:
            raise ClusterError(f"{registry} has no {name}:{version}. Push the image, then deploy again.")
        found[name] = f"{registry}/{name}@{ended.stdout.strip()}"
    return found


class Deployment:
    """One deployment of one version to one environment."""

    def __init__(self, environment: str, images: dict[str, str], timeout: int, watched: int) -> None:
        self.cluster = Cluster(NAMESPACES[environment])
        self.objects = render(environment, images)
        self.timeout = f"--timeout={timeout}s"
        self.watched = watched
        self.begun = time.monotonic()

    def run(self) -> None:
        """Do every step.

        Raises ClusterError; the message says whether the old version serves.
        """
        self._check()
        before = self._revisions()
        restarts = watching.restarts_of(self.cluster, WORKLOADS)
        self._prepare()
        self._migrate()
        try:
            self._try_on_one_replica(restarts)
            self._roll_out()
            self._smoke()
            watching.watch(self.cluster, WORKLOADS, SMOKE, restarts, self.watched)
            self._say(f"nothing failed in {self.watched} s")
        except ClusterError as error:
            self._undo(before)
            raise ClusterError(
                f"{error} The version before serves again." if any(before.values()) else str(error)
            ) from None

    def _say(self, text: str) -> None:
        print(f"deploy  {time.monotonic() - self.begun:5.1f} s  {text}", flush=True)

    def _named(self, *names: str) -> list[Object]:
        return [o for o in self.objects if f"{o['kind'].lower()}/{o['metadata']['name']}" in names]

    def _check(self) -> None:
        self.cluster.apply([o for o in self.objects if o["kind"] == "Namespace"])
        # A Job never changes, so the one of the version before would be in the way.
        self.cluster.apply([o for o in self.objects if o["kind"] != "Job"], "--dry-run=server")
        self._say("the API server accepts every manifest")
        for text in certificates.remarks(self.cluster, self.objects):
            self._say(text)

    def _prepare(self) -> None:
        made = secrets.ensure(self.cluster)
        self._say(f"made {', '.join(made)}" if made else "the secret is there")
        later = self._named(*WORKLOADS)
        self.cluster.apply([o for o in self.objects if o not in later and o["kind"] != "Job"])
        self._wait("statefulset/postgres")

    def _migrate(self) -> None:
        self.cluster.ask("delete", "job", "migration", "--ignore-not-found", "--wait")
        self.cluster.apply([o for o in self.objects if o["kind"] == "Job"])
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            status = (self.cluster.get("job", "migration") or {}).get("status", {})
            states = {row["type"] for row in status.get("conditions", ()) if row["status"] == "True"}
            if "Complete" in states:
                self._say("the database is migrated")
                return
            if "Failed" in states:
                break
            time.sleep(1)
        log = self.cluster.ask("logs", "job/migration", "--all-containers", "--tail=3").strip().replace("\n", " ")
        raise ClusterError(f"The migration failed, so nothing was rolled out. Its log ends: {log}")

    def _try_on_one_replica(self, restarts: dict[tuple[str, str, str], int]) -> None:
        tried = canary.begin(self.cluster, self._named(*WORKLOADS))
        for workload in tried:
            self._wait(workload)
        if tried:
            watching.watch(self.cluster, tried, SMOKE, restarts, self.watched)
            self._say(f"one replica has the new version, and nothing failed in {self.watched} s")

    def _roll_out(self) -> None:
        self.cluster.apply(self._named(*WORKLOADS))
        for workload in WORKLOADS:
            self._wait(workload)

    def _wait(self, workload: str) -> None:
        self.cluster.ask("rollout", "status", workload, self.timeout)
        self._say(f"{workload} is rolled out")

    def _smoke(self) -> None:
        for service, path, text in SMOKE:
            deadline, answer = time.monotonic() + _SMOKE_SECONDS, ""
            while text not in answer:
                if time.monotonic() > deadline:
                    raise ClusterError(
                        f"The smoke test failed: {path} did not answer {text} within {_SMOKE_SECONDS} s."
                    )
                try:
                    answer = self.cluster.service(service, path)
                except ClusterError:
                    time.sleep(1)
        self._say("the smoke test passed")

    def _revisions(self) -> dict[str, str]:
        """Return each workload's present revision, empty where it does not exist."""
        found = {}
        for workload in WORKLOADS:
            kind, _, name = workload.partition("/")
            document = self.cluster.get(kind, name) or {}
            if kind == "deployment":
                notes = document.get("metadata", {}).get("annotations", {})
                found[workload] = notes.get("deployment.kubernetes.io/revision", "")
            else:
                found[workload] = self._stateful_revision(document.get("status", {}).get("updateRevision", ""))
        return found

    def _stateful_revision(self, name: str) -> str:
        document = self.cluster.get("controllerrevision", name) if name else None
        return str(document["revision"]) if document else ""

    def _undo(self, before: dict[str, str]) -> None:
        for workload, revision in before.items():
            if not revision or self._revisions()[workload] == revision:
                continue
            self.cluster.ask("rollout", "undo", workload, f"--to-revision={revision}")
            if workload.startswith("statefulset/"):
                self._replace_stuck_pods(workload.partition("/")[2])
            self._say(f"{workload} goes back to revision {revision}")
        canary.end(self.cluster, [workload for workload, revision in before.items() if revision])
        for workload, revision in before.items():
            if revision:
                self._wait(workload)

    def _replace_stuck_pods(self, name: str) -> None:
        """Delete the pods that are not ready.

        A StatefulSet waits for them and would never replace them.
        """
        labels = f"app.kubernetes.io/name={name}"
        pods = json.loads(self.cluster.ask("get", "pods", "-l", labels, "-o", "json"))["items"]
        for pod in pods:
            conditions = {row["type"]: row["status"] for row in pod["status"].get("conditions", ())}
            if conditions.get("Ready") != "True":
                self.cluster.ask("delete", "pod", pod["metadata"]["name"], "--wait=false")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m infra.deploy.kubernetes.deploy", description=__doc__)
    parser.add_argument("environment", help=" or ".join(NAMESPACES))
    parser.add_argument("--version", default="", help="tag of the images")
    parser.add_argument("--registry", default="", help="where the images are; without it the nodes have them already")
    parser.add_argument("--timeout", type=int, default=300, help="seconds that each rollout may take")
    parser.add_argument("--watch", type=int, default=30, help="seconds that the new version must go on to work")
    options = parser.parse_args(arguments)
    try:
        if options.environment not in NAMESPACES or not options.version:
            raise ClusterError(
                f"An environment ({', '.join(NAMESPACES)}) and a version are needed. "
                "Give both: make deploy-kubernetes ENV=staging VERSION=0.2.0."
            )
        images = references(options.version, options.registry)
        Deployment(options.environment, images, options.timeout, options.watch).run()
    except ClusterError as error:
        print(f"marquee: {error}", file=sys.stderr)
        return 1
    print(f"{options.environment} runs version {options.version}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
