"""The users job."""

from __future__ import annotations

import pytest
from mr_clean_users import MRCleanUsers

NULLS = ("\\N",) * 5


def test_users_of_ml_1m_get_their_occupation_by_name(clean):
    content = b"1::F::1::10::48067\n2::M::56::16::70072-1234\n"
    assert clean(MRCleanUsers, content, "--layout", "double_colon", name="users.dat") == [
        ("clean", "users.dat", "0", "1", "F", "1", "K-12 student", "48067", "\\N", "\\N"),
        ("clean", "users.dat", "19", "2", "M", "56", "self-employed", "70072-1234", "\\N", "\\N"),
    ]


def test_users_of_ml_100k_have_pipes_and_age_before_gender(clean):
    rows = clean(MRCleanUsers, b"1|24|M|technician|85711\n74|39|M|scientist|T8H1N\n", "--layout", "tab", name="u.user")
    assert rows == [
        ("clean", "u.user", "0", "1", "M", "24", "technician", "85711", "\\N", "\\N"),
        ("clean", "u.user", "24", "74", "M", "39", "scientist", "T8H1N", "\\N", "\\N"),
    ]


def test_fields_that_are_empty_are_null(clean):
    assert clean(MRCleanUsers, b"7::::::::\n", "--layout", "double_colon", name="users.dat") == [
        ("clean", "users.dat", "0", "7", *("\\N",) * 4, "\\N", "\\N")
    ]


def test_the_last_row_of_a_user_wins(clean):
    content = b"7::F::18::0::1\n7::M::18::0::1\n"
    assert [(row[0], row[4], row[8]) for row in clean(MRCleanUsers, content, "--layout", "double_colon")] == [
        ("superseded", "F", "newer_row_exists"),
        ("clean", "M", "\\N"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1::X::1::10::48067", "gender_invalid"),
        (b"1::F::0::10::48067", "age_out_of_range"),
        (b"1::F::old::10::48067", "age_not_integer"),
        (b"1::F::1::21::48067", "occupation_unknown"),
        (b"1::F::1::10::4\x008067", "control_character"),
        (b"1::F::1::10", "missing_fields"),
        (b"1::F::1::10::48067::", "extra_fields"),
        (b"-1::F::1::10::48067", "user_id_out_of_range"),
        (b"", "empty_line"),
    ],
)
def test_a_bad_row_is_quarantined_with_reason_and_bytes(clean, raw, line, reason):
    rows = clean(MRCleanUsers, line + b"\n", "--layout", "double_colon", name="users.dat")
    assert rows == [("quarantined", "users.dat", "0", *NULLS, reason, raw(line))]
