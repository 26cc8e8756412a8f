"""The frame of every cleaning job: read lines with their byte offset, tag each row with one outcome, lose none.

The mapper parses a line into a key, a precedence and the rest of its columns, or rejects it. The reducer sees all rows
of one key: the row of highest precedence is ``clean``, the others are ``superseded``. Rejected rows travel under a key
of their own and come out ``quarantined``. Output rows are tab-separated, with Hive's NULL (backslash, N):

    outcome, source_file, byte_offset, <columns of the table>, reason, raw_line

``byte_offset`` counts from the start of the source file to the row's first byte; ``raw_line`` is the base64 of the
row's bytes without its newline, for quarantined rows only: ``file[byte_offset:]`` begins with those bytes.

The loops read and write bytes and skip mrjob's protocol calls, which cost more than the work on a row.
"""

from __future__ import annotations

import json
import math
import os
import posixpath
import re
import sys
from base64 import b64encode
from collections.abc import Iterator
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any, ClassVar

from field_rules import DELIMITERS, LATEST_TIMESTAMP, RejectedRowError
from mrjob.job import MRJob
from mrjob.protocol import BytesProtocol, BytesValueProtocol

# Hadoop streaming passes its job settings to the tasks under these names; mrjob's local runners imitate the first two.
INPUT_FILE_VARIABLE = "mapreduce_map_input_file"
INPUT_START_VARIABLE = "mapreduce_map_input_start"
INPUT_LENGTH_VARIABLE = "mapreduce_map_input_length"
OFFSETS_AS_KEYS_VARIABLE = "stream_map_input_ignoreKey"

NULL = b"\\N"
BOM = b"\xef\xbb\xbf"
INPUT_BYTES_PER_REDUCER = 256 << 20
REJECTED_KEY = b"!"
# Between the fields of a key; no field has it, because text with control characters is rejected.
KEY_SEPARATOR = b"\x1f"
OUTPUT_ENTRY = re.compile(r"part-\d+|_SUCCESS|_temporary(/.*)?")


class CleaningJob(MRJob):  # type: ignore[misc]  # mrjob is untyped
    """A map and reduce step that tags rows; a subclass says what a row is in ``parse``."""

    INPUT_PROTOCOL = BytesValueProtocol
    INTERNAL_PROTOCOL = BytesProtocol
    OUTPUT_PROTOCOL = BytesValueProtocol
    FILES: ClassVar[list[str]] = ["cleaning_job.py", "field_rules.py"]
    columns: ClassVar[int]
    _reducers = 1

    def configure_args(self) -> None:
        """Add the arguments that every cleaning job takes."""
        super().configure_args()
        self.add_passthru_arg(
            "--layout", choices=sorted(DELIMITERS), default="csv", help="how the source writes its rows (default: csv)"
        )
        self.add_passthru_arg(
            "--encoding",
            choices=["auto", "utf-8", "latin-1"],
            default="auto",
            help="encoding of text fields; auto: UTF-8 for csv, latin-1 for tab, either for double_colon",
        )
        self.add_passthru_arg(
            "--latest-timestamp",
            type=int,
            default=LATEST_TIMESTAMP,
            metavar="EPOCH",
            help="Unix seconds; rows that are later are quarantined as being in the future",
        )

    def load_args(self, args: list[str]) -> None:
        """On Hadoop, default to the mrjob.conf beside this file and to this interpreter for the tasks."""
        super().load_args(args)
        if self.options.runner != "hadoop":
            return
        if self.options.conf_paths is None:
            self.options.conf_paths = [str(Path(__file__).resolve().with_name("mrjob.conf"))]
        if self.options.task_python_bin is None:
            # The environment has the same path on every node; a bare python3 would be another one.
            self.options.task_python_bin = [sys.executable]

    def jobconf(self) -> dict[str, Any]:
        """Ask Hadoop for byte offsets, for lines that end at a newline and nowhere else, and for enough reducers."""
        settings: dict[str, Any] = dict(super().jobconf())
        if self.options.runner == "hadoop":
            settings["mapreduce.job.reduces"] = str(self._reducers)
            settings["stream.map.input.ignoreKey"] = "false"
            # By default a bare carriage return ends a line too, and the count of rows would differ from the manifest's.
            settings["textinputformat.record.delimiter"] = "\n"
        return settings

    def parse(self, line: bytes) -> tuple[bytes, int, bytes]:
        """Return key, precedence and what else ``join_columns`` needs of a line without its end, or raise.

        The key's fields are joined by KEY_SEPARATOR. Nothing is sent twice: what is shuffled is what a run waits for.
        Raises RejectedRowError.
        """
        raise NotImplementedError

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
        """Read standard input to its end and write ``key TAB precedence TAB file TAB offset TAB rest`` lines."""
        write = self.stdout.write
        source_file = posixpath.basename(os.environ.get(INPUT_FILE_VARIABLE, "-")).encode("utf-8")
        has_header = self.options.layout == "csv"
        for offset, line in self._lines_with_offset():
            if offset == 0 and has_header:
                continue
            row = line.removeprefix(BOM) if offset == 0 else line
            try:
                key, precedence, rest = self.parse(row.rstrip(b"\r"))
            except RejectedRowError as rejected:
                write(
                    b"%b%b,%d\t%b\t%b\t%d\t%b\n"
                    % (
                        REJECTED_KEY,
                        source_file,
                        offset,
                        rejected.reason.encode(),
                        source_file,
                        offset,
                        b64encode(line),
                    )
                )
            else:
                write(b"%b\t%d\t%b\t%d\t%b\n" % (key, precedence, source_file, offset, rest))

    def _lines_with_offset(self) -> Iterator[tuple[int, bytes]]:
        """Yield each line, without its newline, and its byte offset in the source file."""
        if os.environ.get(OFFSETS_AS_KEYS_VARIABLE) == "false":  # Hadoop sends the offset as the key
            records = map(_offset_and_line, self.stdin)
            first = list(islice(records, 2))
            if first and first[0][0] == 0:
                first[0] = (0, _with_the_mark_that_hadoop_drops(*first))
            yield from chain(first, records)
            return
        offset = int(os.environ.get(INPUT_START_VARIABLE, "0"))
        for line in self.stdin:
            yield offset, line.removesuffix(b"\n")
            offset += len(line)

    def run_reducer(self, step_num: int = 0) -> None:
        """Read sorted mapper lines from standard input and write one tagged row for each of them."""
        write = self.stdout.write
        nulls = b"\t".join([NULL] * self.columns)
        for key, records in groupby((line.rstrip(b"\n").split(b"\t", 1) for line in self.stdin), lambda pair: pair[0]):
            rows = [value.split(b"\t", 3) for _, value in records]
            if key.startswith(REJECTED_KEY):
                for reason, source_file, offset, raw in rows:
                    write(b"quarantined\t%b\t%b\t%b\t%b\t%b\n" % (source_file, offset, nulls, reason, raw))
                continue
            if len(rows) > 1:
                rows.sort(key=lambda row: (int(row[0]), row[1], int(row[2])))
            precedence, source_file, offset, rest = rows[-1]
            kept = self.join_columns(key, precedence, rest)
            write(b"clean\t%b\t%b\t%b\t%b\t%b\n" % (source_file, offset, kept, NULL, NULL))
            for precedence, source_file, offset, rest in rows[:-1]:
                columns = self.join_columns(key, precedence, rest)
                reason = b"exact_duplicate" if columns == kept else b"newer_row_exists"
                write(b"superseded\t%b\t%b\t%b\t%b\t%b\n" % (source_file, offset, columns, reason, NULL))

    def run_job(self) -> None:
        """Run, replacing what an earlier attempt left in --output-dir, and say on the last line where the rows are."""
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
        """Return a number that depends on the input alone, so that a rerun writes the same files."""
        with self.make_runner() as runner:
            size: int = sum(runner.fs.du(path) for path in self.options.args)
        return max(1, math.ceil(size / INPUT_BYTES_PER_REDUCER))

    def _remove_earlier_output(self, output_dir: str) -> None:
        with self.make_runner() as runner:
            names = [path.rstrip("/")[len(output_dir.rstrip("/")) + 1 :] for path in runner.fs.ls(output_dir)]
            foreign = sorted(name for name in names if name and OUTPUT_ENTRY.fullmatch(name) is None)
            if foreign:
                sys.exit(f"{output_dir} holds {foreign[0]!r}, which no job wrote; give another --output-dir.")
            if names:
                runner.fs.rm(output_dir)


def _offset_and_line(record: bytes) -> tuple[int, bytes]:
    offset, _, line = record.partition(b"\t")
    return int(offset), line.removesuffix(b"\n")


def _with_the_mark_that_hadoop_drops(first: tuple[int, bytes], following: tuple[int, bytes] | None = None) -> bytes:
    """Return a file's first line with its byte order mark, which Hadoop's reader takes away but counts."""
    end = following[0] if following else int(os.environ.get(INPUT_LENGTH_VARIABLE, "0"))
    return BOM + first[1] if end - len(first[1]) >= len(BOM) else first[1]
