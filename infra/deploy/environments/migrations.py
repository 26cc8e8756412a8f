"""What a version's migrations may do while the version before still serves.

Each revision of Alembic says its phase. `expand` adds, and the version before does not notice. `contract` removes what the
version before may still use, so it runs after the watch. Read without running it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.release.errors import ReleaseError

VERSIONS = "serving/*/database/migrations/versions"
PHASES = ("expand", "contract")
# These take away what a program may use, or refuse what it may write.
_REMOVES = frozenset(
    ["drop_table", "drop_column", "drop_constraint", "drop_index", "rename_table", "batch_alter_table", "alter_column"]
)
_REFUSES = frozenset(
    [
        "create_unique_constraint",
        "create_check_constraint",
        "create_foreign_key",
        "create_primary_key",
        "create_exclude_constraint",
    ]
)
_SQL = re.compile(
    r"\b(DROP|ALTER|RENAME|TRUNCATE|DELETE|REVOKE|LOCK"
    r"|CREATE\s+(OR\s+REPLACE\s+)?(UNIQUE|(CONSTRAINT\s+)?TRIGGER|RULE|FUNCTION|PROCEDURE))\b",
    re.I,
)


@dataclass(frozen=True)
class Revision:
    """One revision's file, as it says itself."""

    file: str
    name: str
    after: str | None
    phase: str | None
    tree: ast.Module


def _constants(tree: ast.Module) -> dict[str, object]:
    return {
        target.id: statement.value.value
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Constant)
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name)
    }


def revisions(folder: Path) -> list[Revision]:
    """Return the revisions of a folder, each after the one that it follows.

    Raises ReleaseError.
    """
    found: dict[str | None, Revision] = {}
    for file in sorted(folder.glob("*.py")):
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError) as error:
            raise ReleaseError(f"The migration {file.name} is no Python: {error}.") from error
        says = _constants(tree)
        name, after, phase = says.get("revision"), says.get("down_revision"), says.get("phase")
        if not isinstance(name, str) or not (after is None or isinstance(after, str)):
            raise ReleaseError(f"The migration {file.name} does not say which revision it is. Write its `revision`.")
        if after in found:
            raise ReleaseError(
                f"The migrations {found[after].file} and {file.name} follow the same one. Let one follow the other."
            )
        found[after] = Revision(file.name, name, after, phase if isinstance(phase, str) else None, tree)
    chain: list[Revision] = []
    while (following := found.pop(chain[-1].name if chain else None, None)) is not None:
        chain.append(following)
    if found:
        raise ReleaseError(
            f"The migrations {', '.join(left.file for left in found.values())} follow none that is there."
        )
    return chain


def faults_of_expand(revision: Revision) -> list[str]:
    """Return what a revision does that the version before may notice."""
    body = [node for node in revision.tree.body if getattr(node, "name", "") != "downgrade"]
    calls = [node for part in body for node in ast.walk(part) if isinstance(node, ast.Call)]
    tables, columns = _made(calls, "create_table", 0), _made(calls, "add_column", 0)
    return [f"line {call.lineno}: {fault}" for call in calls if (fault := _fault(call, tables, columns))]


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _made(calls: list[ast.Call], name: str, position: int) -> set[str]:
    return {
        text for call in calls if _called(call) == name and (text := _text(_argument(call, position, "table_name")))
    }


def _argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    return call.args[position] if len(call.args) > position else given.get(name)


def _fault(call: ast.Call, tables: set[str], columns: set[str]) -> str:
    """Return what is wrong with one call, or nothing.

    What concerns a table that the revision makes itself is right.
    """
    name = _called(call)
    if name in ("getattr", "eval", "exec", "__import__", "import_module"):
        return f"{name} hides what it does"
    if name in _REMOVES:
        return f"{name} changes or removes what the version before uses"
    if name in _REFUSES:
        table = _text(_argument(call, 0 if name == "create_primary_key" else 1, "table_name"))
        return "" if table in tables else f"{name} refuses rows that the version before writes"
    if name == "create_index" and _is_true(_argument(call, 99, "unique")):
        table = _text(_argument(call, 1, "table_name"))
        return "" if table in tables | columns else "a unique index refuses rows that the version before writes"
    if name == "add_column":
        return _fault_of_column(_argument(call, 1, "column"))
    if name in ("execute", "exec_driver_sql", "text") and call.args:
        return _fault_of_sql(name, call.args[0])
    return ""


def _is_true(node: ast.expr | None) -> bool:
    return node is not None and not (isinstance(node, ast.Constant) and not node.value)


def _fault_of_column(column: ast.expr | None) -> str:
    if not isinstance(column, ast.Call):
        return "the column can't be read here; write sa.Column(...) in the call"
    given = {keyword.arg: keyword.value for keyword in column.keywords}
    needed = not _is_true(given.get("nullable", ast.Constant(value=True))) or _is_true(given.get("primary_key"))
    default = given.get("server_default", ast.Constant(value=None))
    if needed and isinstance(default, ast.Constant) and default.value is None and "computed" not in given:
        return "a column that must have a value and has no server_default refuses rows that the version before writes"
    return ""


def _fault_of_sql(name: str, argument: ast.expr) -> str:
    text = _text(argument)
    if text is None:
        # SQLAlchemy's own statements of data, such as sa.update(...), change rows and no table.
        names = {_called(node) for node in ast.walk(argument) if isinstance(node, ast.Call)}
        if isinstance(argument, ast.Call) and names & {"update", "insert", "select", "text"} and "delete" not in names:
            return ""
        return f"{name} of what can't be read here; write the statement in the call"
    found = _SQL.search(text)
    return f"{name} of {found[0].upper()}, which the version before may notice" if found else ""


def faults(new: Path, live: Path) -> list[str]:
    """Return why a version may not follow another one, sentence by sentence.

    `new` and `live` are folders of versions. Revisions that both have were looked at before.
    """
    found: list[str] = []
    for folder in sorted(new.glob(VERSIONS)):
        service = folder.relative_to(new).parts[1]
        chain = revisions(folder)
        known = revisions(live / folder.relative_to(new))
        found += _faults_of_service(service, chain, known)
    return found


def _faults_of_service(service: str, chain: list[Revision], known: list[Revision]) -> Iterator[str]:
    names, had = {revision.name for revision in chain}, {revision.name for revision in known}
    for revision in known:
        if revision.phase == "contract" and revision.name not in names:
            yield (
                f"{service}: {revision.file} has removed what this version uses. "
                "Deploy a version that knows it, or restore a backup (make restore)."
            )
    contract = ""
    for revision in (revision for revision in chain if revision.name not in had):
        if revision.phase not in PHASES:
            yield (
                f'{service}: {revision.file} says no phase. Write `phase = "expand"` or "contract" below its revision.'
            )
        elif revision.phase == "contract":
            contract = contract or revision.file
        elif contract:
            yield (
                f"{service}: {revision.file} expands after {contract}, which waits for the end of the watch. "
                f"Deploy a version that ends with {contract} first."
            )
        for fault in faults_of_expand(revision) if revision.phase == "expand" else ():
            yield f"{service}: {revision.file} is not backward compatible: {fault}."


def adds(new: Path, live: Path) -> bool:
    """Return whether a version has revisions that the live one lacks.

    Raises ReleaseError.
    """
    return any(
        {revision.name for revision in revisions(folder)}
        - {revision.name for revision in revisions(live / folder.relative_to(new))}
        for folder in new.glob(VERSIONS)
    )


def check_migrations(new: Path, live: Path | None) -> None:
    """Check a version's migrations.

    Raises ReleaseError where it may not follow the live version.
    """
    if live is not None and (found := faults(new, live)):
        raise ReleaseError(" ".join(found))
