"""A node with the platform's serving side, and the store outside that publishes to it."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.control.settings import REPOSITORY
from serving.publications.announcements.announcing import announce
from serving.publications.announcements.places import place_of
from serving.publications.building.build import build_publication
from serving.publications.building.build_model import build_model_publication
from serving.publications.format import SENTIMENT
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull
from serving.reviews.model.files import save_model

from ..serving.conftest import LINEAGE, tables_of_version, write_exports
from ..serving.reviews.model.small_model import small_model

HERE = Path(__file__).parent
NODE = REPOSITORY / "infra/deploy/kubernetes/node/node.sh"
GATEWAY = "http://127.0.0.1:30009"
HDFS = "http://127.0.0.1:30010"
NAMESPACE = "marquee"


@dataclass
class Platform:
    """What the drills work on; `rows` is the table that the tests print at the end."""

    folder: Path
    state: Path
    store: PublicationStore = field(init=False)
    models: PublicationStore = field(init=False)
    rows: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = PublicationStore(self.folder / "store")
        self.models = PublicationStore(self.folder / "models")
        self.environment = os.environ | {
            "MARQUEE_STATE": str(self.state),
            "KUBECONFIG": str(self.state / "kubernetes/run/pki/admin.kubeconfig"),
            "PATH": f"{self.state}/kubernetes/run/bin:{os.environ['PATH']}",
        }

    def run(self, *command: str, check: bool = True, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command with the node's kubeconfig and kubectl."""
        ended = subprocess.run(
            command, env=self.environment, cwd=REPOSITORY, input=given, capture_output=True, text=True, check=False
        )
        assert not check or ended.returncode == 0, f"{command}: {ended.stdout[-2000:]}{ended.stderr[-2000:]}"
        return ended

    def node(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run node.sh."""
        return self.run(str(NODE), *words, check=check)

    def kubectl(self, *words: str, namespace: str = NAMESPACE, check: bool = True, given: str | None = None) -> str:
        """Return what kubectl prints."""
        return self.run("kubectl", "-n", namespace, *words, check=check, given=given).stdout

    def in_node(self, script: str) -> str:
        """Return what a shell script prints that runs in the node: with its mounts, network and processes."""
        process = Path(f"{self.state}/kubernetes/run/node.pid").read_text(encoding="ascii").strip()
        return self.run("nsenter", "--target", process, "--mount", "--net", "--pid", "sh", "-ec", script).stdout

    @contextmanager
    def as_client(self) -> Iterator[None]:
        """Let this process's own code reach the node, as a deployment does."""
        before = dict(os.environ)
        os.environ.update({name: self.environment[name] for name in ("KUBECONFIG", "PATH")})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def deploy(
        self, version: str, timeout: int = 240, watch: int = 10, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Roll a version out as `make deploy-kubernetes` does."""
        program = ("python3", "-X", "utf8", "-Es", "-m", "infra.deploy.kubernetes.deploy")
        options = (f"--version={version}", f"--timeout={timeout}", f"--watch={watch}")
        return self.run(*program, *options, "minikube", check=check)

    def pods(self, name: str, namespace: str = NAMESPACE) -> list[dict[str, Any]]:
        """Return a workload's pods."""
        label = f"app.kubernetes.io/name={name}"
        return list(json.loads(self.kubectl("get", "pods", "-l", label, "-o", "json", namespace=namespace))["items"])

    def in_pod(self, pod: str, port: int, path: str) -> str:
        """Return what a pod answers on a port, asked through the API server."""
        address = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:{port}/proxy{path}"
        return self.kubectl("get", "--raw", address, check=False)

    def live_of_each_replica(self) -> dict[str, str]:
        """Return the publication that each ready replica of the API serves."""
        found = {}
        for pod in self.pods("recommendations"):
            answer = self.in_pod(pod["metadata"]["name"], 8000, "/ready")
            found[pod["metadata"]["name"]] = json.loads(answer)["publication"] if answer else ""
        return found

    def publish(self, publication: str, version: int, damage: bool = False) -> None:
        """Build a small publication, and publish it."""
        exports, built = self.folder / f"exports-{publication}", self.folder / f"built-{publication}"
        write_exports(exports, tables_of_version(version))
        build_publication(exports, LINEAGE, publication, built)
        self.publish_built(publication, built, damage)

    def publish_built(self, publication: str, built: Path, damage: bool = False) -> None:
        """Upload a publication, make it live in the store outside, and announce it."""
        pull(self.store, str(built), publication, "marquee", "test")
        for file in built.iterdir():
            content = file.read_bytes()
            if damage and file.name == "publication.sqlite":
                content = content[:200] + bytes([content[200] ^ 1]) + content[201:]
            self.upload(f"/marquee/publications/{publication}/{file.name}", content)
        self.store.activate(publication, "test", "nightly")
        self.announce()

    def publish_model(self, publication: str) -> None:
        """Build a small sentiment model, upload it, and announce it as the store of models does."""
        save_model(small_model(), self.folder / "model.joblib")
        built = self.folder / f"built-{publication}"
        lineage = {"model": {"name": "marquee-sentiment", "version": "1"}}
        build_model_publication(self.folder / "model.joblib", lineage, publication, built)
        pull(self.models, str(built), publication, "marquee", "test")
        for file in built.iterdir():
            self.upload(f"/marquee/publications/{publication}/{file.name}", file.read_bytes())
        self.models.activate(publication, "test", "trained")
        announce(self.models, place_of(HDFS, "marquee", SENTIMENT), "test", "drill")

    def announce(self) -> None:
        """Announce what is live in the store outside."""
        announce(self.store, place_of(HDFS, "marquee"), "test", "drill")

    def hdfs_answers(self) -> bool:
        """Return whether HDFS answers on its port of the node."""
        try:
            urllib.request.urlopen(f"{HDFS}/webhdfs/v1/?op=LISTSTATUS", timeout=5).close()
        except OSError:
            return False
        return True

    def upload(self, path: str, content: bytes) -> None:
        """Write a file to HDFS."""
        address = f"{HDFS}/webhdfs/v1{path}?op=CREATE&user.name=marquee&data=true"
        urllib.request.urlopen(urllib.request.Request(address, content, method="PUT")).close()

    def process(self, part: str) -> int:
        """Return the process of a part of the node, such as kube-apiserver."""
        program = f"{self.state}/kubernetes/run/bin/{part}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if (folder / "cmdline").read_bytes().split(b"\0")[0] == program:
                    return int(folder.name)
            except OSError:
                continue
        raise AssertionError(f"{part} does not run")


def until(true: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until something holds, and return after how many seconds it did."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < seconds, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.5)
    return time.monotonic() - begun
