"""`make audit-images`: looks up what the images of a commit hold, by the bills of materials that `make images` wrote.

Exit status: 0 nothing found, 1 something found, 75 (EX_TEMPFAIL) nothing found, but no advisories could be read; 0 for that too with
--unreachable warn.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.audit.advisories import Package, look_up
from infra.audit.vulnerabilities import AuditError, UnreachableError, judge, read_known
from infra.control.settings import REPOSITORY, Settings, SettingsError
from infra.release.errors import ReleaseError
from infra.release.git import commit_of
from infra.release.package import MATERIALS, folder_of

_KNOWN = REPOSITORY / "requirements" / "known_vulnerabilities.toml"


def materials(state: Path, commit: str) -> list[Path]:
    """Return the bills of materials of a commit's images.

    Raises AuditError where there are none.
    """
    found = sorted((folder_of(state, commit) / MATERIALS).glob("image-*.cdx.json"))
    if not found:
        raise AuditError(f"There are no images of {commit[:12]}. Build them with `make images VERSION={commit[:12]}`.")
    return found


def packages_of(document: dict[str, Any]) -> Iterator[Package]:
    """Yield the packages of a bill of materials.

    A jar that does not say what it is has no name.
    """
    for component in document["components"]:
        said = {each["name"]: each["value"] for each in component["properties"]}
        yield Package(said["marquee:ecosystem"], said["marquee:name"], said["marquee:version"])


def as_answer(package: Package, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what pip-audit would say of a package, which `judge` reads."""
    return {
        "name": package.name,
        "version": package.version,
        "vulns": [_vulnerability(each, package) for each in records],
    }


def _vulnerability(record: dict[str, Any], package: Package) -> dict[str, Any]:
    fixed = {
        event["fixed"]
        for affected in record.get("affected") or []
        if (affected.get("package") or {}).get("name") == package.name
        if (affected.get("package") or {}).get("ecosystem") == package.ecosystem
        for each in affected.get("ranges") or []
        for event in each.get("events") or []
        if "fixed" in event and each.get("type") != "GIT"
    }
    text = str(record.get("summary") or record.get("details") or "")
    aliases = list(record.get("aliases") or []) + list(record.get("upstream") or [])
    return {"id": record["id"], "aliases": aliases, "fix_versions": sorted(fixed), "description": text}


def _audit(state: Path, commit: str, source: str) -> list[str]:
    """Print what was looked up and return a sentence for each vulnerability to fix."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in materials(state, commit)]
    every = {package for document in documents for package in packages_of(document)}
    named = sorted(package for package in every if package.name)
    print(f"audit  images: {len(documents)} of {commit[:12]}, with {len(named)} packages", flush=True)
    unnamed = len(every) - len(named)
    if unnamed:
        print(f"audit  remark: {unnamed} versions of jars do not say what they are, so they were not looked up.")
    answers = [as_answer(package, records) for package, records in look_up(named, source).items()]
    # The list's entries may be about locks, which `make audit` looks at.
    failures, _ = judge(answers, read_known(_KNOWN), datetime.now(UTC).date())
    print(f"audit  vulnerabilities: {len(failures)} to fix in images", flush=True)
    return failures


def main() -> int:
    """Run the audit of images and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", default="HEAD", help="a tag, a branch or a commit (default: what is checked out)")
    parser.add_argument("--unreachable", choices=("fail", "warn"), default="fail", help="if no advisories can be read")
    options = parser.parse_args()
    try:
        settings = Settings.load()
        commit = commit_of(REPOSITORY, options.version)
        failures = _audit(settings.state, commit, settings["MARQUEE_ADVISORIES"])
    except UnreachableError as error:
        print(f"audit: vulnerabilities of images were not looked for. {error}", file=sys.stderr)
        return os.EX_TEMPFAIL if options.unreachable == "fail" else 0
    except (AuditError, ReleaseError, SettingsError) as error:
        failures = [str(error)]
    for sentence in failures:
        print(f"audit: {sentence}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
