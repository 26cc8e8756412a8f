"""Test the mappings that come with the product: the reader of own data reads MovieLens by them."""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import field_rules
import pytest
from marquee.ingest.datasets import DATASETS, movielens_named
from marquee.ingest.errors import IngestError
from marquee.ingest.movielens import JOB_LAYOUTS, MAPPINGS, columns_of, shipped_mapping
from marquee.ingest.own_data.inspection.tried import shown_row
from marquee.ingest.own_data.snapshots.dictionary import ITEM, Numbers
from marquee.ingest.own_data.snapshots.ingest import own_data_of
from marquee.ingest.own_data.snapshots.items import item_lines
from marquee.ingest.pipeline import ingest
from marquee.ingest.reading.containers.opening import open_members
from marquee.ingest.reading.rows.reader import read_rows

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "own_data"))
from test_hostile_archives import HOSTILE
from test_pipeline import LAYOUTS, ROWS_OF_EVERY_CSV

FOUR = ("user", "item", "value", "time")
TITLES = {"ml-1m": "Café (1995)", "ml-10m": "A (1995)", "ml-100k": "A (1995)"}


def test_each_mapping_belongs_to_a_data_set_and_each_data_set_has_one() -> None:
    assert {path.stem for path in MAPPINGS.iterdir()} == {dataset.mapping for dataset in DATASETS.values()}


@pytest.mark.parametrize("name", sorted({dataset.mapping for dataset in DATASETS.values()}))
def test_a_mapping_has_the_columns_in_the_order_in_which_the_cleaning_jobs_read_them(name: str) -> None:
    mapping, _ = shipped_mapping(name)
    assert tuple(mapping.ratings.columns) == FOUR
    for table in mapping.tables.values():
        columns = columns_of(table)
        if not table.header:
            assert sorted(columns) == columns
            assert table.width == max(columns)
        # Without quotes a title with a comma would be two fields.
        assert table.quote == ('"' if table.delimiter == "," else "")
    layout = JOB_LAYOUTS[mapping.ratings.delimiter]
    assert field_rules.DELIMITERS[layout].decode() == mapping.ratings.delimiter


def test_the_genres_of_ml_100k_are_those_of_the_cleaning_job() -> None:
    items = shipped_mapping("movielens-tab")[0].tables["items"]
    assert items.genre_names == field_rules.ITEM_GENRES[1:]
    assert items.width == field_rules.ITEM_FIELDS_BEFORE_GENRES + len(field_rules.ITEM_GENRES)


@pytest.mark.parametrize("dataset", ["ml-latest", "ml-1m", "ml-10m", "ml-100k"])
def test_the_reader_of_own_data_reads_movielens_by_its_mapping(dataset: str, tmp_path: Path) -> None:
    for name, content in LAYOUTS.get(dataset, ROWS_OF_EVERY_CSV).items():
        (tmp_path / name).write_bytes(content)
    mapping, _ = shipped_mapping(DATASETS[dataset].mapping)
    members = open_members(tmp_path)
    ((_, rows),) = read_rows(members, mapping)
    expected = ("1", "31", "2.5", "2009-12-14 02:52:24", "")
    old = ("1", "31", "5", "2000-12-31 22:12:40", "")
    assert [shown_row(rows, place) for place in range(len(rows))] == [expected if dataset == "ml-latest" else old]
    ((_, line),) = item_lines(members, mapping, Numbers(ITEM, 20_000_000))
    title = TITLES.get(dataset, "Dangerous Minds (1995)")
    year, genres = ("1995", "Western") if dataset == "ml-100k" else ("", "Drama")
    assert line.decode() == f"20000001\t{title}\t{year}\t{genres}\n"


@pytest.mark.parametrize(
    ("name", "mapping", "own"),
    [
        ("ml-25m", None, None),
        ("ml-25m", "", None),
        ("ml-25m", "mapping.toml", "ml-25m"),
        ("my-shop", None, "my-shop"),
        ("my-shop", "mapping.toml", "my-shop"),
        ("movielens-embedded", None, None),
    ],
)
def test_one_place_decides_what_is_movielens(name: str, mapping: str | None, own: str | None) -> None:
    assert own_data_of({"dataset": name, "mapping": mapping}) == own
    assert (movielens_named(name, mapping) is None) == (own is not None)


# Those that make inspect refuses for what a file holds have no ratings.csv.
OF_CONTENT = {
    *("a line of a gigabyte of zero bytes", "a line of a gigabyte", "a million columns", "a million keys of JSON"),
    *("JSON of fifty thousand levels", "random bytes"),
}
# These have no file of movies, which is seen before the first byte of ratings.
WITHOUT_MOVIES = {
    *("gzip bomb", "gzip bomb of good rows", "xz bomb", "bzip2 bomb", "zstd bomb"),
    *("a truncated file", "a damaged zip"),
}


@pytest.mark.parametrize("kind", sorted(set(HOSTILE) - OF_CONTENT))
def test_a_hostile_archive_is_refused_as_movielens_too(kind: str, tmp_path: Path, memory_hdfs: Any) -> None:
    make, words = HOSTILE[kind]
    archive = make(tmp_path)
    with pytest.raises(IngestError, match=r"has no (movies|ratings)\.csv" if kind in WITHOUT_MOVIES else words):
        ingest(memory_hdfs, dataset="ml-latest", batch_id="20261123T190000", cache_dir=tmp_path, archive=archive)
    assert memory_hdfs.files == {}


@pytest.mark.parametrize("packing", ["gz", "xz", "bz2"])
def test_a_bomb_in_a_tar_is_refused_where_movielens_is_read(packing: str, tmp_path: Path, memory_hdfs: Any) -> None:
    path = tmp_path / f"ml-latest.tar.{packing}"
    rows = b"userId,movieId,rating,timestamp\n" + b"1,1,3.5,1000000000\n" * (20 << 20 >> 4)
    with tarfile.open(path, f"w:{packing}") as archive:
        for name, content in {"movies.csv": b"movieId,title,genres\n1,A,B\n", "ratings.csv": rows}.items():
            entry = tarfile.TarInfo(f"ml-latest/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    with pytest.raises(IngestError, match="times its packed size"):
        ingest(memory_hdfs, dataset="ml-latest", batch_id="20261123T190000", cache_dir=tmp_path, archive=path)
    assert memory_hdfs.files == {}


def zip_of(tmp_path: Path, packing: int) -> Path:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", packing) as file:
        file.writestr("ml/movies.csv", "movieId,title,genres\n1,A,B\n")
        rows = b"".join(b"%d,%d,3.5,1000000000\n" % (n, n * n % 9973) for n in range(5000))
        file.writestr("ml/ratings.csv", b"userId,movieId,rating,timestamp\n" + rows)
    return path


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_entry_whose_bytes_changed_is_refused_by_name(packing: int, tmp_path: Path, memory_hdfs: Any) -> None:
    path = zip_of(tmp_path, packing)
    given = {"dataset": "ml-latest", "batch_id": "20261123T190000", "cache_dir": tmp_path, "archive": path}
    content = bytearray(path.read_bytes())
    start = content.index(b"ratings.csv") + len(b"ratings.csv")
    content[start + 500 : start + 540] = bytes(range(7, 47))
    path.write_bytes(content)
    with pytest.raises(IngestError, match=r"entry 'ml/ratings\.csv' is damaged"):
        ingest(memory_hdfs, **given)
    assert memory_hdfs.files == {}
    zip_of(tmp_path, packing)
    assert ingest(memory_hdfs, **given)["files"][1]["rows"] == 5000
