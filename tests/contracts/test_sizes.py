"""Small rooms: how long a program, a module and a function may be, and how many files a folder may hold."""

import ast
from collections import Counter
from pathlib import Path

from infra.audit.packages import python_files
from infra.control.settings import REPOSITORY

PROGRAM_LINES, MODULE_LINES, FUNCTION_LINES, FOLDER_FILES = 150, 300, 60, 15
# The files that spark-submit and mrjob start: each is a program.
PROGRAMS = [*(REPOSITORY / "spark_jobs").glob("*.py"), *(REPOSITORY / "mr_jobs").glob("mr_*.py")]


def lines_of(path: Path) -> int:
    return len((REPOSITORY / path).read_text(encoding="utf-8").splitlines())


def is_table(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a function is a table of data: after its docstring it only makes and returns one literal."""
    body = [node for node in function.body if not isinstance(node, ast.Expr)]
    return (
        len(body) == 1
        and isinstance(body[0], ast.Return)
        and isinstance(body[0].value, ast.List | ast.Dict | ast.Tuple)
    )


def test_no_program_is_longer_than_150_lines() -> None:
    files = [
        *PROGRAMS,
        *(
            REPOSITORY / file
            for file in python_files()
            if file.name == "__main__.py" or (file.parts[0] == "dags" and len(file.parts) == 2)
        ),
    ]
    assert len(files) > 15
    assert {str(file): lines_of(file) for file in files if lines_of(file) > PROGRAM_LINES} == {}


def test_no_module_is_longer_than_300_lines() -> None:
    assert {str(file): lines_of(file) for file in python_files() if lines_of(file) > MODULE_LINES} == {}


def test_no_function_is_longer_than_60_lines_but_tables_of_data() -> None:
    found = {}
    for file in python_files():
        # A migration is a table of tables, and history.
        if "migrations" in file.parts:
            continue
        for node in ast.walk(ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_table(node):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    found[f"{file}:{node.name}"] = length
    assert found == {}


def test_no_flat_folder_holds_more_than_15_files_of_code() -> None:
    # hql/ is a table of statements, one file a statement and a name by rule; migrations are history.
    counts = Counter(file.parent.as_posix() for file in python_files() if file.name != "__init__.py")
    assert {folder: count for folder, count in counts.items() if count > FOLDER_FILES} == {}
