"""Who imports whom is a table, packages.toml; the code is held to it by its syntax trees."""

import ast
import sys
from pathlib import Path

import pytest

from infra.audit.packages import ROOTS, RUNTIMES, arrows, file_of, package_of, python_files, table
from infra.control.settings import REPOSITORY

FILES = python_files()
# Rules that are written once, in modules that another runtime's jobs take along to the cluster.
TAKEN_ALONG = {"serving/reviews/corpora/cleaning.py", "serving/reviews/corpora/reviews.py", "serving/reviews/model"}


def test_every_runtime_has_files_to_look_at_and_every_file_has_a_row() -> None:
    assert [runtime for runtime in RUNTIMES if not any(file.parts[0] == runtime for file in FILES)] == []
    assert [str(file) for file in FILES if package_of(file) is None] == []


def test_every_row_has_a_file_and_names_only_rows() -> None:
    used = {package_of(file) for file in FILES}
    assert [name for name in table() if name not in used] == []
    assert {name for row in table().values() for name in row.imports} - set(table()) == set()


@pytest.mark.parametrize("row", table())
def test_a_package_imports_only_the_packages_and_libraries_of_its_row(row: str) -> None:
    allowed = table()[row]
    found = set()
    for file in FILES:
        if package_of(file) == row:
            rows, libraries = arrows(file)
            found |= {f"{file} imports {name}" for name in rows - allowed.imports}
            found |= {f"{file} imports {name}" for name in libraries - allowed.libraries - set(sys.stdlib_module_names)}
    assert found == set()


@pytest.mark.parametrize("row", table())
def test_a_row_allows_no_package_and_no_library_that_it_does_not_use(row: str) -> None:
    rows: set[str] = set()
    libraries: set[str] = set()
    for file in FILES:
        if package_of(file) == row:
            more_rows, more_libraries = arrows(file)
            rows |= more_rows
            libraries |= more_libraries
    assert (table()[row].imports - rows, table()[row].libraries - libraries) == (set(), set())


def test_packages_import_one_another_in_no_circle() -> None:
    left = {name: set(row.imports) for name, row in table().items()}
    while free := [name for name, imports in left.items() if not imports & set(left)]:
        for name in free:
            del left[name]
    assert left == {}


def test_no_runtime_and_no_service_imports_another() -> None:
    def owner(name: str) -> str:
        runtime, _, rest = name.partition("/")
        service = rest.split("/")[0]
        return service if runtime == "serving" and service not in ("", "web", "publications") else runtime

    crossing = {
        f"{name} imports {other}"
        for name, row in table().items()
        for other in row.imports - TAKEN_ALONG
        if owner(other) not in (owner(name), "serving" if name.startswith("serving") else owner(name))
    }
    assert crossing == set()


def test_heavy_libraries_are_not_imported_when_a_dag_file_is_read() -> None:
    heavy = {"pyspark", "mlflow", "great_expectations", "pandas", "numpy"}
    names = [
        name for name in FILES if name.parts[0] == "dags" and "explore" not in name.parts and "ingest" not in name.parts
    ]
    assert {f"{file} imports {name}" for file in names for name in arrows(file)[1] & heavy} == set()
    assert "dags/build_recommendations.py" in {str(name) for name in names}


def test_each_import_root_is_one_where_modules_are_found_by_their_short_names() -> None:
    assert {
        str(file_of(name, Path(root) / "a.py"))
        for root, name in zip(ROOTS, ("marquee.settings", "field_rules", "train_als"), strict=True)
    } == {
        "dags/marquee/settings.py",
        "mr_jobs/field_rules.py",
        "spark_jobs/train_als.py",
    }


def test_an_initialiser_holds_nothing_but_its_docstring() -> None:
    found = set()
    for file in FILES:
        if file.name == "__init__.py":
            body = ast.parse((REPOSITORY / file).read_text(encoding="utf-8")).body
            found |= {str(file)} if len(body) != 1 or not isinstance(body[0], ast.Expr) else set()
    assert found == set()
