"""The frame of the Spark cleaning programs: lines in, tagged rows out.

The rows are the same as those of ``mr_jobs/cleaning_job.py``, whose docstring describes them. Only their order differs.
"""

from __future__ import annotations

import argparse
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cluster.arguments import whole
from cluster.hadoop_files import HadoopFiles
from cluster.reporting import progress, report
from cluster.session import start_session
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as sf

from cleaning.fields import DELIMITERS, LATEST_TIMESTAMP, LATIN_1, YEAR_1, split_fields

BOM = b"\xef\xbb\xbf"
NULL = r"\N"


@dataclass(frozen=True)
class Row:
    """A parsed line: the table's ``columns``, and the reason to reject it or NULL.

    Of rows that agree in the columns of ``key``, only one is kept. It is the one of highest ``precedence`` (a column's name). At equal
    precedence, or without one, the last row of the source is kept.
    """

    columns: dict[str, Column]
    reason: Column
    key: Sequence[str]
    precedence: str | None = None


@dataclass(frozen=True)
class Table:
    """How a table is cleaned.

    ``shapes`` has the delimiter and the number of fields of each layout. ``parse`` returns the row of an array of fields, which hold
    one character per byte. Its second argument is the program's options.
    """

    shapes: dict[str, tuple[str, int]]
    parse: Callable[[Column, argparse.Namespace], Row]


def arguments(job: str) -> argparse.ArgumentParser:
    """Return the parser of a cleaning program's arguments.

    They have the meaning of the mrjob program's arguments.
    """
    parser = argparse.ArgumentParser(prog=f"{job}.py", description=f"{job} on Spark: tag each row with one outcome.")
    parser.add_argument("input", nargs="+", metavar="URI", help="files to clean")
    parser.add_argument(
        "--output-dir", required=True, metavar="URI", help="folder to write; an existing one is replaced"
    )
    parser.add_argument("--layout", choices=sorted(DELIMITERS), default="csv")
    parser.add_argument("--encoding", choices=["auto", "utf-8", "latin-1"], default="auto")
    parser.add_argument(
        "--latest-timestamp",
        type=whole(YEAR_1, LATEST_TIMESTAMP),
        default=LATEST_TIMESTAMP,
        metavar="EPOCH",
    )
    parser.add_argument("--result", metavar="PATH", help="also write the last line of output, a JSON object, here")
    return parser


def run(job: str, table: Table) -> None:
    """Run a cleaning program; its last line of output names the folder of the rows."""
    options = arguments(job).parse_args()
    spark = start_session(job, hive=False)
    clean(spark, options, table)
    result = {"job": job, "input": options.input, "output_dir": options.output_dir, "layout": options.layout}
    report(result, options.result, spark)
    spark.stop()


def clean(spark: SparkSession, options: argparse.Namespace, table: Table) -> None:
    """Clean ``options.input`` into ``options.output_dir``.

    The folder is replaced when all rows are written.
    """
    lines = [read_lines(spark, path) for path in options.input]
    tagged = tag_rows(union(lines), options, table)
    files, attempt = HadoopFiles(spark), options.output_dir.rstrip("/") + ".partial"
    tagged.write.mode("overwrite").text(attempt)
    files.remove(options.output_dir)
    files.rename(attempt, options.output_dir)
    progress(f"{options.output_dir} is written")


def union(frames: list[DataFrame]) -> DataFrame:
    """Return the rows of all frames, which have the same columns."""
    whole, *others = frames
    for frame in others:
        whole = whole.unionAll(frame)
    return whole


def read_lines(spark: SparkSession, path: str) -> DataFrame:
    """Return ``source_file``, ``byte_offset`` and ``line`` of a file's lines.

    A line is bytes, without the newline. Spark reads lines without their position. So a first pass adds up the lengths of each split's
    lines, from which follows where its first line begins. A second pass counts on from there. Hadoop's reader removes a byte order mark.
    The sum of all lines is then shorter than the file.
    """
    text = spark.read.option("lineSep", "\n").text(path)
    split = sf.col("_metadata.file_block_start").alias("split")
    length = sf.sum(sf.octet_length("value") + 1).alias("length")
    size = sf.max("_metadata.file_size").alias("size")
    splits = text.select(split, "value", "_metadata").groupBy("split").agg(length, size).orderBy("split").collect()
    # A last line without a newline makes the sum one too long. If two bytes or more are missing, there was a mark.
    missing = max((row["size"] for row in splits), default=0) - sum(row["length"] for row in splits)
    mark = BOM if missing >= len(BOM) - 1 else b""
    ends = list(accumulate((row["length"] for row in splits), initial=len(mark)))
    starts = {row["split"]: end for row, end in zip(splits, ends, strict=False)}
    if splits:
        starts[splits[0]["split"]] = 0

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        positions = dict(starts)
        for batch in batches:
            yield from _with_offsets(batch, positions, mark)

    counted = text.select(split, sf.col("value").cast("binary").alias("line")).mapInArrow(
        count, "byte_offset long, line binary"
    )
    return counted.withColumn("source_file", sf.lit(posixpath.basename(path)))


def _with_offsets(batch: pa.RecordBatch, positions: dict[int, int], mark: bytes) -> Iterator[pa.RecordBatch]:
    """Yield the batch's lines with their offsets, one batch per split.

    ``positions`` are moved on.
    """
    splits = batch.column("split").to_numpy()
    borders = [0, *(np.flatnonzero(np.diff(splits)) + 1).tolist(), len(splits)]
    for begin, end in pairwise(borders):
        if begin == end:
            continue
        lines = batch.column("line").slice(begin, end - begin)
        position = positions[int(splits[begin])]
        if position == 0 and mark:
            lines = pa.concat_arrays([pa.array([mark + lines[0].as_py()], lines.type), lines[1:]])
        ends = position + np.cumsum(pc.binary_length(lines).to_numpy().astype(np.int64) + 1)
        positions[int(splits[begin])] = int(ends[-1])
        offsets = np.concatenate(([position], ends[:-1]))
        yield pa.RecordBatch.from_arrays([pa.array(offsets), lines], names=["byte_offset", "line"])


def tag_rows(lines: DataFrame, options: argparse.Namespace, table: Table) -> DataFrame:
    """Return the output rows, tab-separated, as the one column ``value``."""
    if options.layout == "csv":
        lines = lines.where("byte_offset > 0")
    text = sf.decode("line", LATIN_1)
    unmarked = sf.when(sf.col("byte_offset") == 0, sf.regexp_replace(text, "^" + BOM.decode(LATIN_1), "")).otherwise(
        text
    )
    fields, shape = split_fields(sf.rtrim(unmarked, sf.lit("\r")), *table.shapes[options.layout])
    # In two steps, so that Spark splits a line once, not once per field.
    split = lines.withColumns({"fields": fields, "shape": shape})
    row = table.parse(sf.col("fields"), options)
    reason = sf.coalesce("shape", row.reason)
    parsed = split.select(
        "source_file",
        "byte_offset",
        *(column.alias(name) for name, column in row.columns.items()),
        reason.alias("reason"),
        sf.when(reason.isNotNull(), _base64("line")).alias("raw_line"),
    )
    # A rejected row has no key. Its position separates it from all others.
    alone = sf.when(sf.col("reason").isNotNull(), sf.col("byte_offset"))
    order = [*([row.precedence] if row.precedence else []), "source_file", "byte_offset"]
    newest_first = Window.partitionBy(*row.key, alone).orderBy(*(sf.desc(name) for name in order))
    kept = sf.first(sf.struct(*row.columns)).over(newest_first)
    placed = parsed.withColumns({"place": sf.row_number().over(newest_first), "kept": kept})
    rejected = sf.col("reason").isNotNull()
    outcome = sf.when(rejected, "quarantined").when(sf.col("place") == 1, "clean").otherwise("superseded")
    why = (
        sf.when(rejected, sf.col("reason"))
        .when(sf.col("place") == 1, NULL)
        .when(sf.struct(*row.columns).eqNullSafe(sf.col("kept")), "exact_duplicate")
        .otherwise("newer_row_exists")
    )
    values = [sf.when(~rejected, sf.col(name).cast("string")) for name in row.columns]
    written: list[Column | str] = [outcome, "source_file", "byte_offset", *values, why, "raw_line"]
    return placed.select(
        sf.concat_ws("\t", *(sf.coalesce(_text(value), sf.lit(NULL)) for value in written)).alias("value")
    )


def _text(value: Column | str) -> Column:
    return (sf.col(value) if isinstance(value, str) else value).cast("string")


def _base64(name: str) -> Column:
    # Spark breaks long texts into lines of 76 characters.
    return sf.translate(sf.base64(name), "\r\n", "")
