"""What is known of packages: by a service that speaks OSV's protocol, or by OSV's offline databases in a folder.

The service compares versions itself. Offline this does: Debian's by dpkg, Python's by packaging. A range of Maven without a list of
versions can't be compared here, so that such an advisory counts as one that concerns the package.
"""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from infra.audit.vulnerabilities import AuditError, UnreachableError

_AT_ONCE = 500
_SECONDS = 30


@dataclass(frozen=True, order=True)
class Package:
    """A version of a package, by the names that advisories use."""

    ecosystem: str
    name: str
    version: str


Record = dict[str, Any]


def look_up(packages: Sequence[Package], source: str) -> dict[Package, list[Record]]:
    """Return the advisories of each package that has some.

    Raises UnreachableError where the service or the databases can't be read.
    """
    found = _offline(packages, Path(source)) if source.startswith("/") else _online(packages, source.rstrip("/"))
    return {package: records for package, records in found.items() if records}


def _asked(address: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310 - a setting's pattern
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise UnreachableError(f"The advisory service at {address} does not answer ({error}).") from error


def _online(packages: Sequence[Package], service: str) -> dict[Package, list[Record]]:
    ids: dict[Package, set[str]] = defaultdict(set)
    for start in range(0, len(packages), _AT_ONCE):
        asked: list[tuple[Package, str]] = [(package, "") for package in packages[start : start + _AT_ONCE]]
        while asked:
            answer = _asked(f"{service}/v1/querybatch", {"queries": [_query(*each) for each in asked]})
            results = answer.get("results") if isinstance(answer, dict) else None
            if not isinstance(results, list) or len(results) != len(asked):
                raise UnreachableError(f"What answers at {service} does not speak OSV's protocol.")
            for (package, _), result in zip(asked, results, strict=True):
                ids[package] |= {vulnerability["id"] for vulnerability in result.get("vulns") or []}
            pages = [
                (package, result.get("next_page_token")) for (package, _), result in zip(asked, results, strict=True)
            ]
            asked = [(package, token) for package, token in pages if token]
    records = {name: _asked(f"{service}/v1/vulns/{name}") for name in sorted(set().union(*ids.values()))}
    return {package: [records[name] for name in sorted(names)] for package, names in ids.items()}


def _query(package: Package, token: str) -> dict[str, Any]:
    named = {"name": package.name, "ecosystem": package.ecosystem}
    return {"package": named, "version": package.version} | ({"page_token": token} if token else {})


def _offline(packages: Sequence[Package], folder: Path) -> dict[Package, list[Record]]:
    by_name: dict[tuple[str, str], list[Package]] = defaultdict(list)
    for package in packages:
        by_name[package.ecosystem, package.name].append(package)
    found: dict[Package, list[Record]] = defaultdict(list)
    for ecosystem in sorted({package.ecosystem.partition(":")[0] for package in packages}):
        for record in _records(folder / ecosystem / "all.zip"):
            for affected in [] if record.get("withdrawn") else record.get("affected") or []:
                named = affected.get("package") or {}
                for package in by_name.get((str(named.get("ecosystem")), str(named.get("name"))), ()):
                    if record not in found[package] and concerns(affected, package):
                        found[package].append(record)
    return found


def _records(database: Path) -> Iterator[Record]:
    try:
        with zipfile.ZipFile(database) as archive:
            for name in archive.namelist():
                yield json.loads(archive.read(name))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UnreachableError(f"The offline database {database} can't be read ({error}). Copy OSV's there.") from error


def concerns(affected: Record, package: Package) -> bool:
    """Return whether a part of an advisory names the version. Raises AuditError."""
    if package.version in (affected.get("versions") or []):
        return True
    ranges = [each for each in affected.get("ranges") or [] if each.get("type") != "GIT"]
    earlier = _earlier(package.ecosystem)
    if earlier is None:
        return bool(ranges) and not affected.get("versions")
    return any(_in_range(each.get("events") or [], package.version, earlier) for each in ranges)


def _in_range(events: Sequence[Record], version: str, earlier: Callable[[str, str], bool]) -> bool:
    """Return whether the newest event that is not after the version begins a range."""
    inside = False
    for event in events:
        if "introduced" in event and (event["introduced"] == "0" or not earlier(version, event["introduced"])):
            inside = True
        elif ("fixed" in event and not earlier(version, event["fixed"])) or (
            "last_affected" in event and earlier(event["last_affected"], version)
        ):
            inside = False
    return inside


def _earlier(ecosystem: str) -> Callable[[str, str], bool] | None:
    """Return what compares two versions of an ecosystem, None where nothing here does."""
    return {"Debian": _debian_earlier, "PyPI": _python_earlier}.get(ecosystem.partition(":")[0])


def _debian_earlier(first: str, second: str) -> bool:
    try:
        command = ["dpkg", "--compare-versions", first, "lt", second]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError as error:
        raise AuditError("dpkg can't be run, and it compares Debian's versions. Run the audit on Debian.") from error


def _python_earlier(first: str, second: str) -> bool:
    try:
        return Version(first) < Version(second)
    except InvalidVersion:
        # A version that can't be compared counts as one that the advisory concerns.
        return True
