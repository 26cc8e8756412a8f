"""An image of a few files in an OCI layout, as buildah writes one."""

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

STATUS = """Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl (3.0.17-1~deb12u2)
Version: 3.0.17-1~deb12u2+b1
Description: Secure Sockets Layer
 Version: 9 of a sentence

Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
"""


def jar(group: str = "", artifact: str = "", version: str = "") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        if group:
            text = f"#Created by Maven\nversion={version}\ngroupId={group}\nartifactId={artifact}\n"
            out.writestr(f"META-INF/maven/{group}/{artifact}/pom.properties", text)
    return made.getvalue()


FIRST = {
    "var/lib/dpkg/status": STATUS.encode(),
    "opt/venv/lib/python3.11/site-packages/Jinja2-3.1.6.dist-info/METADATA": b"Metadata-Version: 2.1\nName: Jinja2\nVersion: 3.1.6\n\nText",
    "opt/venv/lib/python3.11/site-packages/old-1.dist-info/METADATA": b"Name: old\nVersion: 1\n",
    "opt/jars/log4j-core-2.17.1.jar": jar("org.apache.logging.log4j", "log4j-core", "2.17.1"),
    "opt/jars/mystery-1.0.jar": jar(),
    "opt/jars/broken-2.0.jar": b"no zip",
}
SECOND = {
    "opt/venv/lib/python3.11/site-packages/.wh.old-1.dist-info": b"",
    "opt/venv/lib/python3.11/site-packages/flask-3.1.3.dist-info/METADATA": b"Name: Flask\nVersion: 3.1.3\n",
}


def layer(files: dict[str, bytes], links: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.LNKTYPE, target
            tar.addfile(member)
    return gzip.compress(packed.getvalue(), mtime=0)


def write_image(layout: Path, name: str = "serving") -> None:
    """Write an image of two layers. The second removes a package of the first."""
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes) -> dict[str, str]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}"}

    links = {"opt/jars/again-log4j-core-2.17.1.jar": "opt/jars/log4j-core-2.17.1.jar"}
    layers = [blob(layer(FIRST, links)), blob(layer(SECOND, {}))]
    manifest = blob(json.dumps({"layers": layers}).encode())
    index = {"manifests": [manifest | {"annotations": {"org.opencontainers.image.ref.name": name}}]}
    (layout / "index.json").write_text(json.dumps(index), encoding="ascii")
