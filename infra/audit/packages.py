"""The table of packages (packages.toml) and what the code really imports, read from the syntax trees."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.control.settings import REPOSITORY

RUNTIMES = ("dags", "mr_jobs", "spark_jobs", "serving", "expectations", "infra")
# Folders that are import roots of their own where they run; the others are packages of the repository.
ROOTS = ("dags", "mr_jobs", "spark_jobs")


@dataclass(frozen=True)
class Package:
    """A row of the table."""

    name: str
    says: str
    imports: frozenset[str]
    libraries: frozenset[str]


@cache
def table() -> dict[str, Package]:
    """Return the rows by name, in the order of the file."""
    rows = tomllib.loads((REPOSITORY / "tests/contracts/packages.toml").read_text(encoding="utf-8"))
    return {
        name: Package(name, row["says"], frozenset(row["imports"]), frozenset(row["libraries"]))
        for name, row in rows.items()
    }


def python_files() -> list[Path]:
    """Return every Python file of the runtimes, relative to the repository."""
    return sorted(file.relative_to(REPOSITORY) for runtime in RUNTIMES for file in (REPOSITORY / runtime).rglob("*.py"))


def package_of(path: Path) -> str | None:
    """Return the longest row that holds a file, or None for a file outside the table."""
    places = [path, *path.parents]
    return next((place.as_posix() for place in places if place.as_posix() in table()), None)


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Yield each dotted name that a file imports.

    Of `from a import b` both `a` and `a.b`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def file_of(name: str, importer: Path) -> Path | None:
    """Return the file of this repository that a dotted name means; None: a library."""
    root = importer.parts[0]
    for base in ([Path(root)] if root in ROOTS else []) + [Path()]:
        place = base.joinpath(*name.split("."))
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if (REPOSITORY / file).is_file():
                return file
    return None


def arrows(path: Path) -> tuple[set[str], set[str]]:
    """Return the other rows that a file imports, and its libraries' top-level names."""
    tree = ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))
    rows: set[str] = set()
    libraries: set[str] = set()
    for name in imported_names(tree):
        parts = name.split(".")
        files = [file_of(".".join(parts[:length]), path) for length in range(len(parts), 0, -1)]
        file = next((found for found in files if found is not None), None)
        if file is None:
            libraries.add(parts[0])
        # A package's own __init__ holds nothing but its docstring: `from a import b` means b.
        elif file.name != "__init__.py" and (row := package_of(file)) is not None:
            rows.add(row)
    return rows - {package_of(path) or ""}, libraries - set(RUNTIMES)
