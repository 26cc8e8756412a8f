"""Rows of a snapshot, and the parts of a batch: programs over files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mr_clean_reviews import MRCleanReviews

from serving.reviews.corpora.__main__ import main
from serving.reviews.corpora.cleaning import clean
from serving.reviews.corpora.reviews import CorpusError, RawReview
from serving.reviews.corpora.snapshot_files import read_tagged, write_rows

LONG = "the story is thin but every actor plays as if the film depended on it, and so it does "


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    assert main(argv) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return result


def tagged(tmp_path: Path, rows: list[RawReview]) -> Path:
    """Return the folder of rows that mrjob has cleaned in this process."""
    write_rows(rows, tmp_path / "rows")
    sources = [str(path) for path in sorted((tmp_path / "rows").iterdir())]
    job = MRCleanReviews([*sources, "-r", "inline", "--output-dir", str(tmp_path / "tagged")])
    job.sandbox()
    job.run_job()
    return tmp_path / "tagged"


def test_rows_are_written_as_they_stand_in_a_file_for_each_corpus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_bytes(b"comment,stars\n<b>good</b>,1\ncaf\xe9,0\n,7\n")
    found = run(
        capsys, *("rows", "--corpus", str(mine), "--corpus", "sentence_polarity", "--text", "comment"),
        *("--label", "stars", "--language", "en", "--output", str(tmp_path / "out")),
    )  # fmt: skip
    assert [(file["name"], file["rows"]) for file in found["files"]] == [
        ("mine.jsonl", 3),
        ("sentence_polarity.jsonl", 10_662),
    ]
    lines = (tmp_path / "out/mine.jsonl").read_text(encoding="ascii").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"text": "<b>good</b>", "label": "1", "language": "en", "corpus": "mine", "file": "mine.csv", "line": 2},
        {"text": "caf\udce9", "label": "0", "language": "en", "corpus": "mine", "file": "mine.csv", "line": 3},
        {"text": "", "label": "7", "language": "en", "corpus": "mine", "file": "mine.csv", "line": 4},
    ]
    import hashlib

    digest = hashlib.sha256((tmp_path / "out/mine.jsonl").read_bytes()).hexdigest()
    assert (found["files"][0]["sha256"], found["files"][0]["bytes"]) == (
        digest,
        (tmp_path / "out/mine.jsonl").stat().st_size,
    )


@pytest.mark.parametrize("name", ["", "a b", "../x", "가나", "feedback-reviews", "x" * 65, "-x"])
def test_a_corpus_that_no_file_of_a_snapshot_can_be_named_after_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CorpusError, match=r"can't name a corpus\. Rename the file"):
        write_rows([RawReview("good", "1", "", name, "f", 1)], tmp_path)


def test_two_rows_of_one_place_are_refused(tmp_path: Path) -> None:
    row = RawReview("good", "1", "", "mine", "f.csv", 2)
    with pytest.raises(CorpusError, match=r"Two rows are line 2 of f\.csv in the corpus mine"):
        write_rows([row, row], tmp_path)


def test_a_program_says_what_is_wrong_with_a_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rows", "--corpus", str(tmp_path / "none.csv"), "--output", str(tmp_path / "out")]) == 3
    assert "none.csv could not be opened: No such file" in capsys.readouterr().err


def test_the_split_of_a_batch_accounts_for_each_row_and_is_that_of_the_corpora(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [RawReview(f"{LONG}{n}", str(n % 2), "en", "near", "near.csv", n) for n in range(60)]
    rows += [
        RawReview(text, "1", "", "bad", "bad.csv", n) for n, text in enumerate(("", "good", "<i>good</i>", "\ud83d"))
    ]
    found = run(
        capsys, "split", "--rows", str(tagged(tmp_path, rows)), "--seed", "3", "--output", str(tmp_path / "parts")
    )
    assert found["rows"] == 64 == found["clean"] + found["quarantined"] + found["superseded"]
    assert (found["quarantined"], found["reasons"]["empty"], found["reasons"]["not_utf8"]) == (2, 1, 1)
    assert found["superseded"] == found["reasons"]["near_duplicate_of_test"] > 20
    assert sum(found["parts"].values()) == found["clean"]
    lines = [line.split("\t") for line in (tmp_path / "parts/part-00000").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 62 == len({(source, offset) for source, offset, _, _ in lines})
    assert {part for _, _, part, _ in lines} <= {"training", "calibration", "validation", "test", "\\N"}
    assert [reason for _, _, part, reason in lines if part == "\\N"] == ["near_duplicate_of_test"] * found["superseded"]


def test_the_cleaning_job_keeps_what_cleaning_in_one_process_keeps(tmp_path: Path) -> None:
    texts = ["good", "<p>fine &amp; good</p>", "a\tb\nc", "좋아요 \u200d!", "", "x" * 20_001, "\ud800", "…", "\x00"]
    rows = [RawReview(text, "긍정", "", "mine", "mine.csv", n) for n, text in enumerate(texts)]
    whole = clean(rows)
    found = read_tagged(tagged(tmp_path, rows))
    assert sorted(found.reviews, key=lambda review: review.line) == whole.reviews
    assert dict(found.reasons) == whole.reasons()
    assert len(found.reviews) == 4


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "part-00000").write_text("clean\tx\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="Line 1 of part-00000 has 2 columns, not 12"):
        read_tagged(tmp_path)
    (tmp_path / "part-00000").write_text("", encoding="utf-8")
    with pytest.raises(CorpusError, match="holds no clean review"):
        read_tagged(tmp_path)
