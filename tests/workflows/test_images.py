"""The same commit gives the same image twice, and a registry that has other bytes is refused."""

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.release.errors import ReleaseError
from infra.release.images import build_images, digest_in_registry, publish_images
from infra.release.package import make_package, verified_manifest
from tests.infra_deploy.conftest import free_port

pytestmark = [pytest.mark.workflows, pytest.mark.timeout(3600)]

REPOSITORY = Path(__file__).resolve().parents[2]
BASE = os.environ.get("BASE_IMAGE") or "docker-daemon:debian:bookworm-slim"
# One of Debian's packages alone, one whose packages make keys, and one with a Python environment, as all others have.
TARGETS = ["gateway", "postgres", "serving"]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Start Debian's docker-registry on a free port and yield its address."""
    address = f"127.0.0.1:{free_port()}"
    settings = tmp_path / "registry.yml"
    storage = {"filesystem": {"rootdirectory": str(tmp_path / "registry")}}
    settings.write_text(f"version: 0.1\nstorage: {storage}\nhttp: {{addr: '{address}'}}\n", encoding="ascii")
    with subprocess.Popen(["docker-registry", "serve", str(settings)], stderr=subprocess.DEVNULL) as server:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://{address}/v2/", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield address
        server.terminate()


def test_the_same_commit_gives_the_same_image_which_a_registry_then_has(tmp_path: Path, registry: str) -> None:
    digests = []
    for name in ("one", "two"):
        commit = make_package(REPOSITORY, tmp_path / name, "HEAD").name
        digests.append(build_images(tmp_path / name, commit, BASE, TARGETS))
    assert digests[0] == digests[1]
    state = tmp_path / "one"
    # The registry takes nothing that the signed manifest does not name.
    assert publish_images(state, commit, registry) == []
    make_package(REPOSITORY, state, commit)
    assert verified_manifest(state, commit)["images"] == digests[0]
    published = [f"{registry}/marquee-{target}@{digest}" for target, digest in digests[0].items()]
    assert publish_images(state, commit, registry) == published
    for target, digest in digests[0].items():
        assert digest_in_registry(f"{registry}/marquee-{target}:{commit}") == digest


def test_a_registry_that_is_away_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="The registry does not have"):
        digest_in_registry(f"127.0.0.1:{free_port()}/marquee-gateway:x")
