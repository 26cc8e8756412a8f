"""The reviews job: the rules of serving/reviews/corpora, a row a line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mr_clean_reviews import RULES, MRCleanReviews

NULLS = ("\\N",) * 7


def line(text: object, label: object = "1", **other: object) -> bytes:
    row = {"text": text, "label": label, "language": "", "corpus": "mine", "file": "mine.csv", "line": 2, **other}
    return json.dumps(row).encode() + b"\n"


def test_a_clean_review_has_its_place_its_language_and_what_was_taken_out(clean):
    content = line("A <b>fine</b>  film") + line("정말 재밌어요", "부정", line=3, language="ko")
    assert clean(MRCleanReviews, content, name="mine.jsonl") == [
        ("clean", "mine.jsonl", "0", "mine", "mine.csv", "2", "1", "en", "html", "A fine film", "\\N", "\\N"),
        (
            *("clean", "mine.jsonl", str(len(line("A <b>fine</b>  film")))),
            *("mine", "mine.csv", "3", "0", "ko", "", "정말 재밌어요", "\\N", "\\N"),
        ),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (line(""), "empty"),
        (line("<br>"), "empty"),
        (line("a" * 20_001), "too_long"),
        (line("good", "7"), "wrong_label"),
        (line("good", ""), "wrong_label"),
        (line("caf\udce9"), "not_utf8"),
        (line("\\N"), "null_marker"),
        (b"good\n", "not_a_row"),
        (b"\n", "not_a_row"),
        (b"[1]\n", "not_a_row"),
        (b"\xff\n", "not_a_row"),
        (b"[" * 100_000 + b"\n", "not_a_row"),
        (line(None), "not_a_row"),
        (line("good", 1), "not_a_row"),
        (line("good", line="2"), "not_a_row"),
    ],
)
def test_a_bad_row_is_quarantined_with_reason_and_bytes(clean, raw, row, reason):
    rows = clean(MRCleanReviews, row, name="mine.jsonl")
    assert rows == [("quarantined", "mine.jsonl", "0", *NULLS, reason, raw(row.removesuffix(b"\n")))]


def test_equal_texts_are_two_rows(clean):
    rows = clean(MRCleanReviews, line("good") + line("good", line=3), name="mine.jsonl")
    assert [(row[0], row[5], row[9]) for row in rows] == [("clean", "2", "good"), ("clean", "3", "good")]


def test_no_name_ends_a_column(clean):
    rows = clean(MRCleanReviews, line("good", file="a\tb\n.csv", corpus="\x1f", language="e\tn"), name="mine.jsonl")
    assert rows == [
        ("clean", "mine.jsonl", "0", "?", "a?b?.csv", "2", "1", "e?n", "", "good", "\\N", "\\N"),
    ]


def test_the_modules_that_the_job_takes_along_are_enough(tmp_path):
    job = MRCleanReviews(["-r", "hadoop"])
    (shipped,) = job.dirs()
    folder, name = shipped.split("#")
    assert name == "serving"
    assert sorted(path.relative_to(Path(folder).parent).as_posix() for path in Path(folder).rglob("*.py")) == sorted(
        RULES
    )
    program = "import serving.reviews.corpora.cleaning, sys; print(serving.__file__, 'numpy' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(folder).parent,
        env={"PYTHONPATH": "."},
        capture_output=True,
        text=True,
    )
    assert ended.stderr == ""
    assert ended.stdout == f"{folder}/__init__.py False\n"
