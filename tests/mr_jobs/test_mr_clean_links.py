"""The links job."""

from __future__ import annotations

import pytest
from mr_clean_links import MRCleanLinks

HEADER = b"movieId,imdbId,tmdbId\n"


def test_ids_that_are_not_there_are_null_and_imdbs_keeps_its_zeros(clean):
    content = HEADER + b"1,0114709,862\n2,113497,\n3,,15602\n4,10329614,9"
    assert clean(MRCleanLinks, content, name="links.csv") == [
        ("clean", "links.csv", "22", "1", "0114709", "862", "\\N", "\\N"),
        ("clean", "links.csv", "36", "2", "0113497", "\\N", "\\N", "\\N"),
        ("clean", "links.csv", "46", "3", "\\N", "15602", "\\N", "\\N"),
        ("clean", "links.csv", "55", "4", "10329614", "9", "\\N", "\\N"),
    ]


def test_the_last_row_of_a_movie_wins(clean):
    content = HEADER + b"1,0114709,1\n1,0114709,862\n1,114709,862\n"
    assert [(row[0], row[5], row[6]) for row in clean(MRCleanLinks, content, name="links.csv")] == [
        ("superseded", "1", "newer_row_exists"),
        ("superseded", "862", "exact_duplicate"),
        ("clean", "862", "\\N"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1,tt0114709,862", "imdb_id_not_integer"),
        (b"1,0114709,-862", "tmdb_id_out_of_range"),
        (b"1,0,862", "imdb_id_out_of_range"),
        (b",0114709,862", "movie_id_not_integer"),
        (b"1,0114709", "missing_fields"),
        (b"1,0114709,862,", "extra_fields"),
        (b"\xff,0114709,862", "movie_id_not_integer"),
    ],
)
def test_a_bad_row_is_quarantined_with_reason_and_bytes(clean, raw, line, reason):
    rows = clean(MRCleanLinks, HEADER + line + b"\n", name="links.csv")
    assert rows == [("quarantined", "links.csv", "22", *("\\N",) * 3, reason, raw(line))]
