"""The shell scripts that start a service or prepare one."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.control.settings import REPOSITORY, Settings
from infra.control.variables import environment

AWKWARD = "p@ss&w/ord#1x\"\\'$5"  # pragma: allowlist secret


def settings(tmp_path: Path, **environ: str) -> Settings:
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), **environ})
    (chosen.instance / "tmp").mkdir(parents=True, exist_ok=True)
    return chosen


def stub(tmp_path: Path, name: str, text: str) -> str:
    """Writes a program and returns a PATH that begins with its folder."""
    folder = tmp_path / "stubs"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/usr/bin/env bash\n{text}\n", encoding="ascii")
    (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def run(script: str, *arguments: str, variables: dict[str, str]) -> str:
    return subprocess.run(
        [script, *arguments], cwd=REPOSITORY, env=os.environ | variables, check=True, capture_output=True, text=True
    ).stdout


def test_the_password_of_mlflows_database_is_no_argument(tmp_path: Path) -> None:
    variables = environment(settings(tmp_path, MARQUEE_POSTGRES_PASSWORD=AWKWARD))
    path = stub(tmp_path, "mlflow", 'printf "%s\\n" "$MLFLOW_BACKEND_STORE_URI" "$*"')
    address, arguments = run("infra/services/mlflow/mlflow.sh", variables=variables | {"PATH": path}).splitlines()
    assert (
        address
        == (
            "postgresql+psycopg2://mlflow:p%40ss%26w%2Ford%231x%22%5C%27%245@127.0.0.1:15432/mlflow"  # pragma: allowlist secret
        )
    )
    artifacts = f"{tmp_path}/instances/default/data/mlflow"
    assert arguments == f"server --host 127.0.0.1 --port 5000 --workers 1 --artifacts-destination {artifacts}"


def test_airflows_passwords_are_json_and_never_readable_by_others(tmp_path: Path) -> None:
    variables = environment(settings(tmp_path, MARQUEE_AIRFLOW_PASSWORD=AWKWARD))
    path = stub(tmp_path, "airflow", "exit 0")
    path = stub(tmp_path, "chmod", "exit 0")
    run("infra/services/airflow/airflow.sh", "prepare", variables=variables | {"PATH": path})
    written = Path(variables["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    assert json.loads(written.read_text(encoding="utf-8")) == {"admin": AWKWARD}
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


@contextlib.contextmanager
def postgres(variables: dict[str, str], log: Path) -> Iterator[None]:
    script = "infra/services/postgres/postgres.sh"
    run(script, "prepare", variables=variables)
    with (
        log.open("ab") as output,
        subprocess.Popen(
            [script, "run"], cwd=REPOSITORY, env=os.environ | variables, stdout=output, stderr=output
        ) as server,
    ):
        try:
            run(script, "databases", variables=variables)
            yield
        finally:
            server.send_signal(signal.SIGINT)


def databases(variables: dict[str, str], role: str, password: str) -> str:
    (psql, *_) = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))
    server = ["-h", "127.0.0.1", "-p", variables["MARQUEE_POSTGRES_PORT"], "-U", role, "-d", "postgres"]
    query = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate"
    return run(str(psql), *server, "-XtAc", query, variables={"PGPASSWORD": password}).strip()


def test_a_password_that_is_changed_holds_from_the_next_start_whatever_characters_it_has(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    for password in ("the first", AWKWARD, AWKWARD):
        chosen = settings(tmp_path, MARQUEE_POSTGRES_PASSWORD=password, MARQUEE_POSTGRES_PORT=port)
        variables = environment(chosen)
        with postgres(variables, tmp_path / "log"):
            for role in ("postgres", "metastore"):
                assert databases(variables, role, password) == "accounts airflow metastore mlflow postgres reviews"
    assert "ALTER ROLE" not in (tmp_path / "log").read_text(encoding="utf-8")


def prepared_with(tmp_path: Path) -> str:
    """Runs `postgres.sh prepare` with the programs below tmp_path/postgresql and returns the version that made the files."""
    script = (REPOSITORY / "infra" / "services" / "postgres" / "postgres.sh").read_text(encoding="utf-8")
    script = script.replace("/usr/lib/postgresql", f"{tmp_path}/postgresql")
    return run("bash", "-c", script, "postgres.sh", "prepare", variables=environment(settings(tmp_path)))


def test_the_newest_postgresql_makes_the_files_and_the_one_that_made_them_reads_them(tmp_path: Path) -> None:
    for version, programs in (("9.6", ["postgres", "initdb"]), ("15", ["postgres", "initdb"]), ("16", ["psql"])):
        for program in programs:
            path = tmp_path / "postgresql" / version / "bin" / program
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!/bin/sh\necho made by {version} >&2\n", encoding="ascii")
            path.chmod(0o755)
    (tmp_path / "postgresql" / "15" / "bin" / "initdb").write_text(
        f"#!/bin/sh\necho 15 >{tmp_path}/made\n", encoding="ascii"
    )
    tmp_path.chmod(0o777)
    prepared_with(tmp_path)
    assert (tmp_path / "made").read_text(encoding="ascii") == "15\n"
    data = tmp_path / "instances" / "default" / "data" / "postgres"
    (data / "PG_VERSION").write_text("14\n", encoding="ascii")
    with pytest.raises(subprocess.CalledProcessError) as raised:
        prepared_with(tmp_path)
    assert raised.value.stderr == f"{data} was made by PostgreSQL 14, which is not installed. Install that version.\n"
