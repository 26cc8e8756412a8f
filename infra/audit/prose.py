"""Plain English in code and pages: `python -m infra.audit.prose` names each place that breaks a rule.

The rules are in CONTRIBUTING.md. This program looks for the words that were worst, and at the first lines of docstrings;
ruff looks at their mood and their full stops. Exit status 1 where something is found.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.audit.tracked_files import tracked_files
from infra.control.settings import REPOSITORY

# A word that readers stumble over, and what to write.
WORDS = {
    "anew": "again",
    "mend(?:s|ed|ing)?": "fix or repair",
    "whoever": "users, they",
    "anybody": "users, they",
    "he": "they",
    "him(?:self)?": "them",
    "his": "their",
    "beside": "next to, with or as well as",
    "told": "says, shows or logs",
    "in vain": "without success",
}
_WORD = re.compile(rf"\b({'|'.join(WORDS)})\b", re.IGNORECASE)
# What people read. Recorded answers and catalogues of translations quote; a licence is its authors'.
PROSE = (
    ".py",
    ".md",
    ".sh",
    ".html",
    ".toml",
    ".yml",
    ".yaml",
    ".xml",
    ".conf",
    ".in",
    "Makefile",
    "Dockerfile",
    ".env.example",
)
NOT_OURS = ("LICENSE", "tests/dags/recorded_commands/", "tests/contracts/recorded_answers/", "tests/data/")
RUNTIMES = ("dags/", "expectations/", "infra/", "mr_jobs/", "serving/", "spark_jobs/")
FIRST_LINE = 80


def words_in(name: str, text: str) -> Iterator[str]:
    """Yield a sentence for each of the words in a file."""
    for number, line in enumerate(text.splitlines(), 1):
        for found in _WORD.finditer(line):
            better = next(better for word, better in WORDS.items() if re.fullmatch(word, found[0], re.IGNORECASE))
            yield f"{name}:{number}: {found[0]!r}: write {better}."


def long_first_lines(name: str, text: str) -> Iterator[str]:
    """Yield a sentence for each docstring whose first line is longer than 80 characters."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = (ast.get_docstring(node) or "").partition("\n")[0]
            if len(first) > FIRST_LINE and not isinstance(node, ast.Module):
                yield f"{name}:{node.lineno}: the docstring's first line has {len(first)} characters: {FIRST_LINE} at most."


def findings(repository: Path, files: list[str]) -> list[str]:
    """Return a sentence for each place in the named files that breaks a rule."""
    found: list[str] = []
    for name in files:
        # This module and its test hold the words themselves.
        if name.startswith(NOT_OURS) or not name.endswith(PROSE) or Path(name).stem in ("prose", "test_prose"):
            continue
        text = (repository / name).read_text(encoding="utf-8")
        found += words_in(name, text)
        if name.endswith(".py") and name.startswith(RUNTIMES):
            found += long_first_lines(name, text)
    return found


def main() -> int:
    """Print the findings and return the exit status."""
    found = findings(REPOSITORY, tracked_files(REPOSITORY))
    print("\n".join(found) if found else "prose: nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
