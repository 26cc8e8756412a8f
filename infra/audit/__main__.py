"""`make audit`: looks for secrets in git, writes bills of materials, and asks for known vulnerabilities.

Runs in the environment of requirements/audit.txt. Exit status: 0 nothing found, 1 something found,
75 (EX_TEMPFAIL) nothing found, but the advisory service could not be asked; 0 for that too with --unreachable warn.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from infra.audit.tracked_files import tracked_files
from infra.audit.tracked_secrets import unknown_secrets
from infra.audit.vulnerabilities import AuditError, UnreachableError, ask, judge, read_known
from infra.control.settings import REPOSITORY, Settings, SettingsError

_REQUIREMENTS = REPOSITORY / "requirements"
_PROGRAMS = Path(sys.executable).parent


def _locks() -> list[Path]:
    return [source.with_suffix(".txt") for source in sorted(_REQUIREMENTS.glob("*.in"))]


def _write_materials(folder: Path) -> None:
    """Write a CycloneDX document for each lock file."""
    folder.mkdir(parents=True, exist_ok=True)
    for lock in _locks():
        output = str(folder / f"{lock.stem}.cdx.json")
        options = ["--pyproject", str(REPOSITORY / "pyproject.toml"), "--output-reproducible", "--output-file", output]
        made = subprocess.run(
            [str(_PROGRAMS / "cyclonedx-py"), "requirements", str(lock), *options],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise AuditError(f"cyclonedx-py failed for {lock.name}: {made.stderr.strip()[-500:]}")


def _vulnerable() -> list[str]:
    """Print the remarks and return a sentence for each vulnerability to fix.

    Raises UnreachableError and AuditError.
    """
    known = read_known(_REQUIREMENTS / "known_vulnerabilities.toml")
    packages = ask([str(_PROGRAMS / "pip-audit")], _locks())
    failures, remarks = judge(packages, known, datetime.now(UTC).date())
    print(
        f"audit  vulnerabilities: {len(failures)} to fix, {len(known)} listed, in {len(packages)} packages", flush=True
    )
    for remark in remarks:
        print(f"audit  remark: {remark}")
    return failures


def main() -> int:
    """Run the audit, print each part as it is done, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--unreachable",
        choices=("fail", "warn"),
        default="fail",
        help="what to do if no advisories can be read (default: fail)",
    )
    options = parser.parse_args()
    try:
        materials = Settings.load().state / "sbom"
    except SettingsError as error:
        sys.exit(f"audit: {error}")
    files = tracked_files(REPOSITORY)
    failures = unknown_secrets(REPOSITORY, files)
    print(f"audit  secrets: {len(failures)} in {len(files)} files that git tracks", flush=True)
    unreachable = False
    try:
        _write_materials(materials)
        print(f"audit  bills of materials: {len(_locks())} CycloneDX documents in {materials}", flush=True)
        failures += _vulnerable()
    except UnreachableError as error:
        print(f"audit: vulnerabilities were not looked for. {error}", file=sys.stderr)
        unreachable = True
    except AuditError as error:
        failures.append(str(error))
    for sentence in failures:
        print(f"audit: {sentence}", file=sys.stderr)
    if failures:
        return 1
    return os.EX_TEMPFAIL if unreachable and options.unreachable == "fail" else 0


if __name__ == "__main__":
    sys.exit(main())
