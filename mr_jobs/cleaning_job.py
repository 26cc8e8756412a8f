"""Read lines with their byte offset and tag each row with one outcome.

Every cleaning job is built on this, and none loses a row. The mapper parses a line into a key, a precedence and the
rest of its columns, or rejects it. The reducer sees all rows of one key: the row of highest precedence is ``clean``,
the others are ``superseded``. Rejected rows have a key of their own and become ``quarantined``. Output rows are
tab-separated, with Hive's NULL (backslash, N):

    outcome, source_file, byte_offset, <columns of the table>, reason, raw_line

``byte_offset`` counts from the start of the source file to the row's first byte. ``raw_line`` is the base64 of the
row's bytes without its newline, for quarantined rows only. ``file[byte_offset:]`` begins with those bytes.

The loops read and write bytes and skip mrjob's protocol calls, which cost more than the work on a row.
"""

from __future__ import annotations

import json
import math
import os
import posixpath
import re
import sys
from argparse import ArgumentTypeError
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedWriter, RawIOBase
from itertools import chain, dropwhile, groupby, islice
from operator import itemgetter, methodcaller
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

from field_rules import DELIMITERS, INPUT_FILE_VARIABLE, LATEST_TIMESTAMP, RejectedRowError
from mrjob.job import MRJob
from mrjob.protocol import BytesProtocol, BytesValueProtocol

# Hadoop streaming passes its job settings to the tasks under these names; mrjob's local runners imitate the first two.
INPUT_START_VARIABLE = "mapreduce_map_input_start"
INPUT_LENGTH_VARIABLE = "mapreduce_map_input_length"
OFFSETS_AS_KEYS_VARIABLE = "stream_map_input_ignoreKey"

NULL = b"\\N"
BOM = b"\xef\xbb\xbf"
FIRST = b"0\t"  # how the record of a file's first line begins
INPUT_BYTES_PER_REDUCER = 256 << 20
BLOCK_BYTES = 128 << 10
REJECTED_KEY = b"!"
# It separates the fields of a key. No field contains it, because the jobs reject text with control characters.
KEY_SEPARATOR = b"\x1f"
OUTPUT_ENTRY = re.compile(r"part-\d+|_SUCCESS|_temporary(/.*)?")

YEAR_1 = -62_135_596_800

Write = Callable[[bytes], int]


def unix_seconds(text: str) -> int:
    """Return a time between the years 1 and 9999; argparse refuses any other text."""
    if re.fullmatch(r"-?[0-9]{1,12}", text) is None or not YEAR_1 <= int(text) <= LATEST_TIMESTAMP:
        raise ArgumentTypeError(f"{text[:40]!r} is no whole number from {YEAR_1} to {LATEST_TIMESTAMP}.")
    return int(text)


class CleaningJob(MRJob):  # type: ignore[misc]  # mrjob is untyped
    """Tag rows in a map and reduce step; a subclass defines a row in ``parse``."""

    INPUT_PROTOCOL = BytesValueProtocol
    INTERNAL_PROTOCOL = BytesProtocol
    OUTPUT_PROTOCOL = BytesValueProtocol
    FILES: ClassVar[list[str]] = ["cleaning_job.py", "field_rules.py", "own_data_rules.py"]
    columns: ClassVar[int]
    settles_from = 0  # how many rows of a key `settle` is asked about at least; 0: never
    reason_superseded = b"newer_row_exists"
    layouts: ClassVar[tuple[str, ...]] = tuple(sorted(DELIMITERS))
    _reducers = 1

    def configure_args(self) -> None:
        """Add the arguments that every cleaning job takes."""
        super().configure_args()
        self.add_passthru_arg(
            "--layout",
            choices=self.layouts,
            default=self.layouts[0],
            help="how the source writes its rows (default: %(default)s)",
        )
        self.add_passthru_arg(
            "--encoding",
            choices=["auto", "utf-8", "latin-1"],
            default="auto",
            help="encoding of text fields; auto: UTF-8 for csv, latin-1 for tab, either for double_colon",
        )
        self.add_passthru_arg(
            "--latest-timestamp",
            type=unix_seconds,
            default=LATEST_TIMESTAMP,
            metavar="EPOCH",
            help="Unix seconds; later rows are quarantined because they are in the future",
        )

    def load_args(self, args: list[str]) -> None:
        """Keep the options that each row needs, and set the defaults on Hadoop.

        The defaults are the mrjob.conf in this folder, and this interpreter for the tasks.
        """
        super().load_args(args)
        self.delimiter = DELIMITERS.get(self.options.layout, b"")
        self.latest_timestamp: int = self.options.latest_timestamp
        if self.options.runner != "hadoop":
            return
        if self.options.conf_paths is None:
            self.options.conf_paths = [str(Path(__file__).resolve().with_name("mrjob.conf"))]
        if self.options.task_python_bin is None:
            # The environment has the same path on every node. A bare python3 would be another interpreter.
            self.options.task_python_bin = [sys.executable]

    def jobconf(self) -> dict[str, Any]:
        """Return settings for byte offsets, lines that end at a newline, enough reducers."""
        settings: dict[str, Any] = dict(super().jobconf())
        if self.options.runner == "hadoop":
            settings["mapreduce.job.reduces"] = str(self._reducers)
            settings["stream.map.input.ignoreKey"] = "false"
            # By default a bare carriage return ends a line too, and the count of rows would differ from the manifest's.
            settings["textinputformat.record.delimiter"] = "\n"
        return settings

    def parse(self, line: bytes) -> tuple[bytes, bytes, bytes]:
        """Return key, precedence and the rest of a line without its end.

        KEY_SEPARATOR joins the key's fields. The precedence is an integer's text. The rest is what ``join_columns``
        needs in addition: it repeats nothing, because a run waits for the shuffle. Raise RejectedRowError.
        """
        raise NotImplementedError

    def settle(self, rows: list[list[bytes]]) -> list[list[bytes]]:
        """Return a key's rows, oldest first, with the row to keep at the end.

        A row is key, precedence, file, offset and rest. See ``settles_from``.
        """
        return rows

    @staticmethod
    def join_columns(key: bytes, precedence: bytes, rest: bytes) -> bytes:
        """Return the row's columns, tab-joined, in the order of the table."""
        raise NotImplementedError

    def mapper(self, _: object, line: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Name the step for mrjob; ``run_mapper`` does the work."""
        raise NotImplementedError

    def reducer(self, key: bytes, values: Iterator[bytes]) -> Iterator[tuple[None, bytes]]:
        """Name the step for mrjob; ``run_reducer`` does the work."""
        raise NotImplementedError

    def run_mapper(self, step_num: int = 0) -> None:
        """Read standard input to its end and write tagged lines.

        A line has the form ``key TAB precedence TAB file TAB offset TAB rest``.
        """
        with _in_blocks(self.stdout) as write:
            self._tag_lines(write)

    def _tag_lines(self, write: Write) -> None:
        parse = self.parse
        source_file = posixpath.basename(os.environ.get(INPUT_FILE_VARIABLE, "-")).encode("utf-8")
        mark, records = self._records()
        if self.options.layout == "csv":
            records = dropwhile(_is_first, records)  # the header
        for record in records:
            offset, _, line = record.partition(b"\t")
            try:
                key, precedence, rest = parse(line.rstrip(b"\r\n"))
            except RejectedRowError as rejected:
                raw = b64encode((mark if _is_first(record) else b"") + line.removesuffix(b"\n"))
                key = b"%b%b,%b" % (REJECTED_KEY, source_file, offset)
                write(b"%b\t%b\t%b\t%b\t%b\n" % (key, rejected.reason.encode(), source_file, offset, raw))
            else:
                write(b"%b\t%b\t%b\t%b\t%b\n" % (key, precedence, source_file, offset, rest))

    def _records(self) -> tuple[bytes, Iterator[bytes]]:
        """Return the file's byte order mark and ``offset TAB line`` records without it.

        The mark is empty if the file has none or does not begin here.
        """
        lines = iter(self.stdin)
        if os.environ.get(OFFSETS_AS_KEYS_VARIABLE) != "false":
            start = int(os.environ.get(INPUT_START_VARIABLE, "0"))
            first = next(lines, b"")
            mark = BOM if start == 0 and first.startswith(BOM) else b""
            return mark, _with_offsets(chain([first] if first else [], lines), start, mark)
        # Hadoop sends records in this form. Its reader drops a mark but counts it. The next line, or else the file's
        # end, is then three bytes further away than the length of the first line, or four with the newline.
        head = list(islice(lines, 2))
        mark = b""
        if head and _is_first(head[0]):
            following = head[1].partition(b"\t")[0] if head[1:] else os.environ.get(INPUT_LENGTH_VARIABLE, "0")
            line = head[0].removeprefix(FIRST).removesuffix(b"\n")
            mark = BOM if int(following) - len(line) >= len(BOM) else b""
        return mark, chain(head, lines)

    def run_reducer(self, step_num: int = 0) -> None:
        """Read sorted mapper lines from standard input; write one tagged row for each."""
        with _in_blocks(self.stdout) as write:
            self._choose_rows(write)

    def _choose_rows(self, write: Write) -> None:
        join_columns, settles_from = self.join_columns, self.settles_from
        nulls = b"\t".join([NULL] * self.columns)
        # itertools' loops run in C: nearly all of 25 million keys have one row.
        for key, group in groupby(map(methodcaller("split", b"\t", 4), self.stdin), itemgetter(0)):
            rows = list(group)
            if key.startswith(REJECTED_KEY):
                for _, reason, source_file, offset, raw in rows:
                    write(b"quarantined\t%b\t%b\t%b\t%b\t%b" % (source_file, offset, nulls, reason, raw))
                continue
            if len(rows) > 1:
                rows.sort(key=lambda row: (int(row[1]), row[2], int(row[3])))
            if settles_from and len(rows) >= settles_from:
                rows = self.settle(rows)
            _, precedence, source_file, offset, rest = rows[-1]
            kept = join_columns(key, precedence, rest.rstrip(b"\n"))
            write(b"clean\t%b\t%b\t%b\t\\N\t\\N\n" % (source_file, offset, kept))
            for _, precedence, source_file, offset, rest in rows[:-1]:
                columns = join_columns(key, precedence, rest.rstrip(b"\n"))
                reason = b"exact_duplicate" if columns == kept else self.reason_superseded
                write(b"superseded\t%b\t%b\t%b\t%b\t%b\n" % (source_file, offset, columns, reason, NULL))

    def make_runner(self) -> Any:
        """Return mrjob's runner; on Hadoop it asks WebHDFS what HDFS holds.

        Without the variable of its address, mrjob's own way stays.
        """
        runner = super().make_runner()
        # Only where a job is submitted: the tasks have neither the module nor a need of it.
        if self.options.runner == "hadoop" and (address := os.environ.get("MARQUEE_WEBHDFS_URL")):
            from hdfs_by_web import WebHdfs

            runner.fs.hadoop = WebHdfs(address, runner.fs.hadoop.get_hadoop_bin())
        return runner

    def run_job(self) -> None:
        """Run the job and print its result as one JSON object on the last line.

        It replaces an earlier attempt's output in --output-dir.
        """
        if self.options.runner == "hadoop":
            self._reducers = self._reducers_for_input()
        if self.options.output_dir:
            self._remove_earlier_output(self.options.output_dir)
        super().run_job()
        if self.options.output_dir:
            result = {
                "job": Path(self.mr_job_script() or type(self).__name__).stem,
                "input": list(self.options.args),
                "output_dir": self.options.output_dir,
                "layout": self.options.layout,
            }
            print(json.dumps(result, sort_keys=True))

    def _reducers_for_input(self) -> int:
        """Return a number that only depends on the input: a rerun writes the same files."""
        with self.make_runner() as runner:
            size: int = sum(runner.fs.du(path) for path in self.options.args)
        return max(1, math.ceil(size / INPUT_BYTES_PER_REDUCER))

    def _remove_earlier_output(self, output_dir: str) -> None:
        with self.make_runner() as runner:
            names = [path.rstrip("/")[len(output_dir.rstrip("/")) + 1 :] for path in runner.fs.ls(output_dir)]
            foreign = sorted(name for name in names if name and OUTPUT_ENTRY.fullmatch(name) is None)
            if foreign:
                sys.exit(f"{output_dir} holds {foreign[0]!r}, which no job wrote. Give another --output-dir.")
            if names:
                runner.fs.rm(output_dir)


@contextmanager
def _in_blocks(stream: BinaryIO) -> Iterator[Write]:
    """Yield a function that writes to the stream in large blocks.

    The stream's own blocks are 8 KiB. With PYTHONUNBUFFERED set, as in many images, each row would be a system call.
    """
    buffer = BufferedWriter(cast(RawIOBase, stream), BLOCK_BYTES)
    try:
        yield buffer.write
    finally:
        buffer.flush()
        buffer.detach()


def _is_first(record: bytes) -> bool:
    return record.startswith(FIRST)


def _with_offsets(lines: Iterable[bytes], start: int, mark: bytes) -> Iterator[bytes]:
    """Yield lines as Hadoop does, with the offset in front and without the mark."""
    offset = start
    for line in lines:
        yield b"%d\t%b" % (offset, line.removeprefix(mark) if offset == 0 else line)
        offset += len(line)
