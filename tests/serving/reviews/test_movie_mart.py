"""Reviews out for the scoring, the mart in, and both next to each other in the API."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, update

from serving.publications.batch_exports.manifests import BatchExportError
from serving.reviews.database.engine import transactions
from serving.reviews.database.models import Review
from serving.reviews.warehouse.movie_mart import load_mart, parsed_row
from serving.reviews.warehouse.stored_reviews import WarehouseError, export_reviews

from .conftest import FIRST, SECOND

NIGHT, NEXT = "20261123T050000", "20261124T050000"
OCTOBER, NOVEMBER = datetime(2026, 10, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
ROWS = ["1\t2026-10\t1\t0.25\t0.0", "1\t2026-11\t2\t0.75\t1.0", "1\tall\t3\t0.5833333333333334\t0.6666666666666666"]


def write(engine: Engine, movie: int, author: int, text: str, moment: datetime = NOVEMBER, **columns: Any) -> int:
    row = {
        "movie_id": movie,
        "author_id": author,
        "author_name": "Ada",
        "text": text,
        "may_train": False,
        "created_at": moment,
        "changed_at": moment,
        **columns,
    }
    with engine.begin() as connection:
        return connection.execute(insert(Review).values(row).returning(Review.review_id)).scalar_one()


def files(folder: Path, *rows: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "000000_0").write_text("".join(f"{row}\n" for row in rows))
    return folder


def exported(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "reviews.jsonl").read_text(encoding="ascii").splitlines()]


def test_the_export_has_what_everybody_may_read_and_nothing_of_its_author(engine: Engine, tmp_path: Path) -> None:
    texts = ["wonderful", '정말 \U0001f600 \u2028 a\ttab, "quotes" and\r\nlines', "hidden", "gone"]
    ids = [write(engine, 7, number, text, OCTOBER, language="en") for number, text in enumerate(texts, 1)]
    with engine.begin() as connection:
        hiding = {"hidden_at": NOVEMBER, "hidden_reason": "rude"}
        connection.execute(update(Review).where(Review.review_id == ids[2]).values(hiding))
        connection.execute(delete(Review).where(Review.review_id == ids[3]))
    result = export_reviews(engine, tmp_path / "new")
    assert exported(tmp_path / "new") == [
        {"review_id": ids[0], "movie_id": 7, "created_at": 1793491199, "text": texts[0], "language": "en"},
        {"review_id": ids[1], "movie_id": 7, "created_at": 1793491199, "text": texts[1], "language": "en"},
    ]
    content = (tmp_path / "new" / "reviews.jsonl").read_bytes()
    assert result == {"rows": 2, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


def test_thousands_of_reviews_are_exported_in_order_and_none_gives_an_empty_file(
    engine: Engine, tmp_path: Path
) -> None:
    assert export_reviews(engine, tmp_path / "none")["rows"] == 0
    rows = [
        {
            "movie_id": 1,
            "author_id": number,
            "author_name": "A",
            "text": "x",
            "may_train": False,
            "helpful": 0,
            "created_at": NOVEMBER,
            "changed_at": NOVEMBER,
        }
        for number in range(2500)
    ]
    with engine.begin() as connection:
        connection.execute(insert(Review), rows)
    assert export_reviews(engine, tmp_path / "many")["rows"] == 2500
    ids = [row["review_id"] for row in exported(tmp_path / "many")]
    assert ids == sorted(ids)
    assert len(set(ids)) == 2500


def test_a_movies_mart_stands_beside_its_live_figures(client: TestClient, engine: Engine, tmp_path: Path) -> None:
    write(engine, 1, 1, "wonderful", label="positive", probability=0.9, confident=True, language="en")
    assert client.get("/v1/movies/1/sentiment").json()["mart"] is None
    assert load_mart(transactions(engine), files(tmp_path / "mart", *ROWS), NIGHT, FIRST) == {
        "loaded": True, "batch_id": NIGHT, "movies": 1, "reviews": 3, "rows": 3
    }  # fmt: skip
    answer = client.get("/v1/movies/1/sentiment").json()
    assert (answer["live"]["reviews"], answer["live"]["mean_probability"]) == (1, 0.9)
    assert answer["mart"] == {
        "batch_id": NIGHT,
        "publication": FIRST,
        "reviews": 3,
        "mean_probability": 0.5833333333333334,
        "share_positive": 0.6666666666666666,
        "months": [
            {"month": "2026-10", "reviews": 1, "mean_probability": 0.25, "share_positive": 0.0},
            {"month": "2026-11", "reviews": 2, "mean_probability": 0.75, "share_positive": 1.0},
        ],
    }
    # A movie without reviews has no row, and the mart says so.
    nothing = {"reviews": 0, "mean_probability": None, "share_positive": None, "months": []}
    assert client.get("/v1/movies/2/sentiment").json()["mart"] == {"batch_id": NIGHT, "publication": FIRST, **nothing}


def test_the_next_night_replaces_the_mart_and_a_late_run_brings_nothing_back(
    client: TestClient, engine: Engine, tmp_path: Path
) -> None:
    factory = transactions(engine)
    load_mart(factory, files(tmp_path / "first", *ROWS), NIGHT, FIRST)
    # All reviews of movie 1 were hidden; the same batch may be loaded again.
    other = files(tmp_path / "next", "2\tall\t1\t0.5\t1.0")
    for _ in range(2):
        assert load_mart(factory, other, NEXT, SECOND)["loaded"] is True
    late = load_mart(factory, files(tmp_path / "first"), NIGHT, FIRST)
    assert late == {"loaded": False, "batch_id": NIGHT, "held_back_by": NEXT}
    assert client.get("/v1/movies/1/sentiment").json()["mart"]["reviews"] == 0
    assert client.get("/v1/movies/2/sentiment").json()["mart"]["publication"] == SECOND
    # A night without any review.
    load_mart(factory, files(tmp_path / "empty"), "20261125T050000", SECOND)
    assert client.get("/v1/movies/2/sentiment").json()["mart"]["reviews"] == 0


@pytest.mark.parametrize(
    "row",
    [
        "", "1\tall\t3\t0.5", "1\tall\t3\t0.5\t0.5\t0.5", "0\tall\t3\t0.5\t0.5", "2147483648\tall\t3\t0.5\t0.5",
        "1\t2026-13\t3\t0.5\t0.5", "1\t2026-1\t3\t0.5\t0.5", "1\tnone\t3\t0.5\t0.5", "1\tall\t0\t0.5\t0.5",
        "1\tall\t3\tnan\t0.5", "1\tall\t3\t1.1\t0.5", "1\tall\t3\t0.5\t-0.1", "1\tall\t3\t\\N\t0.5",
        "x\tall\t3\t0.5\t0.5", "1\tall\t3.0\t0.5\t0.5", ROWS[0],
    ],
)  # fmt: skip
def test_files_that_are_no_mart_are_refused_and_the_mart_stays(
    client: TestClient, engine: Engine, tmp_path: Path, row: str
) -> None:
    factory = transactions(engine)
    load_mart(factory, files(tmp_path / "good", *ROWS), NIGHT, FIRST)
    with pytest.raises(WarehouseError, match="Line 2 of 000000_0 is no row of movie_sentiment, or repeats one"):
        load_mart(factory, files(tmp_path / "bad", ROWS[0], row), NEXT, FIRST)
    assert client.get("/v1/movies/1/sentiment").json()["mart"]["batch_id"] == NIGHT


@settings(deadline=None)
@given(st.text())
def test_any_line_is_a_row_or_none(line: str) -> None:
    assert parsed_row(line) is None or line.count("\t") == 4


# November has 30 days, a year 12 months, a day 24 hours.
@pytest.mark.parametrize(
    "stamp", ["20261131T050000", "20261323T050000", "20261123T250000", "20261123", "", "\u0662026112\u0663T050000"]
)
def test_a_moment_that_does_not_exist_names_no_batch_and_no_publication(
    engine: Engine, tmp_path: Path, stamp: str
) -> None:
    folder = files(tmp_path / "mart", *ROWS)
    for batch, publication in ((stamp, FIRST), (NIGHT, stamp)):
        with pytest.raises(BatchExportError, match="is not a batch id"):
            load_mart(transactions(engine), folder, batch, publication)


def test_the_programs_end_with_json_or_with_a_sentence(engine: Engine, tmp_path: Path) -> None:
    def run(*arguments: str, database: str = engine.url.render_as_string(hide_password=False)) -> Any:
        command = [sys.executable, "-m", "serving.reviews.warehouse", *arguments]
        return subprocess.run(command, env={"MARQUEE_REVIEWS_DATABASE": database}, capture_output=True, text=True)

    export = run("export-reviews", "--output", str(tmp_path / "export"))
    assert (export.returncode, json.loads(export.stdout)["rows"]) == (0, 0)
    again = run("export-reviews", "--output", str(tmp_path / "export"))
    assert again.returncode == 1
    assert "Traceback" not in again.stderr
    named = ("--batch-id", NIGHT, "--publication", FIRST)
    load = run("load-mart", "--rows", str(files(tmp_path / "mart", *ROWS)), *named)
    assert (load.returncode, json.loads(load.stdout)["loaded"]) == (0, True)
    refused = run("load-mart", "--rows", str(tmp_path / "mart"), "--batch-id", "yesterday", "--publication", FIRST)
    assert refused.stderr == ("load-mart: 'yesterday' is not a batch id. Give a UTC stamp such as 20261123T190000.\n")
    down = run("export-reviews", "--output", str(tmp_path / "x"), database="postgresql+psycopg://u@127.0.0.1:1/none")
    assert (down.returncode, down.stderr.count("\n")) == (1, 1)
    assert "Check that the reviews database is up and migrated." in down.stderr
    unset = run("export-reviews", "--output", str(tmp_path / "y"), database="")
    assert unset.stderr == "export-reviews: MARQUEE_REVIEWS_DATABASE is not set. Give postgresql+psycopg://...\n"
