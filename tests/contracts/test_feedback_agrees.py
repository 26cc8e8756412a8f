"""Ratings given in the accounts service go the whole way into the warehouse's rows: export, ingest, cleaning, accounting."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from marquee.ingest.pipeline import ingest
from mr_clean_movies import MRCleanMovies
from mr_clean_ratings import MRCleanRatings

from serving.accounts.database.engine import migrate, open_database, transactions
from serving.accounts.database.models import FIRST_OWN_ID, Movie
from serving.accounts.domain.catalogue import load_catalogue, movie_row
from serving.accounts.domain.ratings import rate, unrate
from serving.accounts.domain.registration import register
from serving.accounts.export import batch_moment, export_ratings

from ..dags.marquee.ingest.conftest import MemoryHdfs

BATCH = "20261123T190000"
SOURCE = {
    "ratings.csv": "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n1,32,9.5,1260759144\n",
    "movies.csv": "movieId,title,genres\n31,Dangerous Minds (1995),Drama\n32,Heat (1995),Crime\n",
}


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two people rate MovieLens's movies and one that was added; one rates after the batch's moment, one takes back."""
    url = f"sqlite:///{tmp_path / 'accounts.sqlite'}"
    engine = open_database(url)
    migrate(engine)
    factory = transactions(engine)
    load_catalogue(factory, "test", [movie_row(31, "Dangerous Minds", 1995, "Drama"), movie_row(32, "Heat", 1995, "")])
    with factory.begin() as database:
        database.add(Movie(**movie_row(FIRST_OWN_ID, 'Kettles, "Green"', 2026, "Drama|War"), edited=True))
    ada, bob = (register(factory, name, "seven green kettles").user_id for name in ("Ada", "Bob"))
    moment = batch_moment(BATCH)
    for at, user_id, movie_id, half_stars in (
        (moment - 30, ada, 31, 9),
        (moment - 20, ada, FIRST_OWN_ID, 10),
        (moment - 10, bob, 31, 1),
        (moment - 5, bob, 32, 4),
        (moment + 1, bob, 32, 6),
    ):
        monkeypatch.setattr("serving.accounts.database.changes.now", lambda at=at: at)
        rate(factory, user_id, movie_id, half_stars)
    monkeypatch.setattr("serving.accounts.database.changes.now", lambda: moment)
    unrate(factory, bob, 31)
    engine.dispose()
    export_ratings(url, tmp_path / "feedback", BATCH)
    return tmp_path / "feedback" / BATCH


def cleaned(job_class: Any, pattern: str, output: Path) -> list[list[str]]:
    job = job_class(
        [pattern, "-r", "inline", "--output-dir", str(output), "--latest-timestamp", str(batch_moment(BATCH))]
    )
    job.sandbox()
    job.run_job()
    return [line.split("\t") for part in sorted(output.glob("part-*")) for line in part.read_text("utf-8").splitlines()]


def test_each_rating_of_the_service_is_a_clean_row_of_its_own_file(tmp_path: Path, export: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    for name, text in SOURCE.items():
        (archive / name).write_text(text, encoding="utf-8")
    hdfs = MemoryHdfs()
    result = ingest(
        hdfs,  # type: ignore[arg-type]
        dataset="ml-latest",
        batch_id=BATCH,
        cache_dir=tmp_path,
        archive=archive,
        feedback=export,
    )
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    for path, content in hdfs.files.items():
        (snapshot / Path(path).name).write_bytes(content)

    ratings = cleaned(MRCleanRatings, str(snapshot / result["layout"]["ratings"]["file"]), tmp_path / "ratings")
    movies = cleaned(MRCleanMovies, str(snapshot / result["layout"]["movies"]["file"]), tmp_path / "movies")

    moment = batch_moment(BATCH)
    assert sorted(row[3:7] for row in ratings if row[1] == "feedback-ratings.csv") == [
        ["1000000001", "1000000001", "5.0", str(moment - 20)],
        ["1000000001", "31", "4.5", str(moment - 30)],
    ]
    assert [row[3:6] for row in movies if row[1] == "feedback-movies.csv"] == [
        ["1000000001", 'Kettles, "Green"', "2026"]
    ]
    # Rows in are rows out, file by file; the wrong one is MovieLens's.
    counted = Counter(row[1] for row in [*ratings, *movies])
    assert {file["name"]: file["rows"] for file in result["files"]} == dict(counted)
    outcomes = Counter((row[1], row[0]) for row in [*ratings, *movies])
    assert outcomes == {
        ("ratings.csv", "clean"): 1,
        ("ratings.csv", "quarantined"): 1,
        ("movies.csv", "clean"): 2,
        ("feedback-ratings.csv", "clean"): 2,
        ("feedback-movies.csv", "clean"): 1,
    }
    feedback = result["source"]["feedback"]
    # Bob's later rating of movie 32 replaced the one of before: it is left for the next batch.
    assert (feedback["later_ratings"], feedback["data_through"]) == (1, "2026-11-23T18:59:40Z")
