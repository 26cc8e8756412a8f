"""The ratings job: outcomes, positions, and the mapper as Hadoop calls it."""

from __future__ import annotations

import io

import pytest
from field_rules import RejectedRowError
from hypothesis import example, given
from hypothesis import strategies as st
from mr_clean_ratings import MRCleanRatings

HEADER = b"userId,movieId,rating,timestamp"
NULLS = ("\\N",) * 4


def test_a_good_row_comes_out_clean_with_its_byte_offset(clean):
    assert clean(MRCleanRatings, HEADER + b"\n1,31,2.5,1260759144\n") == [
        ("clean", "ratings.csv", "32", "1", "31", "2.5", "1260759144", "\\N", "\\N")
    ]


def test_carriage_returns_byte_order_mark_and_a_missing_last_newline_are_accepted(clean):
    rows = clean(MRCleanRatings, b"\xef\xbb\xbf" + HEADER + b"\r\n1,31,4,1260759144\r\n2,31,3.0,1260759145")
    assert [row[:6] for row in rows] == [
        ("clean", "ratings.csv", "36", "1", "31", "4.0"),
        ("clean", "ratings.csv", "55", "2", "31", "3.0"),
    ]


def test_the_latest_rating_of_a_user_and_movie_wins_and_the_others_are_superseded(clean):
    rows = clean(
        MRCleanRatings,
        HEADER + b"\n1,31,2.5,1260759144\n1,31,4.0,1260759999\n1,31,3.0,1260759500\n1,32,1.0,1260759500\n",
    )
    assert [(row[0], row[5], row[7]) for row in rows] == [
        ("superseded", "2.5", "newer_row_exists"),
        ("clean", "4.0", "\\N"),
        ("superseded", "3.0", "newer_row_exists"),
        ("clean", "1.0", "\\N"),
    ]


def test_of_exact_duplicates_one_stays(clean):
    rows = clean(MRCleanRatings, HEADER + b"\n1,31,2.5,1260759144\n1,31,2.5,1260759144\n")
    assert [(row[0], row[7]) for row in rows] == [("superseded", "exact_duplicate"), ("clean", "\\N")]


def test_leading_zeros_do_not_hide_a_duplicate(clean):
    rows = clean(MRCleanRatings, HEADER + b"\n1,31,2.5,1260759144\n01,031,2.50,1260759144\n")
    assert [(row[0], row[3], row[4]) for row in rows] == [("superseded", "1", "31"), ("clean", "1", "31")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "empty_line"),
        (b"1,31,2.5", "missing_fields"),
        (b"1,31,2.5,1260759144,x", "extra_fields"),
        (b"x,31,2.5,1260759144", "user_id_not_integer"),
        (b"-1,31,2.5,1260759144", "user_id_out_of_range"),
        (b"1,99999999999,2.5,1260759144", "movie_id_out_of_range"),
        (b"1,31,NaN,1260759144", "rating_not_number"),
        (b"1,31,5.5,1260759144", "rating_out_of_range"),
        (b"1,31,2.7,1260759144", "rating_off_half_star_grid"),
        (b"1,31,2.5,1", "timestamp_before_1995"),
        (b"1,31,2.5,1600000001", "timestamp_in_future"),
        (b"\xff\xfe,31,2.5,1260759144", "user_id_not_integer"),
        (b'"1,31,2.5,1260759144', "bad_quoting"),
    ],
)
def test_a_bad_row_is_quarantined_with_reason_position_and_bytes(clean, raw, line, reason):
    rows = clean(MRCleanRatings, HEADER + b"\n" + line + b"\n", "--latest-timestamp", "1600000000")
    assert rows == [("quarantined", "ratings.csv", "32", *NULLS, reason, raw(line))]


@pytest.mark.parametrize(
    ("layout", "line"), [("double_colon", b"1::31::2.5::1260759144"), ("tab", b"1\t31\t2.5\t1260759144")]
)
def test_layouts_without_a_header_keep_their_first_row(clean, layout, line):
    rows = clean(MRCleanRatings, line + b"\n", "--layout", layout, name="u.data")
    assert rows == [("clean", "u.data", "0", "1", "31", "2.5", "1260759144", "\\N", "\\N")]


def test_running_again_replaces_the_output(clean):
    content = HEADER + b"\n1,31,2.5,1260759144\n"
    assert clean(MRCleanRatings, content) == clean(MRCleanRatings, content)


def test_an_output_folder_with_foreign_files_is_refused(clean, tmp_path):
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "thesis.txt").write_text("mine")
    with pytest.raises(SystemExit, match=r"thesis\.txt"):
        clean(MRCleanRatings, HEADER + b"\n1,31,2.5,1260759144\n")
    assert (tmp_path / "output" / "thesis.txt").read_text() == "mine"


def test_on_hadoop_the_offset_comes_with_the_line_and_the_header_is_at_offset_zero(monkeypatch):
    monkeypatch.setenv("stream_map_input_ignoreKey", "false")
    monkeypatch.setenv("mapreduce_map_input_file", "hdfs://localhost:9000/marquee/raw/d/b/ratings.csv")
    job = MRCleanRatings(["--mapper", "--step-num=0"])
    job.sandbox(stdin=io.BytesIO(b"0\t" + HEADER + b"\r\n33\t1,31,2.5,1260759144\r\n55\t1,31,9,1260759144\r\n"))
    job.run_mapper()
    assert job.stdout.getvalue() == (
        b"1\x1f31\t1260759144\tratings.csv\t33\t2.5\n"
        b"!ratings.csv,55\trating_out_of_range\tratings.csv\t55\tMSwzMSw5LDEyNjA3NTkxNDQN\n"
    )


def test_offsets_and_newline_ends_are_asked_of_hadoop_alone():
    assert "stream.map.input.ignoreKey" not in MRCleanRatings(["-r", "local"]).jobconf()
    hadoop = MRCleanRatings(["-r", "hadoop"]).jobconf()
    assert (hadoop["stream.map.input.ignoreKey"], hadoop["textinputformat.record.delimiter"]) == ("false", "\n")


FIELD = st.one_of(
    st.sampled_from(
        [b"1", b"0", b"01", b"-1", b"2147483647", b"2147483648", b"4.0", b"4", b"3.50", b"788918399", b"1260759144"]
    ),
    st.binary(max_size=6),
)


@given(st.lists(FIELD, min_size=4, max_size=4))
@example([b"01", b"1", b"4", b"1260759144"])
@example([b"1", b"01", b"4", b"1260759144"])
@example([b"1", b"1", b"4", b"0788918400"])
def test_the_quick_way_through_a_row_gives_what_the_strict_rules_give(fields):
    job = MRCleanRatings(["--latest-timestamp", "1600000000"])
    line = b",".join(fields).replace(b"\n", b"")

    def outcome(parse):
        try:
            return parse(line)
        except RejectedRowError as error:
            return error.reason

    quick, strict = outcome(job.parse), outcome(job.parse_strictly)
    assert quick == strict


def test_own_data_without_times_has_the_time_of_the_batch_and_a_rating_wins_over_a_mark_for_seen(clean):
    content = b"1\t7\t4.5\t\n1\t7\t0\t\n2\t7\t0\t\n"
    rows = clean(MRCleanRatings, content, "--layout", "rows", "--latest-timestamp", "1600000000", name="ratings.tsv")
    assert rows == [
        ("clean", "ratings.tsv", "0", "1", "7", "4.5", "1600000000", "\\N", "\\N"),
        ("superseded", "ratings.tsv", "9", "1", "7", "0.0", "1600000000", "newer_row_exists", "\\N"),
        ("clean", "ratings.tsv", "16", "2", "7", "0.0", "1600000000", "\\N", "\\N"),
    ]


OWN_FIELD = st.one_of(
    st.integers(-2, 2_200_000_000).map(lambda number: b"%d" % number),
    st.sampled_from(
        [b"0", b"00", b"", b"5", b"5.0", b"0.5", b"2.50", b"999", b"1e3", b"!x", b" 1", b"315532800", b"20000001"]
    ),
)


@pytest.mark.parametrize("layout", ["rows", "strengths"])
@given(st.lists(OWN_FIELD, min_size=3, max_size=5))
def test_the_quick_way_through_a_row_of_own_data_gives_what_the_strict_rules_give(layout, fields):
    job = MRCleanRatings(["--latest-timestamp", "1600000000", "--layout", layout])
    line = b"\t".join(fields)

    def outcome(parse):
        try:
            return parse(line)
        except RejectedRowError as error:
            return error.reason

    assert outcome(job.parse) == outcome(job.parse_strictly)


def test_the_newer_rating_of_own_data_wins_over_the_older_one_and_a_later_mark_for_seen(clean):
    content = b"1\t7\t2.0\t1500000000\n1\t7\t5.0\t1500000001\n1\t7\t0\t1500000002\n"
    rows = clean(MRCleanRatings, content, "--layout", "rows", name="ratings.tsv")
    assert [(row[0], row[5], row[6]) for row in rows] == [
        ("superseded", "2.0", "1500000000"),
        ("clean", "5.0", "1500000001"),
        ("superseded", "0.0", "1500000002"),
    ]


@pytest.mark.parametrize("layout", ["rows", "strengths"])
def test_own_data_may_be_older_than_movielens(clean, layout):
    rows = clean(MRCleanRatings, b"1\t7\t2.5\t0\n1\t8\t3.0\t315532800\n", "--layout", layout, name="ratings.tsv")
    assert [(row[0], row[6]) for row in rows] == [("clean", "0"), ("clean", "315532800")]


def test_strengths_of_a_pair_are_summed_and_older_ones_count_less(clean):
    year = 365 * 86_400
    lines = [(1_500_000_000, b"4"), (1_500_000_000 + year, b"5"), (1_500_000_000 + year, b"0")]
    content = b"".join(b"1\t7\t%b\t%d\n" % (strength, time) for time, strength in lines) + b"2\t7\t1\t1500000000\n"
    rows = clean(MRCleanRatings, content, "--layout", "strengths", name="ratings.tsv")
    # 4 has halved to 2, so that the sum is 7, which is three stars.
    assert [(row[0], row[3], row[5], row[7]) for row in rows] == [
        ("superseded", "1", "2.5", "summed_into_newer_row"),
        ("superseded", "1", "2.5", "summed_into_newer_row"),
        ("clean", "1", "3.0", "\\N"),
        ("clean", "2", "1.0", "\\N"),
    ]


@pytest.mark.parametrize(
    ("layout", "line", "reason"),
    [
        ("rows", b"!value_outside_scale\tbooks.csv\t12\t1;2;99", "value_outside_scale"),
        ("strengths", b"!event_unknown\tevents.csv\t3\tx", "event_unknown"),
        ("rows", b"!Not A Reason\tbooks.csv\t12\tx", "rejected_by_ingest"),
        ("strengths", b"1\t7\t-2\t1500000000", "strength_not_number"),
        ("strengths", b"1\t7\t1e999\t1500000000", "strength_out_of_range"),
        ("rows", b"1\t7\t2.7\t1500000000", "rating_off_half_star_grid"),
        ("rows", b"1\t7\t2.5\t-1", "timestamp_before_1970"),
        ("rows", b"1\t7\t2.5", "missing_fields"),
    ],
)
def test_a_row_of_own_data_that_breaks_a_rule_is_quarantined_as_it_stands(clean, raw, layout, line, reason):
    rows = clean(MRCleanRatings, line + b"\n", "--layout", layout, name="ratings.tsv")
    assert rows == [("quarantined", "ratings.tsv", "0", *NULLS, reason, raw(line))]
