"""The program on partitions in a folder that stands for HDFS: several tables, their docs, and drift from batch to batch."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hdfs import HdfsError
from requests.exceptions import RequestException

from expectations import validate
from expectations.data_docs import write_summary
from expectations.partitions import read_partition

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:great_expectations.*"),
]


class Hdfs:
    """The two calls of an HDFS client that reading a partition makes, over a local folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def status(self, path: str, strict: bool = True) -> dict[str, Any] | None:
        return {"type": "DIRECTORY"} if (self.root / path[1:]).exists() else None

    def list(self, path: str, status: bool) -> list[tuple[str, dict[str, Any]]]:
        files = (self.root / path[1:]).iterdir()
        return [(file.name, {"type": "FILE", "length": file.stat().st_size}) for file in files]

    def read(self, path: str) -> Any:
        return (self.root / path[1:]).open("rb")


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns a function that writes a batch's ratings and movies and validates them; gives status and result."""
    monkeypatch.setattr(validate, "InsecureClient", lambda url, user: Hdfs(tmp_path))

    def run(
        capsys: Any, batch: str, ratings: list[float], dataset: str = "ml-x", without: str | None = None
    ) -> tuple[int, dict[str, Any], str]:
        tables = {
            "movies": pd.DataFrame({"movie_id": [1], "title": ["A"], "release_year": [1995.0], "genres": ["War"]}),
            "ratings": pd.DataFrame(
                {"user_id": range(1, len(ratings) + 1), "movie_id": 1, "rating": ratings, "rated_at": 10**9}
            ),
        }
        if without:
            tables["ratings"] = tables["ratings"].drop(columns=without)
        for table, frame in tables.items():
            folder = tmp_path / "marquee/warehouse" / table / f"batch_id={batch}"
            folder.mkdir(parents=True)
            frame.to_orc(folder / "000000_0")
            (folder / "_SUCCESS").write_text("not a table file")
        docs = tmp_path / "docs"
        arguments = ["--tables", "ratings", "movies", "--batch-id", batch, "--dataset", dataset, "--user", "u"]
        status = validate.main([*arguments, "--data-docs", str(docs)])
        printed = capsys.readouterr()
        return status, json.loads(printed.out.splitlines()[-1]), printed.err

    return run


def test_all_tables_are_validated_in_one_run_and_their_docs_are_reached_from_one_page(
    warehouse: Any, tmp_path: Path, capsys: Any
) -> None:
    status, result, said = warehouse(capsys, "20260101T000000", [3.0, 4.0, 5.0])
    assert status == 0
    assert {table: (found["success"], found["rows"]) for table, found in result["tables"].items()} == {
        "ratings": (True, 3),
        "movies": (True, 1),
    }
    assert "ratings: passed, 3 rows" in said
    page = (tmp_path / "docs/20260101T000000/index.html").read_text()
    for table in ("ratings", "movies"):
        document = result["tables"][table]["data_docs"]
        assert f'href="../{document}"' in page
        assert "Expectation Validation Result" in (tmp_path / "docs" / document).read_text()
    assert 'href="20260101T000000/index.html"' in (tmp_path / "docs/index.html").read_text()


def test_a_bad_table_fails_the_run_and_the_others_are_looked_at_all_the_same(
    warehouse: Any, tmp_path: Path, capsys: Any
) -> None:
    status, result, said = warehouse(capsys, "20260101T000000", [3.0, 7.5])
    assert status == validate.FAILED_FOR_GOOD
    assert (result["success"], result["tables"]["ratings"]["success"]) == (False, False)
    assert result["tables"]["movies"]["success"] is True
    assert "FAILED: ratings: expect_column_values_to_be_in_set" in said
    page = (tmp_path / "docs/20260101T000000/index.html").read_text()
    assert "error: expect_column_values_to_be_in_set" in page
    assert "MovieLens has half stars from 0.5 to 5.0 and nothing between." in page


def test_a_missing_column_is_a_failed_expectation_and_the_next_table_is_looked_at(
    warehouse: Any, tmp_path: Path, capsys: Any
) -> None:
    status, result, said = warehouse(capsys, "20260101T000000", [3.0, 4.0], without="movie_id")
    assert status == validate.FAILED_FOR_GOOD
    ratings, movies = result["tables"]["ratings"], result["tables"]["movies"]
    assert [(note["expectation"], note["kwargs"]["column_set"]) for note in ratings["failed"]] == [
        ("expect_table_columns_to_match_set", ["user_id", "movie_id", "rating", "rated_at"])
    ]
    assert ratings["failed"][0]["observed"] == ["rated_at", "rating", "user_id"]
    assert (ratings["rows"], ratings["expectations"], movies["success"]) == (2, 1, True)
    assert "FAILED: ratings: expect_table_columns_to_match_set" in said
    assert (tmp_path / "docs" / ratings["data_docs"]).is_file()


def test_what_hdfs_refuses_is_one_sentence_and_the_result_is_printed(
    warehouse: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def refuse(*_: Any) -> None:
        raise HdfsError("Operation category READ is not supported in state standby")

    monkeypatch.setattr(Hdfs, "read", refuse)
    status, result, said = warehouse(capsys, "20260101T000000", [3.0])
    assert (status, result) == (1, {"batch_id": "20260101T000000", "success": False, "tables": {}})
    assert said.splitlines() == [
        f"validate: {table}: Operation category READ is not supported in state standby"
        for table in ("ratings", "movies")
    ]


def test_an_hdfs_that_does_not_answer_ends_the_run_with_its_result(
    warehouse: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def silent(*_: Any) -> None:
        raise RequestException("refused")

    monkeypatch.setattr(Hdfs, "read", silent)
    status, result, said = warehouse(capsys, "20260101T000000", [3.0])
    assert (status, result["success"], result["tables"]) == (1, False, {})
    assert "does not answer (refused). Start it with make up." in said


def test_a_torn_summary_of_an_earlier_batch_is_named_with_what_to_do(
    warehouse: Any, tmp_path: Path, capsys: Any
) -> None:
    warehouse(capsys, "20260101T000000", [3.0, 4.0])
    torn = tmp_path / "docs/20260101T000000/ratings/summary.json"
    torn.write_text(torn.read_text()[:40])
    status, result, said = warehouse(capsys, "20260102T000000", [3.0, 4.0])
    assert (status, list(result["tables"])) == (1, ["movies"])
    assert said.count(f"{torn} is not a complete summary (") == 2, "once for the drift, once for the index"
    assert "Delete it and validate its batch again." in said


def test_a_summary_that_cannot_be_written_whole_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_summary(tmp_path / "summary.json", {"table": "ratings"})
    assert not (tmp_path / "summary.json").exists()


def test_a_partition_that_is_missing_fails_the_run_by_name(warehouse: Any, tmp_path: Path, capsys: Any) -> None:
    status = validate.main(
        [
            *("--tables", "links", "--batch-id", "20260101T000000", "--dataset", "ml-x", "--user", "u"),
            *("--data-docs", str(tmp_path / "docs")),
        ]
    )
    assert status == 1
    assert "links/batch_id=20260101T000000 does not exist" in capsys.readouterr().err


def test_a_batch_is_compared_with_the_nearest_earlier_sound_one_of_its_data_set(warehouse: Any, capsys: Any) -> None:
    spread = [1.0, 2.0, 3.0, 4.0, 5.0] * 20
    assert warehouse(capsys, "20260101T000000", spread)[1]["tables"]["ratings"]["drift"] is None
    assert warehouse(capsys, "20260102T000000", [5.0] * 100, dataset="ml-y")[0] == 0
    assert warehouse(capsys, "20260103T000000", [7.5] * 100)[0] == validate.FAILED_FOR_GOOD
    status, result, _ = warehouse(capsys, "20260104T000000", spread)
    drift = result["tables"]["ratings"]["drift"]
    assert (status, drift["against"], drift["rows"]) == (0, "20260101T000000", 0.0)
    assert drift["psi"] == {"rating": 0.0}


def test_ratings_that_moved_stop_the_run_and_say_why(warehouse: Any, capsys: Any) -> None:
    warehouse(capsys, "20260101T000000", [1.0, 2.0, 3.0, 4.0, 5.0] * 20)
    status, result, said = warehouse(capsys, "20260102T000000", [1.0, 3.0, 4.0, 5.0, 5.0] * 20)
    assert status == validate.FAILED_FOR_GOOD
    assert [note["expectation"] for note in result["tables"]["ratings"]["failed"]] == [
        "distribution_of_rating_close_to_batch_20260101T000000"
    ]
    assert "raise MARQUEE_DRIFT_*" in said


def test_fewer_rows_are_a_warning(warehouse: Any, capsys: Any) -> None:
    warehouse(capsys, "20260101T000000", [1.0, 2.0, 3.0, 4.0, 5.0] * 20)
    status, result, _ = warehouse(capsys, "20260102T000000", [1.0, 2.0, 3.0, 4.0, 5.0] * 16)
    assert status == 0
    assert [note["observed"] for note in result["tables"]["ratings"]["warnings"]] == [-0.2]


def test_too_many_quarantined_rows_stop_the_run_with_an_example_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(validate, "InsecureClient", lambda url, user: Hdfs(tmp_path))
    tables = {
        "row_accounting": pd.DataFrame(
            {
                "source_file": ["movies.csv", "ratings.csv"],
                "rows_in": [100, 100],
                "rows_clean": [100, 51],
                "rows_quarantined": [0, 49],
                "rows_superseded": [0, 0],
            }
        ),
        "quarantine": pd.DataFrame(
            {
                "source_file": ["ratings.csv"] * 49,
                "byte_offset": range(49),
                "reason": ["rating_out_of_range"] * 49,
                "raw_line": ["MSwyLDksMTE0Nzg4MDA0NA=="] * 49,
            }
        ),
    }
    for table, frame in tables.items():
        folder = tmp_path / "marquee/warehouse" / table / "batch_id=20260101T000000"
        folder.mkdir(parents=True)
        frame.to_orc(folder / "000000_0")
    arguments = ["--tables", "row_accounting", "--batch-id", "20260101T000000", "--dataset", "d", "--user", "u"]
    arguments += ["--data-docs", str(tmp_path / "docs")]
    assert validate.main(arguments) == validate.FAILED_FOR_GOOD
    said = capsys.readouterr().err
    assert "FAILED: row_accounting: rows_quarantined_of_a_file" in said
    assert "49 rating_out_of_range, such as '1,2,9,1147880044'; look at `unit` in [time], `lowest` and" in said
    assert validate.main([*arguments, "--quarantine-limit", "0.5"]) == 0
    assert "warning: row_accounting: rows_quarantined_of_a_file" in capsys.readouterr().err


def test_numbers_of_a_partition_have_64_bits_because_others_are_compared_one_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "marquee/warehouse/movie_neighbours/batch_id=20260101T000000"
    folder.mkdir(parents=True)
    types = {"movie_id": "int32", "rank": "int32", "neighbour_id": "int32", "weight": "float32"}
    rows = pd.DataFrame([(1, 1, 2, 0.1), (2, 1, 1, 0.5)], columns=list(types)).astype(types)
    rows.to_orc(folder / "part-00000.orc")
    read = read_partition(Hdfs(tmp_path), "movie_neighbours", "20260101T000000", list(types))  # type: ignore[arg-type]
    assert [str(kind) for kind in read.dtypes] == ["int64", "int64", "int64", "float64"]
    assert read["weight"].tolist() == [0.10000000149011612, 0.5]
