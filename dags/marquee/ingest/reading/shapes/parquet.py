"""Read Parquet files as columns of text."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from marquee.ingest.errors import IngestError
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.limits import CHUNK_BYTES, refuse_many_columns
from marquee.ingest.reading.shapes.raw import Block

MAGIC = b"PAR1"
BATCH_ROWS = 65_536


@contextmanager
def open_parquet(member: Member) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file.

    One in an archive goes to a temporary file first, as its index is at its end.
    """
    with tempfile.TemporaryFile(prefix="marquee-parquet-") as copy:
        source: IO[bytes] | str = str(member.path)
        if member.path is None:
            with member.open() as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    copy.write(chunk)
            copy.seek(0)
            source = copy
        try:
            file = pq.ParquetFile(source)
            refuse_many_columns(member.name, len(file.schema_arrow.names))
            # Damage of a page or of a name in the index shows only when it is read.
            yield file
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise IngestError(
                f"{member.name} cannot be read as Parquet ({str(error).splitlines()[0]}). Fetch it again."
            ) from error


def as_text(column: pa.Array) -> pa.Array:
    """Return a column's values as text: times in ISO form, lists joined by '|'."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.dictionary_decode())
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([_text(value) for value in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return "|".join(str(one) for one in value)
    if isinstance(value, bytes):
        # Two ids that are no text stay two.
        return value.decode("utf-8", "backslashreplace")
    return None


def parquet_blocks(member: Member, columns: dict[str, str]) -> Iterator[Block]:
    """Yield a Parquet file's rows; ``columns`` has the name of each role's column."""
    with open_parquet(member) as file:
        missing = sorted(set(columns.values()) - set(file.schema_arrow.names))
        if missing:
            raise IngestError(
                f"{member.name} has no column {missing[0]!r}. It has {', '.join(file.schema_arrow.names[:20])}. "
                "Correct the mapping's columns."
            )
        number = 1
        try:
            for batch in file.iter_batches(BATCH_ROWS, columns=sorted(set(columns.values())), use_threads=False):
                texts = {role: as_text(batch.column(name)) for role, name in columns.items()}
                yield Block(
                    texts,
                    np.arange(number, number + batch.num_rows, dtype=np.int64),
                    _row_getter(texts, number),
                )
                number += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise IngestError(
                f"{member.name} is damaged after row {number} ({str(error).splitlines()[0]}). Fetch it again."
            ) from error


def _row_getter(texts: dict[str, pa.Array], first: int) -> Any:
    def text_of(number: int) -> str:
        return ", ".join(f"{role}={column[number - first].as_py()}" for role, column in texts.items())

    return text_of
