"""Define how much an archive may ask of ingest, and refuse what asks for more."""

from __future__ import annotations

from marquee.ingest.errors import IngestError

MAX_ENTRIES = 10_000
MAX_TOTAL_BYTES = 64 << 30
# Logs with few distinct values pack about 30:1. A bomb of DEFLATE reaches 1030:1, one of xz or zstd far more.
MAX_RATIO = 200
RATIO_MATTERS_FROM_BYTES = 16 << 20
MAX_LINE_BYTES = 8 << 20
MAX_COLUMNS = 10_000
CHUNK_BYTES = 1 << 20
# An archive in an archive in an archive is no data set.
MAX_NESTING = 3


def refuse_bomb(where: str, unpacked: int, packed: int) -> None:
    """Raise IngestError if so many bytes came out of so few."""
    if unpacked >= RATIO_MATTERS_FROM_BYTES and unpacked > MAX_RATIO * max(packed, 1):
        raise IngestError(
            f"{where} unpacks to more than {MAX_RATIO} times its packed size. It looks like a decompression bomb, "
            "and ingest refuses it. If it is real data, unpack it and give the folder."
        )
    if unpacked > MAX_TOTAL_BYTES:
        raise IngestError(
            f"{where} unpacks to over {MAX_TOTAL_BYTES >> 30} GiB, which is the limit. Give a smaller part of it."
        )


def refuse_long_line(where: str) -> None:
    """Raise IngestError because a line has no end in sight."""
    raise IngestError(
        f"{where} has a line of over {MAX_LINE_BYTES >> 20} MiB. No row is that long, so this is another kind of file, "
        "or its lines end in another way. Write one row a line, or leave the file out by the mapping's `files`."
    )


def refuse_many_columns(where: str, columns: int) -> None:
    """Raise IngestError if a row has more columns than any table of ratings."""
    if columns > MAX_COLUMNS:
        raise IngestError(
            f"{where} has {columns} columns, over the limit of {MAX_COLUMNS}. Write it with one row for each user and item."
        )
