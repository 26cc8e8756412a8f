"""Whatever the bytes: rows in = clean + quarantined + superseded, and each rejected row can be had back."""

from __future__ import annotations

import base64
import io
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mr_clean_links import MRCleanLinks
from mr_clean_movies import MRCleanMovies
from mr_clean_ratings import MRCleanRatings
from mr_clean_tags import MRCleanTags
from mr_clean_users import MRCleanUsers

JOBS = {
    (MRCleanRatings, "csv"): [b"1,2,3.5,1260759144", b"1,2,4.0,1260759145", b"01,2,4,1260759145"],
    (MRCleanRatings, "tab"): [b"1\t2\t3\t1260759144", b"1\t2\t4\t1260759145"],
    (MRCleanMovies, "csv"): [b"1,A (1995),Drama", b'1,"A, The (1995)",Drama', b"2,B,(no genres listed)"],
    (MRCleanMovies, "double_colon"): [b"1::Caf\xe9 (1995)::Drama", b"1::A::"],
    (MRCleanMovies, "tab"): [b"1|A (1995)|||" + b"|0" * 18 + b"|1", b"1|A||||" + b"|0" * 18],
    (MRCleanTags, "csv"): [b"1,2,a,1260759144", b'1,2,"a",1260759145', b"1,2,b,1260759145"],
    (MRCleanLinks, "csv"): [b"1,0114709,862", b"1,114709,862", b"2,,"],
    (MRCleanUsers, "double_colon"): [b"1::F::1::10::48067", b"1::M::::::"],
    (MRCleanUsers, "tab"): [b"1|24|M|technician|85711", b"1|24|F||"],
}
BOM = b"\xef\xbb\xbf"


def row_starts(content: bytes, layout: str) -> list[int]:
    """Where the rows of a file begin; the header of a CSV file is none."""
    starts = [0] + [at + 1 for at, byte in enumerate(content) if byte == 0x0A]
    if starts[-1] == len(content):
        starts.pop()
    return starts[1:] if layout == "csv" else starts


def as_hadoop_sends_it(content: bytes) -> bytes:
    """Lines with their offset as Hadoop's reader gives them: without the file's byte order mark."""
    offset, records = 0, []
    for line in io.BytesIO(content):
        shown = line.removeprefix(BOM) if offset == 0 else line
        records.append(b"%d\t%b\n" % (offset, shown.removesuffix(b"\n")))
        offset += len(line)
    return b"".join(records)


def map_and_reduce(job_class, layout: str, stream: bytes, variables: dict[str, str]) -> list[list[bytes]]:
    """What the job's two halves write, with a sort between them as Hadoop sorts."""
    with mock.patch.dict("os.environ", {"mapreduce_map_input_file": "hdfs://localhost/raw/file", **variables}):
        mapper = job_class(["--mapper", "--step-num=0", "--layout", layout])
        mapper.sandbox(stdin=io.BytesIO(stream))
        mapper.run_mapper()
    reducer = job_class(["--reducer", "--step-num=0", "--layout", layout])
    shuffled = sorted(mapper.stdout.getvalue().splitlines(keepends=True), key=lambda line: line.split(b"\t")[0])
    reducer.sandbox(stdin=io.BytesIO(b"".join(shuffled)))
    reducer.run_reducer()
    return [row.split(b"\t") for row in reducer.stdout.getvalue().split(b"\n")[:-1]]


@pytest.mark.parametrize("on_hadoop", [False, True], ids=["local", "hadoop"])
@pytest.mark.parametrize(("job_class", "layout"), JOBS, ids=lambda value: getattr(value, "__name__", value))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
@example(data=None).via("a rejected first row behind a byte order mark, alone and with another behind it")
def test_every_row_comes_out_once_and_rejected_bytes_can_be_had_back(job_class, layout, on_hadoop, data):
    contents = [BOM + b"bad\r", BOM + b"bad\r\nworse"]
    if data is not None:
        line = st.one_of(st.binary(max_size=20), st.sampled_from(JOBS[job_class, layout]))
        end = st.sampled_from([b"\n", b"\r\n"])
        lines = data.draw(st.lists(st.tuples(line, end), max_size=12))
        content = data.draw(st.sampled_from([b"", BOM])) + b"".join(part for pair in lines for part in pair)
        contents = [content, content.removesuffix(b"\n")]
    for content in contents:
        variables = {"mapreduce_map_input_length": str(len(content)), "stream_map_input_ignoreKey": "false"}
        stream = as_hadoop_sends_it(content) if on_hadoop else content
        rows = map_and_reduce(job_class, layout, stream, variables if on_hadoop else {})
        assert sorted(int(row[2]) for row in rows) == row_starts(content, layout)
        assert {row[0] for row in rows} <= {b"clean", b"quarantined", b"superseded"}
        assert {len(row) for row in rows} <= {5 + job_class.columns}
        for row in rows:
            if row[0] == b"quarantined":
                raw, start = base64.b64decode(row[-1]), int(row[2])
                assert content[start : start + len(raw) + 1] in (raw + b"\n", raw)
            else:
                assert row[-1] == b"\\N"
