"""Images of a commit, built so that the same commit gives the same digests.

buildah sets every time in an image to the commit's; the engine of Debian 12 cannot. The build's context is a verified package, never
the checkout. The images lie in an OCI layout next to the package.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from infra.release.errors import ReleaseError
from infra.release.materials import write_materials
from infra.release.package import MATERIALS, folder_of, unpack, verified_manifest

TARGETS = ("platform", "serving", "accounts", "reviews", "postgres", "gateway", "prometheus", "spark")
_DOCKERFILE = "infra/deploy/images/Dockerfile"
LIST = "images.json"


def run(command: Sequence[str]) -> None:
    """Run a program, with its output on the terminal.

    Raises ReleaseError.
    """
    try:
        ended = subprocess.run(command, check=False)
    except OSError as error:
        raise ReleaseError(
            f"{command[0]} can't be run: {error.strerror}. Install it (apt-get install buildah skopeo)."
        ) from error
    if ended.returncode != 0:
        raise ReleaseError(f"{command[0]} ended with status {ended.returncode}. Its last lines say why.")


def build_images(state: Path, commit: str, base: str, targets: Sequence[str] = TARGETS) -> dict[str, str]:
    """Build the images of a packaged commit and return their digests by name.

    `base` is an image of Debian 12. Raises ReleaseError.
    """
    manifest = verified_manifest(state, commit)
    # An image of the Docker engine, which buildah does not see.
    if base.startswith("docker-daemon:"):
        run(["buildah", "pull", "--quiet", base])
        base = base.removeprefix("docker-daemon:")
    committed = int(datetime.fromisoformat(manifest["committed"]).timestamp())
    digests = {}
    with tempfile.TemporaryDirectory(dir=state) as folder:
        context = Path(folder) / "context"
        unpack(state, commit, context)
        for target in targets:
            name = f"marquee-{target}:{commit}"
            run(
                [
                    *(
                        "buildah",
                        "bud",
                        "--isolation",
                        "chroot",
                        "--no-cache",
                        "--timestamp",
                        str(committed),
                        "--target",
                        target,
                        "--tag",
                        name,
                    ),
                    *("--label", f"org.opencontainers.image.revision={commit}"),
                    *("--label", f"org.opencontainers.image.title=marquee-{target}"),
                    *("--label", "org.opencontainers.image.licenses=Apache-2.0"),
                    *("--build-arg", f"BASE_IMAGE={base}", "--file", str(context / _DOCKERFILE), str(context)),
                ]
            )
            written = Path(folder) / "digest"
            layout = folder_of(state, commit) / "images"
            run(["buildah", "push", "--quiet", "--digestfile", str(written), name, f"oci:{layout}:{target}"])
            digests[target] = written.read_text(encoding="ascii").strip()
            write_materials(layout, target, digests[target], folder_of(state, commit) / MATERIALS)
    (folder_of(state, commit) / LIST).write_text(json.dumps(digests, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return digests


def _tls(address: str) -> str:
    """Return "false" for a registry on this machine's loopback address."""
    return "false" if address.startswith(("127.0.0.1:", "localhost:")) else "true"


def publish_images(state: Path, commit: str, registry: str) -> list[str]:
    """Copy the images that the signed manifest names to a registry.

    Returns their references by digest. Raises ReleaseError where a digest in the registry is another one.
    """
    references = []
    for target, digest in sorted(verified_manifest(state, commit)["images"].items()):
        layout = f"oci:{folder_of(state, commit) / 'images'}:{target}"
        place = f"{registry}/marquee-{target}"
        option = f"--dest-tls-verify={_tls(registry)}"
        run(["skopeo", "copy", "--quiet", "--preserve-digests", option, layout, f"docker://{place}:{commit}"])
        found = digest_in_registry(f"{place}:{commit}")
        if found != digest:
            raise ReleaseError(f"The registry has {found} for {place}, and the manifest {digest}. Do not deploy it.")
        references.append(f"{place}@{digest}")
    return references


def digest_in_registry(reference: str) -> str:
    """Return the digest that a registry gives for an image.

    Raises ReleaseError where it does not answer.
    """
    option = f"--tls-verify={_tls(reference)}"
    command = ["skopeo", "inspect", option, "--format", "{{.Digest}}", f"docker://{reference}"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        last = (asked.stderr.strip().splitlines() or ["no message"])[-1]
        raise ReleaseError(
            f"The registry does not have {reference} ({last[-200:]}). Publish it, or start the registry."
        )
    return asked.stdout.strip()
