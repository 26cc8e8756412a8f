"""The Spark cleaning programs give the same rows as the mrjob ones, on data as dirty as they come."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import clean_movies
import clean_ratings
import pytest
from cleaning.rows import arguments, clean
from mr_clean_movies import MRCleanMovies
from mr_clean_ratings import MRCleanRatings
from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
Clean = Callable[..., list[bytes]]
BOM = b"\xef\xbb\xbf"
IDS = [
    b"1",
    b"2",
    b"3",
    b"4",
    b"05",
    b"0",
    b"-1",
    b"+7",
    b"2147483647",
    b"2147483648",
    b"9" * 19,
    b"9" * 400,
    b"",
    b"1.0",
]
STARS = [
    b"0.5",
    b"3",
    b"3.50",
    b"5.0",
    b"4",
    b".5",
    b"5.5",
    b"0",
    b"NaN",
    b"inf",
    b"1e0",
    b"35e-1",
    b"1e999",
    b"2.7",
    b"4_0",
]
TIMES = [
    *(b"788918399", b"788918400", b"1260759144", b"1260759145", b"01260759144", b"1600000000", b"1600000001"),
    *(b"-1", b"-" + b"9" * 30, b"9" * 30, b"0" * 30, b"1e9", b"", b"\xd9\xa1"),
]
TITLES = [
    *(
        b"Toy Story (1995)",
        b"Fawlty Towers (1975-1979)",
        b"The Office (2005\xe2\x80\x93 )",
        b"(1995)",
        b"Number (9999)",
        b"",
    ),
    *(
        b"  Heat  (1995)\x1f",
        b"\xc2\xa0Caf\xc3\xa9 (1995)\xe2\x80\x83",
        b"Caf\xe9 (1995)",
        b"a\x00b",
        b"a\x85(1995)",
        b"\\N",
    ),
    *(
        b"\xed\xa0\x80",
        b"\xc0\xaf",
        b"\xf4\x90\x80\x80",
        b"\xf0\x9f\x8e\xac (2001)",
        b"tab\there",
        b"cr\rhere",
        b"A (1869)",
    ),
    *(
        b'"American President, The (1995)"',
        b'"""Great"" Cats (1998)"',
        b'"open',
        b'"a"b',
        b'a"b',
        b'""',
        b'"cr\rin"',
        b'"' * 4,
    ),
    *(b'"' + b'""' * 30_000 + b'"', b"x" * 140_000),
]
GENRES = [
    *(
        b"Drama",
        b"Children's|Comedy|Children",
        b"(no genres listed)",
        b" Comedy |Drama||Comedy",
        b"",
        b"\xff",
        b"a\x7f",
    ),
    *(b'"Action|Comedy"', b"\\N", b"|".join(b"%d" % n for n in range(50))),
]


def fields(choices: list[list[bytes]]) -> Callable[[random.Random], list[bytes]]:
    """Draw a row's fields: mostly good ones, which come first, sometimes any, sometimes random bytes, missing or extra."""

    def draw(generator: random.Random) -> list[bytes]:
        row = [generator.choice(some[:4] if generator.random() < 0.8 else some) for some in choices]
        chance = generator.random()
        if chance < 0.03:
            row[generator.randrange(len(row))] = generator.randbytes(generator.randrange(6)).replace(b"\n", b"")
        elif chance < 0.05:
            row = row[: generator.randrange(len(row))]
        elif chance < 0.07:
            row.append(generator.choice([b"", b"x"]))
        return row

    return draw


def dirty_file(delimiter: bytes, first: bytes, draw: Callable[[random.Random], list[bytes]], last: bytes) -> bytes:
    generator = random.Random(7)
    lines = [delimiter.join(draw(generator)) + generator.choice([b"", b"", b"", b"\r"]) for _ in range(2000)]
    return b"\n".join([first, *lines]) + last


RATINGS = fields([IDS, IDS, STARS, TIMES])
MOVIES = fields([[b"%d" % n for n in range(1, 400)] + IDS, TITLES, GENRES])
ITEMS = fields(
    [[b"%d" % n for n in range(1, 400)] + IDS, TITLES, [b""], [b""], [b""], *[[b"0", b"0", b"1", b"0", b"2"]] * 19]
)
FILES = {
    "ratings, csv": ("csv", "auto", dirty_file(b",", b"userId,movieId,rating,timestamp\r", RATINGS, b"\n")),
    "ratings of accounts, csv": ("csv", "auto", dirty_file(b",", b"userId,movieId,rating,timestamp", RATINGS, b"\n")),
    "ratings, tab, mark": ("tab", "auto", dirty_file(b"\t", BOM + b"1\t2\t3\t1260759144", RATINGS, b"")),
    "ratings, colons, rejected behind a mark": (
        "double_colon",
        "auto",
        dirty_file(b"::", BOM + b"1::2\r", RATINGS, b"\n\n"),
    ),
    "movies, csv, mark": ("csv", "utf-8", dirty_file(b",", BOM + b"movieId,title,genres", MOVIES, b"")),
    "movies, colons": ("double_colon", "auto", dirty_file(b"::", b"1::A::B", MOVIES, b"\n")),
    "movies, colons of ml-1m": ("double_colon", "latin-1", dirty_file(b"::", b"1::A::B", MOVIES, b"\r")),
    "movies, tab": ("tab", "auto", dirty_file(b"|", b"1|A||||" + b"|0" * 18, ITEMS, b"\n")),
}


@pytest.fixture
def by_mrjob(tmp_path: Path) -> Clean:
    def run(job: Any, source: Path, *options: str) -> list[bytes]:
        program = job([str(source), "-r", "inline", "--output-dir", str(tmp_path / "mrjob"), *options])
        program.sandbox()
        program.run_job()
        return rows_in(tmp_path / "mrjob")

    return run


@pytest.fixture
def by_spark(spark: SparkSession, tmp_path: Path) -> Clean:
    def run(job: Any, source: Path, *options: str) -> list[bytes]:
        # Three splits: the first line of each but one begins in the split before.
        spark.conf.set("spark.sql.files.maxPartitionBytes", str(source.stat().st_size // 3 + 1))
        output = tmp_path / "spark"
        program = arguments("clean").parse_args([str(source), "--output-dir", str(output), *options])
        clean(spark, program, job)
        return rows_in(output)

    return run


def rows_in(folder: Path) -> list[bytes]:
    """All lines of a job's output, sorted: the two engines write them in different orders."""
    return sorted(b"".join(part.read_bytes() for part in sorted(folder.glob("part-*"))).splitlines(keepends=True))


def digest(rows: list[bytes]) -> str:
    return hashlib.sha256(b"".join(rows)).hexdigest()


@pytest.mark.parametrize("name", FILES)
def test_spark_and_mrjob_give_the_same_rows(by_mrjob: Clean, by_spark: Clean, tmp_path: Path, name: str) -> None:
    layout, encoding, content = FILES[name]
    source = tmp_path / ("feedback-ratings.csv" if "accounts" in name else "source.dat")
    source.write_bytes(content)
    options = ["--layout", layout, "--encoding", encoding, "--latest-timestamp", "1600000000"]
    mrjob, spark = (
        (MRCleanRatings, clean_ratings.RATINGS) if "ratings" in name else (MRCleanMovies, clean_movies.MOVIES)
    )
    expected = by_mrjob(mrjob, source, *options)
    found = by_spark(spark, source, *options)
    assert sorted(set(expected) ^ set(found))[:4] == []
    assert digest(found) == digest(expected)
    assert {row.split(b"\t")[0] for row in expected} == {b"clean", b"quarantined", b"superseded"}
