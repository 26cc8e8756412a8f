"""Test how Parquet's values become text."""

import pyarrow as pa
from marquee.ingest.reading.shapes.parquet import as_text


def test_binary_ids_that_are_no_text_stay_apart() -> None:
    column = pa.array([b"\xff", b"\xfe", "뮐러".encode(), None], pa.binary())
    assert as_text(column).to_pylist() == ["\\xff", "\\xfe", "뮐러", None]
