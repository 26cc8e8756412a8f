"""Test the way from a source to a snapshot."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from marquee.ingest.datasets import DATASETS
from marquee.ingest.errors import IngestError
from marquee.ingest.movielens import shipped_mapping
from marquee.ingest.pipeline import ingest
from marquee.ingest.reading.mapping.reading import parse_mapping

RATINGS = b"userId,movieId,rating,timestamp\r\n1,31,2.5,1260759144\r\n1,32,2.5,1260759144"
MOVIES = b"movieId,title,genres\n31,Dangerous Minds (1995),Drama\n"
CSV_SET = {"ml-latest/ratings.csv": RATINGS, "ml-latest/movies.csv": MOVIES, "ml-latest/README.txt": b"terms\n"}
FLAGS = b"|0" * 18 + b"|1"
LAYOUTS = {
    "ml-1m": {
        "ratings.dat": b"1::31::5::978300760\n",
        "movies.dat": b"31::Caf\xe9 (1995)::Drama\n",
        "users.dat": b"1::F::1::10::48067\n",
    },
    "ml-10m": {
        "ratings.dat": b"1::31::5::978300760\n",
        "movies.dat": b"31::A (1995)::Drama\n",
        "tags.dat": b"1::31::x::978300760\n",
    },
    "ml-100k": {
        "u.data": b"1\t31\t5\t978300760\n",
        "u.item": b"31|A (1995)|01-Jan-1995||url" + FLAGS + b"\n",
        "u.user": b"1|24|M|technician|85711\n",
    },
}
ROWS_OF_EVERY_CSV = {
    "ratings.csv": b"userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n",
    "movies.csv": MOVIES,
    "tags.csv": b"userId,movieId,tag,timestamp\n1,31,x,1260759144\n",
    "links.csv": b"movieId,imdbId,tmdbId\n31,0112792,9909\n",
}
ROLES = {dataset: {"tags", "links"} for dataset in DATASETS} | {
    "ml-100k": {"users"},
    "ml-1m": {"users"},
    "ml-10m": {"tags"},
}


@pytest.fixture
def store(memory_hdfs, tmp_path):
    def run(archive, batch_id="20261123T190000", dataset="ml-latest"):
        return ingest(memory_hdfs, dataset=dataset, batch_id=batch_id, cache_dir=tmp_path / "cache", archive=archive)

    return run


def test_a_snapshot_holds_the_files_and_a_manifest_with_their_counts(store, memory_hdfs, make_zip):
    result = store(make_zip(CSV_SET))
    root = "/marquee/raw/ml-latest/20261123T190000"
    assert set(memory_hdfs.files) == {
        f"{root}/{name}" for name in ("ratings.csv", "movies.csv", "README.txt", "manifest.json")
    }
    assert memory_hdfs.files[f"{root}/ratings.csv"] == RATINGS
    assert [(file["name"], file["bytes"], file["rows"]) for file in result["files"]] == [
        ("README.txt", 6, None),
        ("movies.csv", len(MOVIES), 1),
        ("ratings.csv", len(RATINGS), 2),
    ]
    assert result["snapshot"] == root
    assert result["layout"]["ratings"] == {"file": "ratings.csv", "layout": "csv", "encoding": "utf-8"}
    manifest = json.loads(memory_hdfs.files[f"{root}/manifest.json"])
    assert manifest["files"] == result["files"]
    assert manifest["source"]["address"] == "archive.zip"
    assert "GroupLens" in manifest["licence"]


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_layout_is_accepted_as_a_folder_and_as_a_zip(store, tmp_path, make_zip, dataset):
    files = LAYOUTS.get(dataset, ROWS_OF_EVERY_CSV)
    folder = tmp_path / dataset
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    from_folder = store(folder, dataset=dataset)
    assert {file["name"]: file["rows"] for file in from_folder["files"]} == dict.fromkeys(files, 1)
    _, mapping = shipped_mapping(DATASETS[dataset].mapping)
    assert from_folder["source"] == {"kind": "folder", "address": dataset, "sha256": None, "mapping": mapping}
    unpinned = replace(DATASETS[dataset], sha256=None, md5=None)
    from_zip = store(make_zip({f"{dataset}/{name}": content for name, content in files.items()}), dataset=unpinned)
    assert from_zip["files"] == from_folder["files"]
    assert from_zip["layout"].keys() == ROLES[dataset] | {"ratings", "movies"}


@pytest.mark.parametrize("packing", ["tar.gz", "tar.xz", "folder of gz", "macOS zip"])
def test_movielens_comes_in_each_container_that_own_data_come_in(store, tmp_path, make_zip, packing):
    expected = store(make_zip(CSV_SET))["content_sha256"]
    packed = tmp_path / "packed"
    if packing == "folder of gz":
        packed.mkdir()
        for name, content in CSV_SET.items():
            (packed / f"{Path(name).name}.gz").write_bytes(gzip.compress(content))
    elif packing == "macOS zip":
        packed = make_zip({**CSV_SET, "__MACOSX/ml-latest/._ratings.csv": b"\0\5"}, "mac.zip")
    else:
        packed = tmp_path / f"packed.{packing}"
        with tarfile.open(packed, f"w:{packing[-2:]}") as archive:
            for name, content in CSV_SET.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    found = store(packed, "20261124T190000")
    assert found["content_sha256"] == expected
    assert found["snapshot"] == "/marquee/raw/ml-latest/20261123T190000"


def test_the_manifest_has_the_mapping_by_which_the_archive_was_read(store, memory_hdfs, make_zip):
    store(make_zip(CSV_SET))
    manifest = json.loads(memory_hdfs.files["/marquee/raw/ml-latest/20261123T190000/manifest.json"])
    mapping = parse_mapping(manifest["source"]["mapping"], "mapping.toml")
    assert mapping == shipped_mapping("movielens-csv")[0]
    assert mapping.ratings.columns == {"user": "userId", "item": "movieId", "value": "rating", "time": "timestamp"}


def test_the_same_batch_twice_is_stored_once_and_described_alike(store, memory_hdfs, make_zip):
    first = store(make_zip(CSV_SET))
    before = dict(memory_hdfs.files)
    assert store(make_zip(CSV_SET)) == first
    assert memory_hdfs.files == before


def test_an_unchanged_source_in_a_later_batch_adds_a_manifest_alone(store, memory_hdfs, make_zip):
    first = store(make_zip(CSV_SET))
    second = store(make_zip(CSV_SET), "20261124T190000")
    third = store(make_zip(CSV_SET), "20261125T190000")
    assert second["snapshot"] == third["snapshot"] == first["snapshot"]
    assert [name for name in memory_hdfs.files if "20261124" in name] == [
        "/marquee/raw/ml-latest/20261124T190000/manifest.json"
    ]


def test_a_batch_never_changes_its_content(store, make_zip):
    store(make_zip(CSV_SET))
    with pytest.raises(IngestError, match="snapshots never change"):
        store(make_zip({**CSV_SET, "ml-latest/movies.csv": MOVIES + b"32,B (1996),Drama\n"}))


@pytest.mark.parametrize("name", [".20261123T190000.partial", ".20261123T190000.0199cafe.partial"])
def test_what_a_killed_attempt_left_is_removed_when_the_snapshot_is_there(store, memory_hdfs, make_zip, name):
    memory_hdfs.files[f"/marquee/raw/ml-latest/{name}/ratings.csv"] = b"half"
    memory_hdfs.files["/marquee/raw/ml-latest/.20261124T190000.partial/ratings.csv"] = b"of another batch"
    store(make_zip(CSV_SET))
    left = [name for name in memory_hdfs.files if ".partial" in name]
    assert left == ["/marquee/raw/ml-latest/.20261124T190000.partial/ratings.csv"]


@pytest.mark.parametrize("overtaken_at", range(3))
def test_two_ingests_of_a_batch_at_a_time_store_one_whole_snapshot(store, memory_hdfs, make_zip, overtaken_at):
    archive, write = make_zip(CSV_SET), memory_hdfs.write
    writes = 0

    def write_and_be_overtaken(path, data, permission):
        nonlocal writes
        writes += 1
        if writes == overtaken_at + 1:
            memory_hdfs.write = write
            store(archive)
            memory_hdfs.write = write_and_be_overtaken
        write(path, data, permission)

    memory_hdfs.write = write_and_be_overtaken
    with pytest.raises(IngestError, match=r"appeared while this ingest worked\. If it has a manifest, run again"):
        store(archive)
    memory_hdfs.write = write
    assert store(archive)["snapshot"] == "/marquee/raw/ml-latest/20261123T190000"
    names = ("README.txt", "manifest.json", "movies.csv", "ratings.csv")
    assert sorted(memory_hdfs.files) == [f"/marquee/raw/ml-latest/20261123T190000/{name}" for name in names]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ml-latest/ratings.csv": None}, r"has no ratings\.csv with content, which ml-latest must have"),
        ({"ml-latest/movies.csv": b"id,title\n1,A\n"}, r"movies\.csv in .* begins with 'id,title' where ml-latest has"),
        ({"ml-latest/ratings.csv": b""}, r"has no ratings\.csv with content, which ml-latest must have"),
        (
            {"old/ratings.csv": RATINGS},
            r"holds 2 files named 'ratings\.csv' \(ml-latest/ratings\.csv, old/ratings\.csv\)",
        ),
        ({"ml-latest/ratings.csv": b"userId,movieId,rating,timestamp\n"}, "a header and no row"),
        (
            {"ml-latest/tags.csv": b"userId,movieId,tag\n1,2,x\n"},
            r"tags\.csv in .* begins with 'userId,movieId,tag' where",
        ),
        ({"../movies.csv": MOVIES}, r"entry '\.\./movies\.csv' points outside the archive"),
        ({"ml-latest/tags.csv": b"0" * 20_000_000}, r"'ml-latest/tags\.csv' unpacks to more than 200 times.*bomb"),
        ({"ml-latest/tags.csv": b"1,2,x,3\n" * 2}, r"tags\.csv in .* begins with '1,2,x,3' where ml-latest has"),
    ],
)
def test_a_source_that_does_not_fit_is_refused_before_hdfs(store, memory_hdfs, make_zip, changes, message):
    entries = {name: content for name, content in (CSV_SET | changes).items() if content is not None}
    with pytest.raises(IngestError, match=message):
        store(make_zip(entries))
    assert memory_hdfs.files == {}


def test_a_truncated_archive_is_refused_before_hdfs(store, memory_hdfs, make_zip):
    path = make_zip(CSV_SET)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(IngestError, match=r"archive\.zip cannot be read as a zip archive"):
        store(path)
    assert memory_hdfs.files == {}


def test_rows_of_another_layout_are_refused_before_hdfs(store, memory_hdfs, tmp_path):
    for name, content in (LAYOUTS["ml-1m"] | {"ratings.dat": b"1,31,5,978300760\n"}).items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(IngestError, match=r"ratings\.dat in .* It has not the 4 fields separated by '::'"):
        store(tmp_path, dataset="ml-1m")
    assert memory_hdfs.files == {}


def test_a_source_that_changes_while_it_is_stored_leaves_no_snapshot(store, memory_hdfs, tmp_path):
    for name, content in ROWS_OF_EVERY_CSV.items():
        (tmp_path / name).write_bytes(content)
    started = memory_hdfs.makedirs

    def change_and_make(path):
        (tmp_path / "movies.csv").write_bytes(MOVIES.replace(b"Drama", b"Opera"))
        started(path)

    memory_hdfs.makedirs = change_and_make
    with pytest.raises(IngestError, match=r"movies\.csv changed during the read"):
        store(tmp_path)
    assert [name for name in memory_hdfs.files if ".partial" not in name] == []


def test_another_archive_than_the_pinned_one_is_refused_before_hdfs(store, memory_hdfs, make_zip):
    with pytest.raises(IngestError, match="but ml-latest-small is pinned to 696d65a3"):
        store(make_zip(CSV_SET), dataset="ml-latest-small")
    assert memory_hdfs.files == {}


@pytest.mark.parametrize("batch_id", ["2026-11-23", "20261123T1900001", "../20261123T190000", "20261131T190000"])
def test_a_batch_id_of_another_shape_is_refused(store, make_zip, batch_id):
    with pytest.raises(IngestError, match="is not a batch id"):
        store(make_zip(CSV_SET), batch_id)


def test_an_unknown_data_set_is_answered_with_the_known_ones(store):
    with pytest.raises(IngestError, match=r"There is no data set 'ml-9'\. Choose one of: movielens-embedded"):
        store(None, dataset="ml-9")


def test_every_archive_is_pinned_or_has_an_official_checksum_beside_it():
    assert {name for name, dataset in DATASETS.items() if not (dataset.sha256 or dataset.md5)} == {
        "movielens-embedded",
        "ml-latest",
        "ml-32m",
    }
