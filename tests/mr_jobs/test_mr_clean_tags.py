"""The tags job."""

from __future__ import annotations

import pytest
from mr_clean_tags import MRCleanTags

HEADER = b"userId,movieId,tag,timestamp\n"


def test_a_tag_with_commas_and_quotes_comes_out_whole(clean):
    content = HEADER + b'2,60756,"Best, ""funniest"" one",1445714994\r\n'
    assert clean(MRCleanTags, content, name="tags.csv") == [
        ("clean", "tags.csv", "29", "2", "60756", 'Best, "funniest" one', "1445714994", "\\N", "\\N")
    ]


def test_of_one_tag_given_twice_the_latest_stays_and_another_tag_is_another_row(clean):
    content = HEADER + b"2,7,dark,1445714999\n2,7,dark,1445714994\n2,7,Dark,1445714990\n2,7,dark,1445714999\n"
    assert [(row[0], row[5], row[6], row[7]) for row in clean(MRCleanTags, content, name="tags.csv")] == [
        ("superseded", "dark", "1445714999", "exact_duplicate"),
        ("superseded", "dark", "1445714994", "newer_row_exists"),
        ("clean", "Dark", "1445714990", "\\N"),
        ("clean", "dark", "1445714999", "\\N"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"2,7,caf\xe9,1445714994", "not_utf8"),
        (b"2,7, ,1445714994", "tag_missing"),
        (b"2,7,\\N,1445714994", "null_marker"),
        (b"2,7,a\x00b,1445714994", "control_character"),
        (b"2,7,a\x1fb,1445714994", "control_character"),
        (b"2,7,a,b,1445714994", "extra_fields"),
        (b"2,7,dark", "missing_fields"),
        (b"0,7,dark,1445714994", "user_id_out_of_range"),
        (b"2,x,dark,1445714994", "movie_id_not_integer"),
        (b"2,7,dark,1600000001", "timestamp_in_future"),
        (b'2,7,"dark,1445714994', "bad_quoting"),
    ],
)
def test_a_bad_row_is_quarantined_with_reason_and_bytes(clean, raw, line, reason):
    rows = clean(MRCleanTags, HEADER + line + b"\n", "--latest-timestamp", "1600000000", name="tags.csv")
    assert rows == [("quarantined", "tags.csv", "29", *("\\N",) * 4, reason, raw(line))]


def test_double_colon_rows_of_ml_10m_have_no_header(clean):
    rows = clean(MRCleanTags, b"15::4973::excellent!::1215184630\n", "--layout", "double_colon", name="tags.dat")
    assert rows == [("clean", "tags.dat", "0", "15", "4973", "excellent!", "1215184630", "\\N", "\\N")]
