"""A deleted account is nowhere: in the database, the exports, what is logged, the metrics, and the pages."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, MetaData, insert, select

from serving.accounts.database.changes import now
from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import SignInAttempt
from serving.accounts.domain.ratings import rate
from serving.accounts.domain.registration import delete_account, register
from serving.accounts.export import export_ratings, main
from serving.accounts.kept_exports import users_of

from .conftest import FIRST_USER, PASSWORD, SignIn, on_both_databases

NAME = "Wilhelmina Quux"
BATCHES = ("20991229T000000", "20991230T000000", "20991231T000000")


def all_rows(engine: Engine) -> str:
    """Each value of each table, as text."""
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        rows = [row for table in tables.sorted_tables for row in connection.execute(select(table))]
    return "\n".join(str(tuple(row)) for row in rows)


def all_files(folder: Path) -> str:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return "\n".join(f"{path}: {path.read_text(encoding='utf-8')}" for path in files)


@on_both_databases
def test_after_a_deletion_and_the_next_export_the_person_is_nowhere(
    client: FlaskClient,
    engine: Engine,
    factory: Transactions,
    sign_in: SignIn,
    database_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    output = tmp_path / "feedback"
    body, key = {"name": NAME, "password": PASSWORD}, {"Idempotency-Key": "a key of Wilhelmina".replace(" ", "-")}
    user_id = client.post("/accounts/v1/users", json=body, headers=key).get_json()["user_id"]
    bob = sign_in("Bob")
    person = sign_in(NAME, register=False)
    for movie in (1, 5):
        person.request("PUT", person.own(f"/ratings/{movie}"), {"rating": 4.5})
        bob.request("PUT", bob.own(f"/ratings/{movie}"), {"rating": 1})
    client.post("/accounts/v1/login", json={"name": NAME, "password": "wrong kettles"})
    client.post("/accounts/v1/refresh", json={"refresh_token": person.refresh_token})
    export_ratings(database_url, output, BATCHES[0])
    (output / f".{BATCHES[1]}.partial").mkdir()
    (output / f".{BATCHES[1]}.partial" / "ratings.csv").write_text(f"{user_id},1,4.5,1\n", encoding="utf-8")
    traces = (NAME, NAME.casefold(), str(user_id))
    assert all(trace in all_rows(engine) for trace in traces)
    assert str(user_id) in all_files(output)

    assert person.request("DELETE", person.own("")).status_code == 204
    assert not any(trace in all_rows(engine) for trace in traces)
    caplog.clear()

    export_ratings(database_url, output, BATCHES[2])
    assert [path.name for path in sorted(output.iterdir())] == [".lock", BATCHES[2]]
    everywhere = {
        "database": all_rows(engine),
        "exports": all_files(output),
        "logs": caplog.text,
        "metrics": client.get("/accounts/metrics").text,
        "search": client.get("/accounts/v1/movies").text,
    }
    for place, text in everywhere.items():
        assert not any(trace in text for trace in traces), place
    # Bob's ratings are all there.
    assert users_of(output / BATCHES[2]) == {bob.user_id}


@on_both_databases
def test_the_batchs_own_export_is_written_again_without_the_person(
    factory: Transactions, engine: Engine, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(("Ada", "Bob")):
        register(factory, name, PASSWORD)
        rate(factory, FIRST_USER + number, 1, 9)
    assert export_ratings(database_url, tmp_path, BATCHES[0])["files"][0]["rows"] == 2
    delete_account(factory, FIRST_USER)
    arguments = ["--output", str(tmp_path), "--batch-id", BATCHES[0], "--database", database_url]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert printed.err == f"export: {BATCHES[0]} is removed: it has ratings of an account that is deleted.\n"
    assert json.loads(printed.out)["files"][0]["rows"] == 1
    assert users_of(tmp_path / BATCHES[0]) == {FIRST_USER + 1}


def test_an_export_without_the_person_stays_byte_for_byte(
    factory: Transactions, engine: Engine, database_url: str, tmp_path: Path
) -> None:
    register(factory, "Ada", PASSWORD)
    rate(factory, FIRST_USER, 1, 9)
    export_ratings(database_url, tmp_path, BATCHES[0])
    before = all_files(tmp_path / BATCHES[0])
    register(factory, "Bob", PASSWORD)
    delete_account(factory, FIRST_USER + 1)
    export_ratings(database_url, tmp_path, BATCHES[1])
    assert all_files(tmp_path / BATCHES[0]) == before


def test_the_newest_exports_stay_and_older_ones_go(engine: Engine, database_url: str, tmp_path: Path) -> None:
    batches = [f"209901{day:02d}T000000" for day in range(1, 20)]
    for batch in batches:
        export_ratings(database_url, tmp_path, batch)
    assert sorted(path.name for path in tmp_path.glob("2099*")) == batches[-14:]
    export_ratings(database_url, tmp_path, batches[0], keep=3)
    assert sorted(path.name for path in tmp_path.glob("2099*")) == [batches[0], *batches[-2:]]


def test_folders_that_a_killed_run_left_go_and_those_in_use_stay(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    for name in (f".{BATCHES[0]}.partial", f".{BATCHES[0]}.removed", ".joining-old", ".joining-new", ".unknown"):
        (tmp_path / name).mkdir()
    day_before = time.time() - 90_000
    os.utime(tmp_path / ".joining-old", (day_before, day_before))
    export_ratings(database_url, tmp_path, BATCHES[1])
    left = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert left == [".joining-new", ".unknown", BATCHES[1]]


@pytest.mark.parametrize("keep", ["0", "-1", "1001", "1e3", "1.0", "٣", "NaN", "", str(2**70)])
def test_a_number_of_exports_out_of_bounds_is_refused(
    keep: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--output", str(tmp_path), "--batch-id", BATCHES[0], "--keep", keep])
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_another_persons_attempts_to_sign_in_stay(factory: Transactions, engine: Engine) -> None:
    register(factory, "Ada", PASSWORD)
    with factory.begin() as database:
        database.execute(
            insert(SignInAttempt), [{"name_key": name, "address": "192.0.2.1", "at": now()} for name in ("ada", "bob")]
        )
    delete_account(factory, FIRST_USER)
    with factory() as database:
        assert list(database.scalars(select(SignInAttempt.name_key))) == ["bob"]
