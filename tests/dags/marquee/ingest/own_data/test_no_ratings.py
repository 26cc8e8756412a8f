"""Test that a file of another kind is refused by what it is and by what to do next."""

import json
import pickle
import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.inspection.propose import propose
from marquee.ingest.reading.containers.opening import open_members
from shape_samples import zipped

NOISE = bytes(range(256)) * 8
ROWS = [{"user_id": "u1", "item_id": 2, "rating": 3}, {"user_id": "u2", "item_id": 4, "rating": 5}]


def _said(path: Path) -> str:
    with pytest.raises(IngestError) as refused:
        propose(open_members(path))
    return str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"7z\xbc\xaf'\x1c\x00\x04" + NOISE, "a 7z or rar archive, which ingest does not read. Unpack it"),
        (b"Rar!\x1a\x07\x01\x00" + NOISE, "a 7z or rar archive, which ingest does not read. Unpack it"),
        (b"\x04\x22\x4d\x18" + NOISE, "packed by lz4 or compress, which ingest does not read. Unpack it"),
        (b"\x1f\x9d\x90" + NOISE, "packed by lz4 or compress, which ingest does not read. Unpack it"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + NOISE,
            "an old Excel or Office file, which ingest does not read. Export",
        ),
        (b"\x89HDF\r\n\x1a\n" + NOISE, "an HDF5 file, which ingest does not read. Export"),
        (b"\x93NUMPY\x01\x00" + NOISE, "a NumPy array, which ingest does not read. Export"),
        (b"Obj\x01" + NOISE, "an Avro file, which ingest does not read. Export"),
        (pickle.dumps(ROWS), "a Python pickle, which ingest does not read. Export"),
        (b"%PDF-1.7\n" + NOISE, "a PDF document, which ingest does not read. Fetch the data itself."),
        (b"\x89PNG\r\n\x1a\n" + NOISE, "a picture, which ingest does not read. Fetch the data itself."),
        (
            b"<!DOCTYPE html>\n<html>\n<body>\n<h1>404</h1>\n</body>\n</html>\n",
            "an HTML page, which ingest does not read. Fetch the data itself.",
        ),
        (json.dumps(ROWS[0], indent=1).encode(), "JSON, but not one object a line. Write it so by `jq -c .`."),
        (
            b"user,item,rating\r1,2,3\r4,5,5\r",
            "ends its lines by a carriage return alone. Write them by `tr '\\r' '\\n'`.",
        ),
        (b"user,item,rating\n", "has a header (user, item, rating) and no row. Give a file with rows."),
        (b"user\titem\trating", "has a header (user, item, rating) and no row. Give a file with rows."),
    ],
)
def test_a_file_of_another_kind_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(content)
    message = _said(tmp_path / "data.csv")
    assert message.startswith("data.csv ")
    assert said in message


def test_files_that_other_programs_wrote_are_named(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE ratings (user_id, item_id, rating)")
    shop.close()
    table = pa.table({"user_id": [1, 2], "item_id": [3, 4], "rating": [5, 1]})
    feather.write_feather(table, tmp_path / "r.feather")
    orc.write_table(table, tmp_path / "r.orc")
    pq.write_table(table.slice(0, 0), tmp_path / "r.parquet")
    zipped(tmp_path / "r.xlsx", {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"})
    zipped(tmp_path / "r.ods", {"mimetype": b"application/vnd", "content.xml": b"<x/>"})
    office = "The archive is a spreadsheet or a document of an office program. Export the sheet as CSV."
    assert _said(tmp_path / "shop.db").startswith(
        "shop.db is a SQLite database, which ingest does not read. Read it by "
    )
    assert _said(tmp_path / "r.feather").startswith("r.feather is an Arrow or Feather file")
    assert _said(tmp_path / "r.orc").startswith("r.orc is an ORC file")
    assert _said(tmp_path / "r.parquet").startswith("r.parquet has a header (user_id, item_id, rating) and no row.")
    assert (_said(tmp_path / "r.xlsx"), _said(tmp_path / "r.ods")) == (office, office)


def test_a_table_without_users_is_named_rather_than_a_picture_next_to_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + NOISE)
    (tmp_path / "b.csv").write_text("colour,size\nred,1\nblue,2\n")
    assert "Found: b.csv (colour, size)" in _said(tmp_path)
