"""The bill of materials of an image: Debian's packages, Python's and jars, as the image itself has them, in CycloneDX.

Read from the image and not from the locks, so it also holds what came with the base image and jars inside Python packages. The
same image gives the same bytes.
"""

from __future__ import annotations

import email.parser
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from infra.release.layout import read_files

Component = dict[str, Any]
_DPKG = "var/lib/dpkg/status"
_SOURCE = re.compile(r"(\S+)(?: \((\S+)\))?")
_JAR = re.compile(r"(.+?)-(\d[\w.+-]*)\.jar")


def write_materials(layout: Path, image: str, digest: str, folder: Path) -> Path:
    """Write the bill of materials of an image and return its file.

    Raises ReleaseError.
    """
    components: dict[str, Component] = {}
    for found in read_files(layout, image, _read).values():
        components |= {component["bom-ref"]: component for component in found}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": f"marquee-{image}", "version": digest}},
        "components": [components[name] for name in sorted(components)],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"image-{image}.cdx.json"
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def _read(path: str, content: IO[bytes]) -> list[Component] | None:
    if path == _DPKG:
        return list(_debian(content.read().decode("utf-8", errors="replace")))
    if path.endswith(".dist-info/METADATA"):
        return _python(content.read().decode("utf-8", errors="replace"))
    if path.endswith(".jar"):
        return [_jar(path, content.read())]
    return None


def _component(kind: str, name: str, version: str, purl: str, ecosystem: str, asked: tuple[str, str]) -> Component:
    """Return a component.

    `asked` are the name and version that advisories of its ecosystem use.
    """
    properties = {"marquee:ecosystem": ecosystem, "marquee:name": asked[0], "marquee:version": asked[1]}
    return {
        "type": kind,
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "properties": [{"name": key, "value": value} for key, value in properties.items()],
    }


def _debian(status: str) -> Iterator[Component]:
    for paragraph in status.split("\n\n"):
        fields = email.parser.HeaderParser().parsestr(paragraph)
        name, version = fields.get("Package"), fields.get("Version")
        if not name or not version or not str(fields.get("Status", "")).endswith(" installed"):
            continue
        # Debian's advisories are about source packages.
        source = _SOURCE.match(fields.get("Source") or name)
        asked = (source[1], source[2] or version) if source else (name, version)
        purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={fields.get('Architecture', 'all')}"
        yield _component("library", name, version, purl, "Debian:12", asked)


def _python(metadata: str) -> list[Component] | None:
    fields = email.parser.HeaderParser().parsestr(metadata)
    name, version = fields.get("Name"), fields.get("Version")
    if not name or not version:
        return None
    plain = re.sub(r"[-_.]+", "-", name).lower()
    purl = f"pkg:pypi/{quote(plain)}@{quote(version)}"
    return [_component("library", plain, version, purl, "PyPI", (plain, version))]


def _jar(path: str, content: bytes) -> Component:
    named = _JAR.fullmatch(Path(path).name)
    artifact, version = (named[1], named[2]) if named else (Path(path).stem, "")
    group, artifact, version = _coordinates(content, artifact, version)
    if group:
        purl = f"pkg:maven/{quote(group)}/{quote(artifact)}@{quote(version)}"
    else:
        purl = f"pkg:generic/{quote(artifact)}@{quote(version)}?path={quote(path)}"
    asked = f"{group}:{artifact}" if group else ""
    found = _component("library", artifact, version, purl, "Maven" if group else "", (asked, version))
    found["hashes"] = [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}]
    return found


def _coordinates(content: bytes, artifact: str, version: str) -> tuple[str, str, str]:
    """Return group, artifact and version as the jar says itself.

    The group is empty where it does not say them.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as jar:
            names = [
                name for name in jar.namelist() if re.fullmatch(r"META-INF/maven/[^/]+/[^/]+/pom\.properties", name)
            ]
            # One that has others in it says theirs too.
            own = [name for name in names if name.split("/")[3] == artifact] or (names if len(names) == 1 else [])
            if not own:
                return "", artifact, version
            text = jar.read(own[0]).decode("utf-8", errors="replace")
    except (zipfile.BadZipFile, OSError, EOFError):
        return "", artifact, version
    said = dict(re.findall(r"^(groupId|artifactId|version)\s*=\s*(\S+)\s*$", text, re.MULTILINE))
    return said.get("groupId", ""), said.get("artifactId", artifact), said.get("version", version)
