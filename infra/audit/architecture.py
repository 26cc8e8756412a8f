"""The pictures of docs/architecture.md, drawn from packages.toml: `python3 -m infra.audit.architecture` writes them."""

from __future__ import annotations

import re
from pathlib import Path

from infra.audit.packages import table
from infra.control.settings import REPOSITORY

PAGE = REPOSITORY / "docs" / "architecture.md"
# What a row says that only names a folder above others.
NO_SUBJECT = "the package itself"
_BLOCK = re.compile(r"(<!-- packages of (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def shown(name: str) -> str:
    """Return the box that a row is drawn in.

    A module with rights of its own is drawn in its package's box, if that has files.
    """
    folder = name.rpartition("/")[0]
    return folder if name.endswith(".py") and folder in table() and table()[folder].says != NO_SUBJECT else name


def boxes(runtime: str) -> dict[str, set[str]]:
    """Return the boxes of a runtime, each with the boxes that it imports."""
    found: dict[str, set[str]] = {}
    for name, row in table().items():
        if name.split("/")[0] == runtime and row.says != NO_SUBJECT:
            found.setdefault(shown(name), set()).update({shown(other) for other in row.imports} - {shown(name)})
    # A picture shows one runtime: the few modules of another one that it imports have no box here.
    return {name: others & found.keys() for name, others in found.items()}


def reachable(name: str, arrows: dict[str, set[str]]) -> set[str]:
    """Return all boxes that a box imports, directly or through others."""
    found: set[str] = set()
    left = [name]
    while left:
        new = arrows[left.pop()] - found
        found |= new
        left += new
    return found


def picture(runtime: str) -> str:
    """Return a runtime's packages as a Mermaid graph.

    An arrow that longer ways imply is left out.
    """
    arrows = boxes(runtime)
    linked = [name for name in arrows if arrows[name] or any(name in others for others in arrows.values())]
    lines = ["```mermaid", "graph TD"]
    for name in linked:
        lines.append(f'  {_node(name)}["<b>{name.removeprefix(f"{runtime}/")}</b><br/>{table()[name].says}"]')
    for name in linked:
        implied = set().union(*(reachable(other, arrows) for other in arrows[name]))
        lines += [f"  {_node(name)} --> {_node(other)}" for other in sorted(arrows[name] - implied)]
    alone = [f"`{name}` ({table()[name].says})" for name in arrows if name not in linked]
    return "\n".join([*lines, "```", *(["", f"No arrows: {', '.join(alone)}."] if alone else []), ""])


def _node(name: str) -> str:
    return re.sub(r"\W", "_", name)


def drawn(page: str) -> str:
    """Return the page with each of its pictures as the table has it."""
    return _BLOCK.sub(lambda block: f"{block[1]}{picture(block[2])}{block[4]}", page)


def main(page: Path = PAGE) -> None:
    """Write the pictures into the page."""
    page.write_text(drawn(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
