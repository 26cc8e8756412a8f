"""The checklist of a release: each point is looked at, and the tag is made only where all hold."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from infra.release.errors import ReleaseError
from infra.release.git import git

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)


def tag_of(version: str) -> str:
    """Return the tag of a version.

    Raises ReleaseError for a version that is not three numbers.
    """
    if not _VERSION.fullmatch(version):
        raise ReleaseError(f"{version!r} is no version. Write three numbers with points, such as 0.2.0.")
    return f"v{version}"


def _clean(repository: Path, _: str) -> str:
    changed = git(repository, "status", "--porcelain", "--untracked-files=no")
    return f"Files differ from the commit ({changed.splitlines()[0].strip()}). Commit or undo them." if changed else ""


def _newer(repository: Path, version: str) -> str:
    numbers = tuple(int(part) for part in version.split("."))
    tags = [tag.removeprefix("v") for tag in git(repository, "tag", "--list", "v*").splitlines()]
    known = [tuple(int(part) for part in tag.split(".")) for tag in tags if _VERSION.fullmatch(tag)]
    if known and numbers <= max(known):
        highest = ".".join(str(part) for part in max(known))
        return f"{highest} is released already. Take a higher version."
    return ""


def _project(repository: Path, version: str) -> str:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return "" if project == version else f"pyproject.toml has the version {project}. Set it to {version}."


def _changelog(repository: Path, version: str) -> str:
    text = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(
        rf"^## \[{re.escape(version)}\] - (\d{{4}}-\d\d-\d\d)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    if not found:
        return f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`. Name the unreleased changes so."
    return (
        ""
        if re.search(r"^- \S", found[2], re.MULTILINE)
        else f"The section of {version} in CHANGELOG.md is empty. Fill it."
    )


def _links(repository: Path, _: str) -> str:
    pages = [repository / "README.md", *sorted((repository / "docs").rglob("*.md"))]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                return f"{page.relative_to(repository)} links to {target}, which does not exist. Correct the link."
    return ""


POINTS: dict[str, Callable[[Path, str], str]] = {
    "the checkout is committed": _clean,
    "the version is higher than all released ones": _newer,
    "pyproject.toml has the version": _project,
    "CHANGELOG.md has its section": _changelog,
    "the pages' links lead somewhere": _links,
}


def points(repository: Path, version: str) -> Iterator[tuple[str, str]]:
    """Yield each point of the checklist with what is wrong, '' where it holds."""
    tag_of(version)
    for title, look in POINTS.items():
        yield title, look(repository, version)


def make_tag(repository: Path, version: str) -> str:
    """Make the annotated tag and return it.

    Raises ReleaseError.
    """
    tag = tag_of(version)
    git(repository, "tag", "--annotate", "--message", f"Marquee {version}", tag)
    return tag
