"""Check the fields of MovieLens rows with pure functions over bytes and text.

A rule returns its value, or raises RejectedRowError with the reason for the quarantine table. This module needs no
mrjob.
"""

from __future__ import annotations

import csv
import os
import posixpath
import re

LARGEST_ID = 2_147_483_647
# Above it the accounts service numbers its users and movies, whose rows come in files of their own.
LARGEST_ID_OF_DATA = 999_999_999
OF_ACCOUNTS = "feedback-"
# Hadoop, and mrjob's own runners, say there which file a mapper reads.
INPUT_FILE_VARIABLE = "mapreduce_map_input_file"
EARLIEST_TIMESTAMP = 788_918_400  # 1995-01-01T00:00:00Z: MovieLens did not exist before
LATEST_TIMESTAMP = 253_402_300_799  # 9999-12-31T23:59:59Z, for runs without a batch that defines "the future"
NO_GENRES = "(no genres listed)"

# The spelling of ml-100k and ml-1m, and that of every later set.
GENRE_SPELLINGS = {"Children's": "Children"}

ITEM_GENRES = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
ITEM_FIELDS_BEFORE_GENRES = 5

# ml-1m's README: the occupations by their number.
OCCUPATIONS = (
    "other or not specified",
    "academic/educator",
    "artist",
    "clerical/admin",
    "college/grad student",
    "customer service",
    "doctor/health care",
    "executive/managerial",
    "farmer",
    "homemaker",
    "K-12 student",
    "lawyer",
    "programmer",
    "retired",
    "sales/marketing",
    "scientist",
    "self-employed",
    "technician/engineer",
    "tradesman/craftsman",
    "unemployed",
    "writer",
)
OLDEST_AGE = 120

DELIMITERS = {"csv": b",", "double_colon": b"::", "tab": b"\t"}

# Every usual spelling of the ten ratings, with the text that the jobs store.
RATING_TEXTS = {
    spelling.encode("ascii"): f"{half_stars / 2:.1f}".encode("ascii")
    for half_stars in range(1, 11)
    for spelling in {f"{half_stars / 2:.1f}", f"{half_stars / 2:g}"}
}

_INTEGER = re.compile(rb"[+-]?[0-9]+")
_DECIMAL = re.compile(rb"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_YEAR_AT_END = re.compile(r"^(?P<title>.*\S)\s*\((?P<year>[0-9]{4})(?:\s*[-\u2013]\s*(?:[0-9]{4})?)?\)$")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")


# A field may be as long as its line. The csv module's own limit of 128 KiB would be an unwanted extra rule.
csv.field_size_limit(LARGEST_ID)


class RejectedRowError(ValueError):
    """Reject a row; ``reason`` is one of the quarantine table's reasons."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def split_fields(line: bytes, delimiter: bytes, count: int) -> list[bytes]:
    """Split a line without its end into exactly ``count`` fields.

    If the delimiter is a comma, the function reads CSV quotes. Raise RejectedRowError: empty_line, bad_quoting,
    missing_fields, extra_fields.
    """
    if not line:
        raise RejectedRowError("empty_line")
    fields = _split_quoted(line) if delimiter == b"," and b'"' in line else line.split(delimiter)
    if len(fields) < count:
        raise RejectedRowError("missing_fields")
    if len(fields) > count:
        raise RejectedRowError("extra_fields")
    return fields


def _split_quoted(line: bytes) -> list[bytes]:
    # csv works on text. latin-1 maps every byte to one character and back, so that no byte is lost.
    try:
        rows = list(csv.reader([line.decode("latin-1")], strict=True))
    except csv.Error:
        raise RejectedRowError("bad_quoting") from None
    return [field.encode("latin-1") for field in rows[0]]


def parse_id(field: bytes, name: str) -> int:
    """Return an id between 1 and 2147483647.

    Ids of users and movies end at 999999999, apart from the accounts service's own files: a user of the data would else be one of
    its users. Raise RejectedRowError: ``<name>_not_integer``, ``<name>_out_of_range``.
    """
    if _INTEGER.fullmatch(field) is None:
        raise RejectedRowError(f"{name}_not_integer")
    number = int(field) if len(field) <= 20 else 0
    if not 1 <= number <= LARGEST_ID:
        raise RejectedRowError(f"{name}_out_of_range")
    if number > LARGEST_ID_OF_DATA and name in ("user_id", "movie_id") and not _reads_accounts():
        raise RejectedRowError(f"{name}_out_of_range")
    return number


def _reads_accounts() -> bool:
    return posixpath.basename(os.environ.get(INPUT_FILE_VARIABLE, "")).startswith(OF_ACCOUNTS)


def parse_rating(field: bytes) -> bytes:
    """Return the rating as text with one decimal, '0.5' to '5.0'.

    Raise RejectedRowError: rating_not_number (NaN and infinity too), rating_out_of_range, rating_off_half_star_grid.
    """
    known = RATING_TEXTS.get(field)
    if known is not None:
        return known
    if _DECIMAL.fullmatch(field) is None:
        raise RejectedRowError("rating_not_number")
    value = float(field)
    if not 0.5 <= value <= 5.0:
        raise RejectedRowError("rating_out_of_range")
    if value * 2 != int(value * 2):
        raise RejectedRowError("rating_off_half_star_grid")
    return b"%.1f" % value


def parse_timestamp(field: bytes, latest: int, earliest: int = EARLIEST_TIMESTAMP) -> int:
    """Return Unix seconds between ``earliest`` and ``latest`` (inclusive).

    Raise RejectedRowError: timestamp_not_integer, timestamp_before_1995 or timestamp_before_1970, timestamp_in_future.
    """
    too_early = "timestamp_before_1995" if earliest else "timestamp_before_1970"
    if _INTEGER.fullmatch(field) is None:
        raise RejectedRowError("timestamp_not_integer")
    if len(field) > 20:
        raise RejectedRowError(too_early if field.startswith(b"-") else "timestamp_in_future")
    value = int(field)
    if value < earliest:
        raise RejectedRowError(too_early)
    if value > latest:
        raise RejectedRowError("timestamp_in_future")
    return value


def decode_text(field: bytes, layout: str, encoding: str) -> str:
    """Return the text of a field, trimmed.

    ``encoding`` is 'utf-8', 'latin-1', or 'auto': UTF-8 for csv, latin-1 for tab, and for double_colon UTF-8 or else
    latin-1, because ml-10m uses UTF-8 and ml-1m latin-1.
    Raise RejectedRowError: not_utf8, control_character, and null_marker for the two characters that mean NULL in Hive.
    """
    if encoding == "latin-1" or (encoding == "auto" and layout == "tab"):
        text = field.decode("latin-1")
    else:
        try:
            text = field.decode("utf-8")
        except UnicodeDecodeError:
            if encoding != "auto" or layout != "double_colon":
                raise RejectedRowError("not_utf8") from None
            text = field.decode("latin-1")
    text = text.strip()
    if _CONTROL_CHARACTER.search(text):
        raise RejectedRowError("control_character")
    if text == "\\N":
        raise RejectedRowError("null_marker")
    return text


def split_title(text: str) -> tuple[str, int | None]:
    """Return the title without its year in parentheses, and the year or None.

    Of a span of years, as series have it, the function takes the first. It does not change a title that is only a year.
    Raise RejectedRowError title_missing for an empty title.
    """
    if not text:
        raise RejectedRowError("title_missing")
    match = _YEAR_AT_END.match(text)
    if match is None:
        return text, None
    year = int(match["year"])
    if not 1870 <= year <= 2100:
        return text, None
    return match["title"], year


def join_genres(genres: list[str]) -> str:
    """Return genres joined by '|', without repeats, in the later data sets' spelling.

    The genres keep their order.
    """
    names = [GENRE_SPELLINGS.get(name.strip(), name.strip()) for name in genres]
    return "|".join(dict.fromkeys(name for name in names if name and name != NO_GENRES))


def genres_of_flags(flags: list[bytes]) -> str:
    """Return the joined genres of u.item's nineteen 0/1 fields.

    Raise RejectedRowError: genre_flag_invalid.
    """
    if any(flag not in (b"0", b"1") for flag in flags):
        raise RejectedRowError("genre_flag_invalid")
    return join_genres([name for name, flag in zip(ITEM_GENRES[1:], flags[1:], strict=True) if flag == b"1"])


def parse_tag(text: str) -> str:
    """Return the tag; raise RejectedRowError: tag_missing."""
    if not text:
        raise RejectedRowError("tag_missing")
    return text


def parse_gender(field: bytes) -> bytes:
    """Return 'F', 'M', or nothing for an empty field.

    Raise RejectedRowError: gender_invalid.
    """
    if field not in (b"F", b"M", b""):
        raise RejectedRowError("gender_invalid")
    return field


def parse_age(field: bytes) -> bytes:
    """Return the age in years, 1 to 120, or nothing for an empty field.

    Raise RejectedRowError: age_not_integer, age_out_of_range.
    """
    if not field:
        return b""
    if _INTEGER.fullmatch(field) is None:
        raise RejectedRowError("age_not_integer")
    if len(field) > 20 or not 1 <= int(field) <= OLDEST_AGE:
        raise RejectedRowError("age_out_of_range")
    return b"%d" % int(field)


def name_occupation(text: str) -> str:
    """Return the name of an occupation, also of ml-1m's number.

    Raise RejectedRowError: occupation_unknown.
    """
    if not text.isdecimal():
        return text
    if len(text) > 2 or int(text) >= len(OCCUPATIONS):
        raise RejectedRowError("occupation_unknown")
    return OCCUPATIONS[int(text)]
