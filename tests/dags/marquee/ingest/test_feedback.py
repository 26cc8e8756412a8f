"""Test how the accounts service's ratings join a snapshot, with the real ingest."""

from __future__ import annotations

import hashlib
import json

import pytest
from marquee.ingest.errors import IngestError
from marquee.ingest.pipeline import ingest

from .test_pipeline import CSV_SET, LAYOUTS

BATCH = "20261123T190000"
RATINGS = "userId,movieId,rating,timestamp\n1000000001,31,4.5,1795460000\n1000000002,32,0.5,1795460001\n"
NO_MOVIES = "movieId,title,genres\n"
MOVIES = 'movieId,title,genres\n1000000001,"Kettles, Green (2026)",Drama\n'


@pytest.fixture
def export(tmp_path):
    """Return a function that writes an export.

    serving.accounts.export's own tests hold it to this form.
    """

    def write(ratings=RATINGS, movies=NO_MOVIES):
        folder = tmp_path / "feedback" / BATCH
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for name, text in (("ratings.csv", ratings), ("movies.csv", movies)):
            content = text.encode("utf-8")
            (folder / name).write_bytes(content)
            rows = text.count("\n") - 1
            digest = hashlib.sha256(content).hexdigest()
            files.append({"name": name, "bytes": len(content), "rows": rows, "sha256": digest})
        manifest = {
            "manifest_version": 1,
            "batch_id": BATCH,
            "watermark": 17,
            "data_through": "2026-11-23T18:53:21Z",
            "later_ratings": 0,
            "files": files,
        }
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def store(memory_hdfs, tmp_path):
    def run(archive, feedback, dataset="ml-latest", batch_id=BATCH):
        return ingest(
            memory_hdfs,
            dataset=dataset,
            batch_id=batch_id,
            cache_dir=tmp_path / "cache",
            archive=archive,
            feedback=feedback,
        )

    return run


def test_the_ratings_join_as_a_file_of_their_own_with_its_rows_and_checksum(store, memory_hdfs, make_zip, export):
    result = store(make_zip(CSV_SET), export())
    root = f"/marquee/raw/ml-latest/{BATCH}"
    assert memory_hdfs.files[f"{root}/feedback-ratings.csv"].decode() == RATINGS
    assert [(file["name"], file["role"], file["rows"]) for file in result["files"]] == [
        ("README.txt", "documentation", None),
        ("feedback-ratings.csv", "ratings", 2),
        ("movies.csv", "movies", 1),
        ("ratings.csv", "ratings", 2),
    ]
    # The cleaning job reads both, and each row keeps its file's name.
    assert {role: entry["file"] for role, entry in result["layout"].items()} == {
        "ratings": "*ratings.csv",
        "movies": "movies.csv",
    }


def test_the_snapshot_says_up_to_which_change_it_includes_ratings(store, make_zip, export):
    feedback = store(make_zip(CSV_SET), export())["source"]["feedback"]
    assert (feedback["watermark"], feedback["data_through"]) == (17, "2026-11-23T18:53:21Z")
    assert [(file["name"], file["rows"]) for file in feedback["files"]] == [("ratings.csv", 2), ("movies.csv", 0)]


def test_movies_that_were_added_join_too(store, memory_hdfs, make_zip, export):
    result = store(make_zip(CSV_SET), export(movies=MOVIES))
    assert memory_hdfs.files[f"/marquee/raw/ml-latest/{BATCH}/feedback-movies.csv"].decode() == MOVIES
    assert result["layout"]["movies"]["file"] == "*movies.csv"


def test_without_ratings_the_snapshot_is_as_it_was(store, make_zip, export):
    without = store(make_zip(CSV_SET), None, batch_id="20261122T190000")
    with_none = store(make_zip(CSV_SET), export(ratings=RATINGS.splitlines()[0] + "\n"))
    assert with_none["content_sha256"] == without["content_sha256"]
    assert with_none["layout"] == without["layout"]
    assert with_none["snapshot"] == without["snapshot"]
    assert with_none["source"]["feedback"]["watermark"] == 17


@pytest.mark.parametrize(
    ("dataset", "name", "rows"),
    [
        ("ml-1m", "ratings.dat", "1000000001::31::4.5::1795460000\n1000000002::32::0.5::1795460001\n"),
        ("ml-10m", "ratings.dat", "1000000001::31::4.5::1795460000\n1000000002::32::0.5::1795460001\n"),
        ("ml-100k", "u.data", "1000000001\t31\t4.5\t1795460000\n1000000002\t32\t0.5\t1795460001\n"),
    ],
)
def test_ratings_are_written_as_the_data_set_writes_its_own(store, memory_hdfs, tmp_path, export, dataset, name, rows):
    folder = tmp_path / dataset
    folder.mkdir()
    for file, content in LAYOUTS[dataset].items():
        (folder / file).write_bytes(content)
    result = store(folder, export(movies=MOVIES), dataset=dataset)
    assert memory_hdfs.files[f"/marquee/raw/{dataset}/{BATCH}/feedback-{name}"].decode() == rows
    assert result["layout"]["ratings"]["file"] == f"*{name}"
    # Only CSV can hold a title of any kind.
    assert not result["layout"]["movies"]["file"].startswith("*")


def test_a_rerun_stores_nothing_anew_and_other_ratings_are_another_batch(store, memory_hdfs, make_zip, export):
    archive = make_zip(CSV_SET)
    first = store(archive, export())
    before = dict(memory_hdfs.files)
    assert store(archive, export()) == first
    assert memory_hdfs.files == before
    with pytest.raises(IngestError, match="already holds other content, and snapshots never change"):
        store(archive, export(ratings=RATINGS + "1000000003,31,3.0,1795460002\n"))
    later = store(archive, export(ratings=RATINGS + "1000000003,31,3.0,1795460002\n"), batch_id="20261124T190000")
    assert later["snapshot"].endswith("/20261124T190000")


@pytest.mark.parametrize("left", [RATINGS[: RATINGS.rindex("1000000002")], RATINGS.splitlines()[0] + "\n"])
def test_a_rerun_after_an_account_was_deleted_keeps_the_dated_snapshot_and_the_next_batch_leaves_the_person_out(
    store, memory_hdfs, make_zip, export, left
):
    archive = make_zip(CSV_SET)
    first = store(archive, export())
    before = dict(memory_hdfs.files)
    assert store(archive, export(ratings=left)) == first
    assert memory_hdfs.files == before
    store(archive, export(ratings=left), batch_id="20261124T190000")
    later = [path for path in memory_hdfs.files if "/20261124T190000/" in path]
    assert later
    assert not any(b"1000000002" in memory_hdfs.files[path] for path in later)


def test_a_rerun_with_another_data_set_is_refused_also_if_feedback_was_lost(store, make_zip, export):
    store(make_zip(CSV_SET), export())
    other = {name: text.replace(b"2.5", b"3.5") for name, text in CSV_SET.items()}
    assert other != CSV_SET
    with pytest.raises(IngestError, match="already holds other content"):
        store(make_zip(other, "other.zip"), export(ratings=RATINGS[: RATINGS.rindex("1000000002")]))


def test_a_killed_run_leaves_its_joined_files_where_the_next_export_removes_them(
    store, make_zip, export, tmp_path, monkeypatch
):
    seen = []

    def killed(*_):
        seen.extend(path.name for path in (tmp_path / "feedback").iterdir())
        raise KeyboardInterrupt

    monkeypatch.setattr("marquee.ingest.pipeline.inspect_files", killed)
    with pytest.raises(KeyboardInterrupt):
        store(make_zip(CSV_SET), export())
    assert any(name.startswith(".joining-") for name in seen)


@pytest.mark.parametrize("spoil", ["content", "missing", "manifest"])
def test_an_export_that_is_not_what_its_manifest_says_is_refused_before_hdfs(
    store, memory_hdfs, make_zip, export, spoil
):
    folder = export()
    if spoil == "content":
        (folder / "ratings.csv").write_text(RATINGS.replace("4.5", "5.0"), encoding="utf-8")
    elif spoil == "missing":
        (folder / "movies.csv").unlink()
    else:
        (folder / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(
        IngestError, match=r"is not what its manifest describes|is not an export of the platform's services"
    ):
        store(make_zip(CSV_SET), folder)
    assert memory_hdfs.files == {}


def test_ratings_of_own_data_do_not_join_movielens(store, make_zip, export):
    folder = export()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"own_data": "my-books"}), encoding="utf-8")
    with pytest.raises(IngestError, match="has the ratings of my-books, and this is a run of ml-latest"):
        store(make_zip(CSV_SET), folder)
