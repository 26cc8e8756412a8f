"""What the bench of the engines stands on: its arithmetic, and engines that give equal rows."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import engines
import own_data
import pytest
from movielens_like import write_ratings
from mr_average_ratings import MRAverageRatings
from mr_clean_ratings import MRCleanRatings
from yarn_usage import ContainerUsage

BENCH = Path(__file__).parent


def mrjob_rows(job: Any, output: Path, *arguments: str) -> list[bytes]:
    program = job([*arguments, "-r", "inline", "--output-dir", str(output)])
    program.sandbox()
    program.run_job()
    return [line for part in sorted(output.glob("part-*")) for line in part.read_bytes().splitlines(keepends=True)]


def duckdb_rows(work: str, source: Path, output: Path, *arguments: str) -> list[bytes]:
    command = [sys.executable, str(BENCH / "duckdb_engine.py"), work, str(source), str(output), *arguments]
    subprocess.run(command, check=True)
    return output.read_bytes().splitlines(keepends=True)


def test_duckdb_and_mrjob_clean_and_average_alike(tmp_path: Path) -> None:
    source = tmp_path / "ratings.csv"
    write_ratings(source, 20_000)
    by_mrjob = mrjob_rows(MRCleanRatings, tmp_path / "clean", str(source), *engines.LATEST)
    by_duckdb = duckdb_rows("clean", source, tmp_path / "clean.tsv")
    assert sorted(by_mrjob) == sorted(by_duckdb)
    assert {row.split(b"\t")[0] for row in by_mrjob} == {b"clean", b"quarantined", b"superseded"}
    means = mrjob_rows(MRAverageRatings, tmp_path / "means", str(tmp_path / "clean"), "--year", "2010")
    assert sorted(means) == sorted(duckdb_rows("average", tmp_path / "clean.tsv", tmp_path / "means.tsv", "2010"))
    assert len(means) > 100


def test_a_year_is_averaged_by_movie_over_clean_rows_alone(tmp_path: Path) -> None:
    rows = [
        b"clean\tf\t1\t1\t7\t4.0\t1262304000\t\\N\t\\N",  # the first second of 2010
        b"clean\tf\t2\t2\t7\t0.5\t1293839999\t\\N\t\\N",  # the last one
        b"clean\tf\t3\t3\t7\t5.0\t1262303999\t\\N\t\\N",
        b"clean\tf\t4\t4\t7\t5.0\t1293840000\t\\N\t\\N",
        b"superseded\tf\t5\t1\t7\t5.0\t1270000000\tnewer_row_exists\t\\N",
        b"quarantined\tf\t6\t\\N\t\\N\t\\N\t\\N\tempty_line\t",
        b"clean\tf\t7\t1\t8\t3.5\t1270000000\t\\N\t\\N",
        *[b"clean\tf\t%d\t1\t9\t%.1f\t1270000000\t\\N\t\\N" % (at, 0.5 if at else 1.0) for at in range(64)],
    ]
    (tmp_path / "clean.tsv").write_bytes(b"\n".join(rows) + b"\n")
    found = mrjob_rows(MRAverageRatings, tmp_path / "means", str(tmp_path / "clean.tsv"), "--year", "2010")
    # 0.5078125 has a half behind its sixth place, which goes up.
    assert found == [b"7\t2\t2.250000\n", b"8\t1\t3.500000\n", b"9\t64\t0.507813\n"]


def test_a_fingerprint_does_not_depend_on_the_order_but_on_every_row() -> None:
    assert engines.digest([b"a", b"b", b"b"]) == engines.digest([b"b", b"a", b"b"])
    assert engines.digest([b"a", b"b", b"b"]) != engines.digest([b"a", b"a", b"b"])


def test_of_repeated_measurements_the_least_seconds_and_the_most_memory_count() -> None:
    same = {"engine": "DuckDB", "work": "clean", "rows": 1}
    first = {"seconds": 3.0, "cpu_seconds": 1.0, "client_mib": 10, "yarn_mib": 0}
    second = {"seconds": 2.0, "cpu_seconds": 1.5, "client_mib": 20, "yarn_mib": 0}
    other = {**same, "rows": 2, **first}
    least = {"seconds": 2.0, "cpu_seconds": 1.0, "client_mib": 20, "yarn_mib": 0}
    assert engines.best([same | first, other, same | second]) == [same | least, other]


def test_fixed_cost_and_slope_are_told_apart() -> None:
    points = [{"rows": rows, "seconds": 20 + rows / 1e6 * 3} for rows in (100_000, 1_000_000, 25_000_000)]
    assert engines.fit(points, "seconds") == pytest.approx((20, 3))


def test_processor_seconds_of_an_applications_containers_are_counted(tmp_path: Path) -> None:
    container = tmp_path / "appcache" / "application_1795544386530_0004" / "container_1"
    container.mkdir(parents=True)
    log = tmp_path / "client.log"
    log.write_text("Submitted application application_1795544386530_0004\n")
    usage = ContainerUsage(log)
    usage.start()
    busy = "import time\nwhile time.process_time() < 0.6: pass\ntime.sleep(1.5)"
    subprocess.run([sys.executable, "-c", busy], cwd=container, check=True)
    subprocess.run([sys.executable, "-c", busy.replace("0.6:", "0.1:")], cwd=tmp_path, check=True)
    assert 0.5 < usage.stop() < 1.0
    assert usage.peak_mib > 1


def test_the_bench_of_own_data_refuses_what_breaks_a_limit() -> None:
    same = {"movielens_s": 1.0, "movielens_mib": 90.0, "inspect_s": 2.0, "inspect_gz_s": 8.0}
    small = same | {"integers_s": 1.0, "text_s": 1.2, "ingest_s": 2.0, "gzip_s": 0.3, "memory_mib": 200.0}
    large = same | {"integers_s": 4.0, "text_s": 5.0, "ingest_s": 4.0, "gzip_s": 1.5, "memory_mib": 300.0}
    assert own_data.refused([small, large]) is None
    assert own_data.refused([small, large | {"integers_s": math.nan, "text_s": math.nan}]) is None
    assert "over 1.3 times" in str(own_data.refused([small, large | {"text_s": 5.3}]))
    assert "slower than 0.5 of gzip" in str(own_data.refused([small, large | {"ingest_s": 5.0}]))
    assert "slower than 0.5 of gzip" in str(own_data.refused([small, large | {"movielens_s": 4.0}]))
    assert "memory of ingest grew" in str(own_data.refused([small, large | {"memory_mib": 500.0}]))
    assert "memory of ingest grew" in str(own_data.refused([small, large | {"movielens_mib": 500.0}]))
    assert "inspect takes over 10 s" in str(own_data.refused([small, large | {"inspect_gz_s": 10.5}]))
