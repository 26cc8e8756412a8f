"""Corpora of one's own, in each format, and what is said of those that cannot be read."""

from __future__ import annotations

import gzip
import json
import lzma
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.reviews.corpora.embedded import read_embedded
from serving.reviews.corpora.files import read_corpus
from serving.reviews.corpora.reviews import CorpusError, RawReview

CSV = 'text,label\n"good, very good",1\nbad,0\n'
ROWS = [("good, very good", "1"), ("bad", "0")]


def pairs(path: Path, **names: str) -> list[tuple[str, str]]:
    return [(row.text, row.label) for row in read_corpus(path, **names)]


def test_a_csv_file_gives_its_rows_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text('text,label\n"two\nlines",1\nbad,0\n', encoding="utf-8-sig")
    assert list(read_corpus(path, language="en")) == [
        RawReview("two\nlines", "1", "en", "mine", "mine.csv", 3),
        RawReview("bad", "0", "en", "mine", "mine.csv", 4),
    ]


def test_the_same_rows_come_from_every_format_and_archive(tmp_path: Path) -> None:
    tsv = "label\ttext\n1\tgood, very good\n0\tbad\n"
    lines = "".join(json.dumps({"text": text, "label": int(label)}) + "\n" for text, label in ROWS)
    for name, content in (("a.csv", CSV), ("a.tsv", tsv), ("a.jsonl", lines)):
        plain = tmp_path / name
        plain.write_text(content, encoding="utf-8")
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
        (tmp_path / f"{name}.xz").write_bytes(lzma.compress(content.encode()))
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr(f"folder/{name}", content)
        assert [pairs(tmp_path / f"{name}{suffix}") for suffix in ("", ".gz", ".xz", ".zip")] == [ROWS] * 4


def test_columns_have_the_names_that_are_given(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("review,stars\ngood,1\n", encoding="utf-8")
    assert pairs(path, text="review", label="stars") == [("good", "1")]
    with pytest.raises(
        CorpusError, match=r"mine.csv has no column text and no column label. Its columns are review, stars"
    ):
        pairs(path)


def test_a_quote_in_a_tab_separated_text_closes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.tsv"
    path.write_text('text\tlabel\n"half a quote\t1\nbad\t0\n', encoding="utf-8")
    assert pairs(path) == [('"half a quote', "1"), ("bad", "0")]


def test_a_field_beyond_the_csv_modules_own_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"text,label\n{'a' * 200_000},1\nbad,0\n", encoding="utf-8")
    assert [len(text) for text, _ in pairs(path)] == [200_000, 3]


def test_a_wrong_line_of_json_is_a_row_without_a_label(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"text": "good", "label": true}\n{"text": \n[1]\n\n{"text": null}\n', encoding="utf-8")
    assert pairs(path) == [("good", "true"), ('{"text":', ""), ("[1]", ""), ("", "")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"text,label\n", "a.csv holds no rows"),
        ("a.csv", b"", "Its columns are none"),
        (
            "a.jsonl",
            b'{"body": 1}\n',
            "a.jsonl has no field text and no field label in its first line. Its fields are body",
        ),
        ("a.pdf", b"%PDF", "The format .pdf is unknown"),
        ("a.zip", b"no archive", "a.zip could not be opened: File is not a zip file"),
        ("a.csv.gz", b"no archive", "Write the file again"),
        ("a.csv.xz", b"no archive", "Write the file again"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        pairs(tmp_path / name)


@pytest.mark.parametrize("name", ["a.csv", "a.zip", "a.jsonl", "a.csv.gz"])
def test_a_device_is_no_corpus(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(CorpusError, match=rf"{name} is no file\. Give a CSV, TSV or JSON Lines file"):
        pairs(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "begin"), [("a.csv.gz", b"text,label\n"), ("a.tsv.gz", b"text\tlabel\n"), ("a.jsonl.gz", b"")]
)
def test_a_line_without_an_end_is_not_read_whole(tmp_path: Path, name: str, begin: bytes) -> None:
    (tmp_path / name).write_bytes(gzip.compress(begin + b"x" * (40 << 20), 1))
    with pytest.raises(CorpusError, match=r"has a line of 32 million characters or more\. Write one row a line"):
        pairs(tmp_path / name)


def test_a_cut_archive_and_a_missing_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(CSV.encode() * 1000)[:-20])
    with pytest.raises(CorpusError, match=r"a\.csv could not be read to its end"):
        pairs(tmp_path / "a.csv.gz")
    with pytest.raises(CorpusError, match=r"none.csv could not be opened: No such file or directory"):
        pairs(tmp_path / "none.csv")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.pdf", "")
    with pytest.raises(CorpusError, match=r"a.zip holds no CSV, TSV or JSON Lines file"):
        pairs(tmp_path / "a.zip")


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.text("01 ", max_size=2)), min_size=1))
def test_any_text_comes_back_from_json_lines(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("corpus") / "a.jsonl"
    path.write_text("".join(json.dumps({"text": t, "label": y}) + "\n" for t, y in rows), encoding="utf-8")
    assert pairs(path) == rows


def test_the_embedded_corpora_have_their_published_sizes() -> None:
    rows = list(read_embedded("sentence_polarity"))
    assert (len(rows), sum(row.label == "1" for row in rows)) == (10_662, 5_331)
    assert (rows[0].text, rows[0].label) == ("simplistic , silly and tedious .", "0")
    rows = list(read_embedded("movie_reviews"))
    assert (len(rows), sum(row.label == "1" for row in rows)) == (2_000, 1_000)
    assert rows[0].file == "neg/cv000_29416.txt"


def test_an_embedded_corpus_with_other_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "movie_reviews.zip").write_bytes(b"other")
    with pytest.raises(CorpusError, match=r"movie_reviews.zip is missing or is not the file of the repository"):
        list(read_embedded("movie_reviews", tmp_path))
    with pytest.raises(CorpusError, match="There is no embedded corpus imdb"):
        list(read_embedded("imdb"))
