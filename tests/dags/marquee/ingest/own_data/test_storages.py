"""Test sources in HDFS and in storage like S3, as snapshots."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as storage
import pyarrow.parquet as pq
import pytest
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.snapshots.ingest import ingest_data
from marquee.ingest.own_data.sources import objects
from moto.server import ThreadedMotoServer

FIRST, SECOND = "20261123T190000", "20261124T190000"
ROOT = "/marquee/raw/my-shop"
SECRET = "correct-horse-battery"
Put = Callable[[str, bytes], None]
Store = Callable[..., dict[str, Any]]


def orders(first: int, count: int) -> bytes:
    """Return a Parquet file of orders."""
    numbers = list(range(first, first + count))
    sink = pa.BufferOutputStream()
    columns = {
        "customer": [f"c{number % 7}" for number in numbers],
        "sku": [f"s{number % 11}" for number in numbers],
        "quantity": [number % 3 + 1 for number in numbers],
        "timestamp": pa.array([1_780_000_000 + number for number in numbers], pa.timestamp("s")),
    }
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def put(endpoint: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Put:
    """Make a bucket and its connection in Airflow; return what puts an object there."""
    extra = {"endpoint_url": endpoint, "region_name": "us-east-1"}
    connection = {"conn_type": "aws", "login": "reader", "password": SECRET, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps(connection))
    files = storage.S3FileSystem(
        access_key="writer",
        secret_key=SECRET,
        endpoint_override=endpoint,
        region="us-east-1",
        allow_bucket_creation=True,
    )
    files.create_dir("lake")
    for info in files.get_file_info(storage.FileSelector("lake", recursive=True)):
        if info.type == storage.FileType.File:
            files.delete_file(info.path)

    def put_object(key: str, content: bytes) -> None:
        with files.open_output_stream(f"lake/{key}") as stream:
            stream.write(content)

    return put_object


@pytest.fixture
def store(memory_hdfs: Any, tmp_path: Path) -> Store:
    def run(batch_id: str = FIRST, source: str = "s3://lake@lake/orders", **more: Any) -> dict[str, Any]:
        given = {"dataset": "my-shop", "archive": None, "mapping": None, "limit": 0.2}
        return ingest_data(
            memory_hdfs, batch_id=batch_id, cache_dir=tmp_path / "cache", source=source, **(given | more)
        )

    return run


def rows_of(memory_hdfs: Any, batch_id: str = FIRST) -> int:
    return int(memory_hdfs.files[f"{ROOT}/{batch_id}/ratings.tsv"].count(b"\n"))


def test_parquet_in_s3_is_ingested(put: Put, store: Store, memory_hdfs: Any) -> None:
    put("orders/day=1/part-0.parquet", orders(0, 50))
    put("orders/day=2/part-0.parquet", orders(50, 30))
    put("orders/_SUCCESS", b"")
    found = store()
    assert rows_of(memory_hdfs) == 80
    assert found["source"]["address"] == "s3://lake@lake/orders"
    assert found["own_data"]["times"]
    # The same objects in the next batch are the same content.
    assert store(SECOND)["snapshot"] == f"{ROOT}/{FIRST}"


def test_one_object_of_another_shape_is_ingested(put: Put, store: Store, memory_hdfs: Any) -> None:
    put("export.csv", b"userId,movieId,rating,timestamp\n" + b"".join(b"%d,7,4.5,1147880044\n" % n for n in range(30)))
    store(source="s3://lake@lake/export.csv")
    assert rows_of(memory_hdfs) == 30


def test_parquet_in_hdfs_is_ingested(store: Store, memory_hdfs: Any) -> None:
    memory_hdfs.files |= {
        "/data/orders/day=1/part-0.parquet": orders(0, 40),
        "/data/orders/day=2/part-1.parquet": orders(40, 25),
    }
    store(source="hdfs:///data/orders")
    assert rows_of(memory_hdfs) == 65


def test_an_object_that_changes_while_it_is_read_leaves_no_snapshot(
    put: Put, store: Store, memory_hdfs: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put("orders/a.parquet", orders(0, 40))
    put("orders/b.parquet", orders(40, 40))
    original = objects.S3Storage.chunks

    def chunks(self: Any, path: str) -> Iterator[bytes]:
        yield from original(self, path)
        if path.endswith("a.parquet"):
            put("orders/c.parquet", orders(80, 1))

    monkeypatch.setattr(objects.S3Storage, "chunks", chunks)
    with pytest.raises(IngestError, match=r"c\.parquet in s3://lake@lake/orders changed while it was read") as caught:
        store()
    assert caught.value.may_pass
    assert not [path for path in memory_hdfs.files if path.startswith(ROOT)]
    assert not list((tmp_path / "cache").iterdir())


def test_a_storage_that_dies_half_way_leaves_no_snapshot(
    put: Put, store: Store, memory_hdfs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("orders/a.parquet", orders(0, 40))
    put("orders/b.parquet", orders(40, 40))
    original = objects.S3Storage.chunks

    def chunks(self: Any, path: str) -> Iterator[bytes]:
        if path.endswith("b.parquet"):
            raise OSError("When reading information: AWS Error NETWORK_CONNECTION: curlCode: 7")
        yield from original(self, path)

    monkeypatch.setattr(objects.S3Storage, "chunks", chunks)
    with pytest.raises(IngestError, match=r"cannot be read: .*NETWORK_CONNECTION") as caught:
        store()
    assert caught.value.may_pass
    assert not [path for path in memory_hdfs.files if path.startswith(ROOT)]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("s3://lake@lake/nothing", "s3://lake@lake/nothing holds no file"),
        ("s3://lake@no-such-bucket/x", "no-such-bucket/x holds no file"),
        ("s3://nobody@lake/orders", "Airflow has no connection 'nobody'"),
        ("hdfs:///nothing", "hdfs:///nothing holds no file"),
    ],
)
def test_a_wrong_place_is_named(put: Put, store: Store, memory_hdfs: Any, source: str, said: str) -> None:
    with pytest.raises(IngestError, match=said):
        store(source=source)


def test_no_secret_is_in_what_is_stored_or_logged(
    put: Put, store: Store, memory_hdfs: Any, caplog: pytest.LogCaptureFixture
) -> None:
    put("orders/a.parquet", orders(0, 40))
    with caplog.at_level("DEBUG"):
        found = store()
    assert SECRET not in json.dumps(found) + caplog.text
    assert all(SECRET.encode() not in content for content in memory_hdfs.files.values())


# --- SINCE


@pytest.fixture(params=["s3", "hdfs"])
def lake(request: pytest.FixtureRequest, memory_hdfs: Any) -> tuple[str, Put]:
    """Return the address of a folder in a storage, and what puts a file there."""
    if request.param == "s3":
        put_object: Put = request.getfixturevalue("put")
        return "s3://lake@lake/orders", lambda name, content: put_object(f"orders/{name}", content)

    def write(name: str, content: bytes) -> None:
        memory_hdfs.files[f"/data/orders/{name}"] = content

    return "hdfs:///data/orders", write


MAPPING = """\
[ratings]
files = "part-*.parquet"
shape = "parquet"
[ratings.columns]
user = "customer"
item = "sku"
value = "quantity"
time = "timestamp"
[items]
files = "items.csv"
required = false
[items.columns]
item = "sku"
title = "name"
[values]
kind = "strength"
[time]
unit = "iso"
"""


def test_since_name_reads_the_files_after_those_of_the_batch_before(
    lake: tuple[str, Put], store: Store, memory_hdfs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, add = lake
    add("day=1/part-0.parquet", orders(0, 40))
    first = store(source=source, since="name")
    assert first["source"]["reached"]["until"] == "day=1/part-0.parquet"
    add("day=2/part-0.parquet", orders(40, 25))
    read: list[str] = []
    for kind in (objects.S3Storage, objects.HdfsStorage):
        original = kind.chunks

        def chunks(self: Any, path: str, original: Any = original) -> Iterator[bytes]:
            read.append(path)
            yield from original(self, path)

        monkeypatch.setattr(kind, "chunks", chunks)
    second = store(SECOND, source=source, since="name")
    assert [path.split("orders/")[1] for path in read] == ["day=2/part-0.parquet"]
    assert second["source"]["rows"]["kept"] == 25
    assert second["source"]["goes_on_after"] == FIRST
    assert rows_of(memory_hdfs, SECOND) == 65
    whole = memory_hdfs.files[f"{ROOT}/{SECOND}/ratings.tsv"]
    assert whole.startswith(memory_hdfs.files[f"{ROOT}/{FIRST}/ratings.tsv"])
    # Nothing new: nothing is read, and the batch stands for the same content.
    del read[:]
    assert store("20261125T190000", source=source, since="name")["snapshot"] == f"{ROOT}/{SECOND}"
    assert read == []


def test_since_name_reads_all_files_again_if_one_came_late_or_changed(
    lake: tuple[str, Put], store: Store, memory_hdfs: Any, caplog: pytest.LogCaptureFixture
) -> None:
    source, add = lake
    add("part-09.parquet", orders(0, 40))
    store(source=source, since="name")
    add("part-05.parquet", orders(40, 25))
    store(SECOND, source=source, since="name")
    assert rows_of(memory_hdfs, SECOND) == 65
    assert "Files up to part-09.parquet came late, were deleted or changed" in caplog.text
    add("part-05.parquet", orders(40, 20))
    store("20261125T190000", source=source, since="name")
    assert rows_of(memory_hdfs, "20261125T190000") == 60


def test_since_name_reads_the_table_of_the_items_each_time(
    lake: tuple[str, Put], store: Store, memory_hdfs: Any, tmp_path: Path
) -> None:
    source, add = lake
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING)
    add("part-1.parquet", orders(0, 40))
    store(source=source, since="name", mapping=mapping)
    assert b"s3\t" in memory_hdfs.files[f"{ROOT}/{FIRST}/movies.tsv"]
    add("items.csv", b"sku,name\ns3,Tea\n")
    add("part-2.parquet", orders(40, 5))
    store(SECOND, source=source, since="name", mapping=mapping)
    assert rows_of(memory_hdfs, SECOND) == 45
    assert b"\tTea\t" in memory_hdfs.files[f"{ROOT}/{SECOND}/movies.tsv"]


def test_since_a_name_reads_the_files_after_it(lake: tuple[str, Put], store: Store, memory_hdfs: Any) -> None:
    source, add = lake
    add("day=2026-10-31/a.parquet", orders(0, 40))
    add("day=2026-11-01/a.parquet", orders(40, 25))
    store(source=source, since="name:day=2026-11-01")
    assert rows_of(memory_hdfs) == 25
    with pytest.raises(IngestError, match="No file has a name after 'day=2027'"):
        store(SECOND, source=source, since="name:day=2027")


@pytest.mark.parametrize("since", ["id", "rated_at", "timestamp:2026-01-01"])
def test_since_a_column_is_refused_for_files_with_the_reason(store: Store, since: str) -> None:
    with pytest.raises(IngestError, match=r"files cannot be asked for the newer rows of a column.*Give SINCE=name"):
        store(source="hdfs:///data/orders", since=since)


def test_newer_files_that_no_table_of_the_mapping_fits_are_named(lake: tuple[str, Put], store: Store) -> None:
    source, add = lake
    add("part-1.parquet", orders(0, 40))
    store(source=source, since="name")
    add("sales-2.parquet", orders(40, 5))
    with pytest.raises(IngestError, match=r"sales-2.parquet, but none fits.*files = 'part-\*.parquet'"):
        store(SECOND, source=source, since="name")
