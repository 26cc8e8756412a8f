"""The bench's two pieces of work in DuckDB, in this process: what one machine can do without a cluster.

python tests/bench/duckdb_engine.py clean ratings.csv clean.tsv
python tests/bench/duckdb_engine.py average clean.tsv means.tsv 2010
"""

from __future__ import annotations

import os
import sys
from calendar import timegm
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

BLOCK_BYTES = 8 << 20
LINES = pa.schema([("byte_offset", pa.int64()), ("line", pa.binary())])
LATEST = 1_600_000_000  # as engines.py tells the others

# The rules of mr_jobs/mr_clean_ratings.py, for a CSV file. A line that is not ASCII has no valid field wherever the
# bytes stand, so a blob's text form, which escapes them, is rejected for the same reason.
CLEAN = rf"""
COPY (
  WITH texts AS (
    SELECT byte_offset, line, CASE WHEN suffix(shown, '\x0D') THEN regexp_replace(shown, '(\\x0D)+$', '') ELSE shown END AS text
    FROM (SELECT byte_offset, line, CAST(line AS VARCHAR) AS shown FROM lines)
  ), split AS (
    SELECT byte_offset, line, text, string_split(text, ',') AS f FROM texts
  ), judged AS (
    SELECT byte_offset, line, f,
      CASE
        WHEN text = '' THEN 'empty_line'
        WHEN len(f) < 4 THEN 'missing_fields'
        WHEN len(f) > 4 THEN 'extra_fields'
        WHEN NOT regexp_full_match(f[1], '[+-]?[0-9]+') THEN 'user_id_not_integer'
        WHEN length(f[1]) > 20 OR TRY_CAST(f[1] AS DOUBLE) NOT BETWEEN 1 AND 2147483647 THEN 'user_id_out_of_range'
        WHEN NOT regexp_full_match(f[2], '[+-]?[0-9]+') THEN 'movie_id_not_integer'
        WHEN length(f[2]) > 20 OR TRY_CAST(f[2] AS DOUBLE) NOT BETWEEN 1 AND 2147483647 THEN 'movie_id_out_of_range'
        WHEN NOT regexp_full_match(f[3], '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{{{{1,3}}}})?')
          THEN 'rating_not_number'
        WHEN TRY_CAST(f[3] AS DOUBLE) NOT BETWEEN 0.5 AND 5 THEN 'rating_out_of_range'
        WHEN TRY_CAST(f[3] AS DOUBLE) * 2 <> floor(TRY_CAST(f[3] AS DOUBLE) * 2) THEN 'rating_off_half_star_grid'
        WHEN NOT regexp_full_match(f[4], '[+-]?[0-9]+') THEN 'timestamp_not_integer'
        WHEN TRY_CAST(f[4] AS DOUBLE) < 788918400 THEN 'timestamp_before_1995'
        WHEN TRY_CAST(f[4] AS DOUBLE) > {LATEST} THEN 'timestamp_in_future'
      END AS reason
    FROM split
  ), typed AS (
    SELECT byte_offset, reason,
      CASE WHEN reason IS NULL THEN CAST(f[1] AS INTEGER) END AS user_id,
      CASE WHEN reason IS NULL THEN CAST(f[2] AS INTEGER) END AS movie_id,
      CASE WHEN reason IS NULL THEN CAST(f[3] AS DOUBLE) END AS rating,
      CASE WHEN reason IS NULL THEN CAST(f[4] AS BIGINT) END AS rated_at,
      CASE WHEN reason IS NOT NULL THEN base64(line) END AS raw_line
    FROM judged
  ), placed AS (
    SELECT *, first_value(rating) OVER newest AS kept_rating, first_value(rated_at) OVER newest AS kept_time,
      row_number() OVER newest AS place
    FROM typed
    WINDOW newest AS (
      PARTITION BY user_id, movie_id, CASE WHEN reason IS NOT NULL THEN byte_offset END
      ORDER BY rated_at DESC, byte_offset DESC
    )
  )
  SELECT
    CASE WHEN reason IS NOT NULL THEN 'quarantined' WHEN place = 1 THEN 'clean' ELSE 'superseded' END,
    $source, byte_offset, user_id, movie_id, rating, rated_at,
    CASE
      WHEN reason IS NOT NULL THEN reason
      WHEN place > 1 AND rating = kept_rating AND rated_at = kept_time THEN 'exact_duplicate'
      WHEN place > 1 THEN 'newer_row_exists'
    END,
    raw_line
  FROM placed
) TO '{{output}}' (FORMAT csv, DELIMITER '\t', HEADER false, NULL '\N', QUOTE '', ESCAPE '')
"""
AVERAGE = r"""
COPY (
  SELECT movie_id, ratings, printf('%d.%06d', millionths // 1000000, millionths % 1000000)
  FROM (
    SELECT movie_id, count(*) AS ratings,
      CAST((sum(CAST(rating * 2 AS BIGINT)) * 1000000 + count(*)) // (2 * count(*)) AS BIGINT) AS millionths
    FROM read_csv('{source}', delim = '\t', header = false, quote = '', escape = '', nullstr = '\N', columns = {{
    'outcome': 'VARCHAR', 'source_file': 'VARCHAR', 'byte_offset': 'BIGINT', 'user_id': 'INTEGER',
    'movie_id': 'INTEGER', 'rating': 'DOUBLE', 'rated_at': 'BIGINT', 'reason': 'VARCHAR', 'raw_line': 'VARCHAR'
  }})
    WHERE outcome = 'clean' AND rated_at >= {first} AND rated_at < {end}
    GROUP BY movie_id
  )
) TO '{output}' (FORMAT csv, DELIMITER '\t', HEADER false, QUOTE '', ESCAPE '')
"""


def lines_of(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield a CSV file's lines behind its header, without their newline, with their byte offsets."""
    with path.open("rb") as file:
        offset, rest = len(file.readline()), b""
        while block := file.read(BLOCK_BYTES):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            if not newline:
                continue
            text = whole + b"\n"
            ends = np.flatnonzero(np.frombuffer(text, np.uint8) == 0x0A)
            starts = np.concatenate(([0], ends[:-1] + 1))
            # The newlines stay in the buffer: every second of these slices is a line, the others are one byte long.
            borders = np.empty(2 * len(ends) + 1, np.int32)
            borders[0:-1:2], borders[1::2], borders[-1] = starts, ends, len(text)
            slices = pa.BinaryArray.from_buffers(
                pa.binary(), 2 * len(ends), [None, pa.py_buffer(borders), pa.py_buffer(text)]
            )
            lines = slices.take(pa.array(np.arange(0, 2 * len(ends), 2)))
            yield pa.RecordBatch.from_arrays([pa.array(offset + starts), lines], schema=LINES)
            offset += len(text)
        if rest:
            yield pa.RecordBatch.from_arrays([pa.array([offset]), pa.array([rest], pa.binary())], schema=LINES)


def main() -> None:
    work, source, output = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    connection = duckdb.connect()
    connection.execute(
        f"SET threads = {os.cpu_count()}; SET memory_limit = '3GB'; SET preserve_insertion_order = false"
    )
    connection.execute(f"SET temp_directory = '{output.parent}/duckdb-temporary'")
    if work == "clean":
        lines = pa.RecordBatchReader.from_batches(LINES, lines_of(source))
        connection.register("lines", lines)
        connection.execute(CLEAN.format(output=output), {"source": source.name})
    else:
        year = int(sys.argv[4])
        first, end = (timegm((y, 1, 1, 0, 0, 0)) for y in (year, year + 1))
        connection.execute(AVERAGE.format(source=source, output=output, first=first, end=end))


if __name__ == "__main__":
    main()
