"""Known vulnerabilities of the locked packages, by pip-audit, less those in requirements/known_vulnerabilities.toml."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

# What pip-audit prints at its end where the advisory service is down or answers with an error.
_UNREACHABLE = ("requests.exceptions.", "ServiceError", "Could not connect", "not redirecting")


class AuditError(Exception):
    """The audit failed; the message says why."""


class UnreachableError(Exception):
    """The advisory service can't be reached, so nothing is known of any package."""


@dataclass(frozen=True)
class Known:
    """A vulnerability that can't be fixed now: why not, and when to look again."""

    id: str
    package: str
    reason: str
    look_again: date


def read_known(path: Path) -> list[Known]:
    """Return the entries of known_vulnerabilities.toml.

    Raises AuditError where one lacks a part.
    """
    try:
        known = [Known(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("known", [])]
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise AuditError(
            f"{path.name}: {error}. An entry is [[known]] with id, package, reason and look_again, a date."
        ) from error
    for entry in known:
        if type(entry.look_again) is not date:
            raise AuditError(
                f"{path.name}: look_again of {entry.id} is not a date. Write it without quotes and time, as 2027-01-31."
            )
    return known


def ask(pip_audit: Sequence[str], locks: Sequence[Path]) -> list[dict[str, Any]]:
    """Return what pip-audit says of each version of a package that a lock file holds.

    Raises UnreachableError, also where no package at all is found, as with a mirror of PyPI that has no advisories: pip-audit itself
    calls that a success. Raises AuditError where pip-audit fails otherwise, for instance at a package without a hash.
    """
    # One lock at a time, since pip-audit refuses two versions of a package.
    answers = [package for lock in locks for package in _ask_about(pip_audit, lock)]
    packages = list({json.dumps(package): package for package in answers}.values())
    if all("skip_reason" in package for package in packages):
        raise UnreachableError(
            f"The package index has no advisories: it knows none of {len(packages)} locked packages."
        )
    return packages


def _ask_about(pip_audit: Sequence[str], lock: Path) -> list[dict[str, Any]]:
    command = [*pip_audit, "--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    ended = subprocess.run([*command, "--requirement", str(lock)], capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(ended.stdout)["dependencies"]
    except ValueError as error:
        last = (ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}, no message"])[-1]
        if any(sign in last for sign in _UNREACHABLE):
            raise UnreachableError(f"The advisory service does not answer ({last}).") from error
        raise AuditError(f"pip-audit failed at {lock.name}: {last}") from error
    return packages


def judge(packages: list[dict[str, Any]], known: list[Known], today: date) -> tuple[list[str], list[str]]:
    """Return what fails the audit and what is only worth a remark, a sentence each."""
    failures, remarks, found = set(), set(), set()
    for package in packages:
        name = package["name"]
        if "skip_reason" in package:
            remarks.add(f"{name} was not audited: {package['skip_reason']}.")
        for vulnerability in package.get("vulns", []):
            ids = {vulnerability["id"], *vulnerability["aliases"]}
            entry = next((one for one in known if one.package == name and one.id in ids), None)
            if entry is None:
                fixed = " or ".join(vulnerability["fix_versions"])
                remedy = f"upgrade to {fixed}" if fixed else "no version fixes it, so do without"
                failures.add(
                    f"{name} {package['version']} has {vulnerability['id']}: {remedy}, or give a reason in "
                    f"requirements/known_vulnerabilities.toml. {vulnerability['description'][:200]}"
                )
                continue
            found.add(entry)
            if entry.look_again < today:
                failures.add(
                    f"{entry.id} of {name} was to be looked at by {entry.look_again}. Upgrade it, or set another date."
                )
    remarks |= {
        f"{entry.id} of {entry.package} is no longer found. Remove its entry." for entry in known if entry not in found
    }
    return sorted(failures), sorted(remarks)
