"""The rules of single fields."""

from __future__ import annotations

import math

import pytest
from field_rules import (
    INPUT_FILE_VARIABLE,
    RATING_TEXTS,
    RejectedRowError,
    decode_text,
    genres_of_flags,
    join_genres,
    name_occupation,
    parse_age,
    parse_gender,
    parse_id,
    parse_rating,
    parse_tag,
    parse_timestamp,
    split_fields,
    split_title,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_600_000_000


def reason_of(call, *arguments):
    with pytest.raises(RejectedRowError) as caught:
        call(*arguments)
    return caught.value.reason


@pytest.mark.parametrize(
    ("field", "text"),
    [(b"4", b"4.0"), (b"4.0", b"4.0"), (b"3.50", b"3.5"), (b"0.5", b"0.5"), (b"5", b"5.0"), (b".5", b"0.5")],
)
def test_a_rating_is_stored_with_one_decimal(field, text):
    assert parse_rating(field) == text


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (b"NaN", "rating_not_number"),
        (b"inf", "rating_not_number"),
        (b"", "rating_not_number"),
        (b"4_0", "rating_not_number"),
        (b" 4", "rating_not_number"),
        (b"0", "rating_out_of_range"),
        (b"-1", "rating_out_of_range"),
        (b"5.5", "rating_out_of_range"),
        (b"1e300", "rating_out_of_range"),
        (b"3.7", "rating_off_half_star_grid"),
    ],
)
def test_a_rating_that_cannot_be_one_is_rejected_with_its_reason(field, reason):
    assert reason_of(parse_rating, field) == reason


@given(st.binary(max_size=8))
def test_every_rating_that_is_accepted_lies_on_the_half_star_grid(field):
    try:
        text = parse_rating(field)
    except RejectedRowError:
        return
    assert text in set(RATING_TEXTS.values())
    assert math.isclose(float(text), float(field), abs_tol=1e-12)


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (b"0", "user_id_out_of_range"),
        (b"-3", "user_id_out_of_range"),
        (b"2147483648", "user_id_out_of_range"),
        (b"9" * 5000, "user_id_out_of_range"),
        (b"1.0", "user_id_not_integer"),
        (b"", "user_id_not_integer"),
        ("\N{ARABIC-INDIC DIGIT ONE}".encode(), "user_id_not_integer"),
    ],
)
def test_an_id_outside_of_1_to_2147483647_is_rejected(field, reason):
    assert reason_of(parse_id, field, "user_id") == reason


@pytest.mark.parametrize("field", [b"1000000000", b"1000000001", b"2147483647", b"0001000000001"])
@pytest.mark.parametrize("name", ["user_id", "movie_id"])
def test_an_id_of_the_accounts_service_is_taken_from_its_own_files_alone(field, name, monkeypatch):
    monkeypatch.setenv(INPUT_FILE_VARIABLE, "hdfs:///marquee/raw/ml-latest/20261123T190000/ratings.csv")
    assert reason_of(parse_id, field, name) == f"{name}_out_of_range"
    monkeypatch.delenv(INPUT_FILE_VARIABLE)
    assert reason_of(parse_id, field, name) == f"{name}_out_of_range"
    monkeypatch.setenv(INPUT_FILE_VARIABLE, "hdfs:///marquee/raw/ml-latest/20261123T190000/feedback-ratings.csv")
    assert parse_id(field, name) == int(field)


def test_the_largest_id_is_accepted_and_leading_zeros_are_dropped():
    assert parse_id(b"999999999", "user_id") == 999999999
    assert parse_id(b"2147483647", "tmdb_id") == 2147483647
    assert parse_id(b"007", "user_id") == 7


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (b"788918399", "timestamp_before_1995"),
        (b"-1", "timestamp_before_1995"),
        (b"1600000001", "timestamp_in_future"),
        (b"9" * 40, "timestamp_in_future"),
        (b"-" + b"9" * 40, "timestamp_before_1995"),
        (b"1.6e9", "timestamp_not_integer"),
    ],
)
def test_a_time_before_1995_or_in_the_future_is_rejected(field, reason):
    assert reason_of(parse_timestamp, field, NOW) == reason


def test_the_first_second_of_1995_and_the_latest_second_are_accepted():
    assert parse_timestamp(b"788918400", NOW) == 788918400
    assert parse_timestamp(b"1600000000", NOW) == 1600000000


def test_a_quoted_csv_field_keeps_its_commas_and_doubled_quotes():
    assert split_fields(b'11,"American President, The ""1995""",Comedy', b",", 3) == [
        b"11",
        b'American President, The "1995"',
        b"Comedy",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "empty_line"),
        (b"1,2", "missing_fields"),
        (b"1,2,3,4", "extra_fields"),
        (b'1,"open,3', "bad_quoting"),
        (b'1,"a"b,3', "bad_quoting"),
    ],
)
def test_a_csv_line_of_another_shape_is_rejected_with_its_reason(line, reason):
    assert reason_of(split_fields, line, b",", 3) == reason


@pytest.mark.parametrize(
    ("text", "title", "year"),
    [
        ("Toy Story (1995)", "Toy Story", 1995),
        ("Fawlty Towers (1975-1979)", "Fawlty Towers", 1975),
        ("The Office (2005\N{EN DASH})", "The Office", 2005),
        (
            "1990: The Bronx Warriors (1990: I guerrieri del Bronx) (1982)",
            "1990: The Bronx Warriors (1990: I guerrieri del Bronx)",
            1982,
        ),
        ("unknown", "unknown", None),
        ("(1995)", "(1995)", None),
        ("Number (9999)", "Number (9999)", None),
    ],
)
def test_the_year_at_the_end_leaves_the_title(text, title, year):
    assert split_title(text) == (title, year)


def test_an_empty_title_is_rejected():
    assert reason_of(split_title, "") == "title_missing"


def test_text_that_is_not_utf8_is_rejected_in_csv_and_read_as_latin1_in_the_older_layouts():
    assert reason_of(decode_text, b"Caf\xe9", "csv", "auto") == "not_utf8"
    assert decode_text(b"Caf\xe9", "tab", "auto") == "Café"
    assert decode_text(b"Caf\xe9", "double_colon", "auto") == "Café"
    assert decode_text("Café".encode(), "double_colon", "auto") == "Café"
    assert reason_of(decode_text, b"Caf\xe9", "double_colon", "utf-8") == "not_utf8"


def test_a_control_character_in_text_is_rejected():
    assert reason_of(decode_text, b"a\tb", "csv", "auto") == "control_character"


def test_text_that_hive_would_read_as_null_is_rejected():
    assert reason_of(decode_text, b" \\N ", "csv", "auto") == "null_marker"
    assert decode_text(b"\\N\\N", "csv", "auto") == "\\N\\N"


def test_a_quoted_field_may_be_longer_than_the_csv_modules_own_limit():
    assert split_fields(b'1,"' + b"a" * 200_000 + b'",3', b",", 3)[1] == b"a" * 200_000


def test_genres_are_joined_without_repeats_in_the_spelling_of_later_sets():
    assert join_genres(["Children's", "Comedy", "Comedy", ""]) == "Children|Comedy"
    assert join_genres(["(no genres listed)"]) == ""


def test_flags_name_their_genres_and_unknown_is_none():
    flags = [b"0"] * 19
    flags[4] = flags[5] = b"1"
    assert genres_of_flags(flags) == "Children|Comedy"
    assert genres_of_flags([b"1"] + [b"0"] * 18) == ""
    assert reason_of(genres_of_flags, [b"2"] + [b"0"] * 18) == "genre_flag_invalid"


def test_a_tag_is_rejected_where_nothing_is_left_of_it():
    assert parse_tag("dark comedy") == "dark comedy"
    assert reason_of(parse_tag, "") == "tag_missing"


def test_a_gender_is_one_letter_or_unknown():
    assert [parse_gender(field) for field in (b"F", b"M", b"")] == [b"F", b"M", b""]
    assert reason_of(parse_gender, b"f") == "gender_invalid"


@pytest.mark.parametrize(("field", "age"), [(b"1", b"1"), (b"056", b"56"), (b"120", b"120"), (b"", b"")])
def test_an_age_is_between_1_and_120_or_unknown(field, age):
    assert parse_age(field) == age


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (b"0", "age_out_of_range"),
        (b"-3", "age_out_of_range"),
        (b"121", "age_out_of_range"),
        (b"9" * 5000, "age_out_of_range"),
        (b"18-24", "age_not_integer"),
    ],
)
def test_an_age_that_cannot_be_one_is_rejected_with_its_reason(field, reason):
    assert reason_of(parse_age, field) == reason


def test_the_occupations_numbers_of_ml_1m_are_given_by_name():
    assert [name_occupation(text) for text in ("0", "10", "20", "technician", "")] == [
        "other or not specified",
        "K-12 student",
        "writer",
        "technician",
        "",
    ]
    assert reason_of(name_occupation, "21") == "occupation_unknown"
    assert reason_of(name_occupation, "9" * 5000) == "occupation_unknown"
