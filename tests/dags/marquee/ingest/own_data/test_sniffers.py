"""Test by generated tables that dialects, encodings, times and the two ways to read agree with what was written."""

import csv
import io
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from marquee.ingest.reading.columns.ids import read_id
from marquee.ingest.reading.columns.times import UNITS, read_time, unit_of_times
from marquee.ingest.reading.shapes.delimited import Delimited
from marquee.ingest.reading.shapes.raw import Block
from marquee.ingest.reading.text.dialects import Dialect, find_dialect, split_line
from marquee.ingest.reading.text.encodings import find_encoding

TITLES = st.text(st.characters(categories=["L", "N"], include_characters=" '.-!"), min_size=1, max_size=12)
QUOTED = st.text(st.characters(categories=["L", "N"], include_characters=' ,;|"'), min_size=1, max_size=12)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 10**6), QUOTED, st.integers(1, 5)), min_size=5, max_size=30),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_the_delimiter_of_a_quoted_table_is_found_and_reads_what_was_written(
    rows: list[tuple[int, str, int]], delimiter: str
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerows(rows)
    lines = text.getvalue().split("\n")[:-1]
    found = find_dialect(lines)
    assert (found.dialect, found.fields, found.sure) == (Dialect(delimiter, '"'), 3, True)
    assert [split_line(line, found.dialect) for line in lines] == [[str(a), b, str(c)] for a, b, c in rows]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 10**6), TITLES, st.integers(1, 5)), min_size=5, max_size=30),
    st.sampled_from([",", ";", "\t", "|", "::"]),
)
def test_the_delimiter_of_a_plain_table_is_found(rows: list[tuple[int, str, int]], delimiter: str) -> None:
    found = find_dialect([delimiter.join(map(str, row)) for row in rows])
    assert (found.dialect.delimiter, found.fields) == (delimiter, 3)


@settings(deadline=None)
# UTF-16's mark and a null character are UTF-32's mark.
@given(
    st.text(min_size=1).filter(lambda text: text[0] != "\0"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_unicode_of_every_width_is_found_for_sure(text: str, encoding: str) -> None:
    written = text.encode(encoding, "replace")
    found = find_encoding(written)
    assert written.decode(found.name, "replace").removeprefix("\ufeff") == written.decode(encoding).removeprefix(
        "\ufeff"
    )


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_get_an_encoding_that_python_has(sample: bytes) -> None:
    sample.decode(find_encoding(sample).name, "replace")


@settings(deadline=None)
@given(st.lists(st.integers(631_152_000, 4_000_000_000), min_size=1, max_size=20), st.sampled_from(sorted(UNITS)))
def test_the_unit_of_times_is_found_by_their_size(seconds: list[int], unit: str) -> None:
    texts = [str(time * UNITS[unit] + 7 % UNITS[unit]) for time in seconds]
    assert unit_of_times(texts) == (unit, True)
    assert [read_time(text, unit) for text in texts] == [(time, "") for time in seconds]


@given(st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1)), st.sampled_from(["T", " "]))
def test_iso_times_are_read_as_utc(time: datetime, separator: str) -> None:
    assert read_time(time.isoformat(separator), "iso") == (int(time.replace(tzinfo=UTC).timestamp() // 1), "")


@given(st.integers(0, 2**63 - 1))
def test_an_integer_id_is_the_same_with_a_fraction_of_zeros(number: int) -> None:
    assert read_id(f"{number}.0", "user", integer=True) == (str(number), "")
    assert read_id(f"+{number}", "user", integer=True) == (str(number), "")


@given(st.integers(2**63, 2**80))
def test_an_integer_beyond_63_bits_is_out_of_range(number: int) -> None:
    assert read_id(str(number), "item", integer=True) == (None, "item_out_of_range")


FIELDS = st.text(st.sampled_from("ab1 .\r\0"), max_size=4)
LINES = st.lists(st.lists(FIELDS, min_size=1, max_size=4), min_size=1, max_size=12)


@settings(deadline=None)
@given(LINES, st.sampled_from([",", "::"]))
def test_the_fast_way_reads_what_the_slow_way_reads(rows: list[list[str]], delimiter: str) -> None:
    block = "".join(delimiter.join(row) + "\n" for row in rows).encode()
    places = {"user": 0, "item": 2}
    slow = Delimited(Dialect(delimiter), 3, places, header=False)._row_by_row(block)
    fast = Delimited(Dialect(delimiter), 3, places, header=False)._quickly(block)
    if fast is not None:
        assert _facts(fast) == _facts(slow)


def _facts(block: Block) -> tuple[object, ...]:
    return (
        {role: column.to_pylist() for role, column in block.columns.items()},
        block.numbers.tolist(),
        [(row.number, row.reason, row.text) for row in block.rejected],
        [block.text_of(number).rstrip("\r") for number in block.numbers.tolist()],
    )
