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
