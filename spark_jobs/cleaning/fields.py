"""The rules for MovieLens fields, as Spark columns.

They are the rules of the mrjob cleaning, written a second time. A field is text with one character per byte (ISO-8859-1), so that no
byte is lost before a rule reads it. Each rule returns a pair of columns: the value, and the reason for which a row is rejected. The
reason is NULL for a good row, and the value is undefined for a rejected one.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as sf

LATIN_1 = "ISO-8859-1"
LARGEST_ID = 2_147_483_647
# Above it the accounts service numbers its users and movies, whose rows come in files of their own.
LARGEST_ID_OF_DATA = 999_999_999
OF_ACCOUNTS = "feedback-"
EARLIEST_TIMESTAMP = 788_918_400  # 1995-01-01T00:00:00Z
YEAR_1 = -62_135_596_800  # 0001-01-01T00:00:00Z
LATEST_TIMESTAMP = 253_402_300_799  # 9999-12-31T23:59:59Z
NO_GENRES = "(no genres listed)"
GENRE_SPELLINGS = {"Children's": "Children"}
# The genres of u.item's flags, in their order, without the first, "unknown".
FLAGGED_GENRES = (
    *("Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy"),
    *("Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
DELIMITERS = {"csv": ",", "double_colon": "::", "tab": "\t"}

# White space as Python defines it. Java's \s and Spark's trim have fewer characters.
WHITE_SPACE = "".join(character for character in map(chr, range(0x3001)) if character.isspace())
INTEGER = r"\A[+-]?[0-9]+\z"
DECIMAL = r"\A[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\z"
# A line of CSV with a comma before it. The quantifiers are possessive, so that a line of many quotes cannot exhaust Java's stack.
CSV_FIELD = r'"[^"]*+(?:""[^"]*+)*+"'
CSV_LINE = rf'\A(?:,(?:{CSV_FIELD}|[^",\r][^,\r]*+|))++\z'
CSV_FIELDS = rf",({CSV_FIELD}|[^,]*+)"
YEAR_AT_END = rf"(?s)\A(.*[^{WHITE_SPACE}])[{WHITE_SPACE}]*\(([0-9]{{4}})(?:[{WHITE_SPACE}]*[-\u2013][{WHITE_SPACE}]*(?:[0-9]{{4}})?)?\)\z"

Rule = tuple[Column, Column]


def split_fields(line: Column, delimiter: str, count: int) -> Rule:
    """Return the array of exactly ``count`` fields of a line without its end.

    Reasons: empty_line, bad_quoting, missing_fields, extra_fields.
    """
    fields = sf.split(line, rf"\Q{delimiter}\E", -1)
    bad_quoting = sf.lit(False)
    if delimiter == ",":
        quoted, padded = sf.contains(line, sf.lit('"')), sf.concat(sf.lit(","), line)
        bad_quoting = quoted & ~sf.rlike(padded, sf.lit(CSV_LINE))
        unquoted = sf.transform(sf.regexp_extract_all(padded, sf.lit(CSV_FIELDS), sf.lit(1)), _unquote)
        fields = sf.when(quoted, unquoted).otherwise(fields)
    reason = (
        sf.when(line == "", "empty_line")
        .when(bad_quoting, "bad_quoting")
        .when(sf.size(fields) < count, "missing_fields")
        .when(sf.size(fields) > count, "extra_fields")
    )
    return fields, reason


def _unquote(field: Column) -> Column:
    inner = sf.replace(sf.substr(field, sf.lit(2), sf.length(field) - 2), sf.lit('""'), sf.lit('"'))
    return sf.when(sf.startswith(field, sf.lit('"')), inner).otherwise(field)


def parse_id(field: Column, name: str) -> Rule:
    """Return an id between 1 and 999999999 as an int.

    In the accounts service's own files, named by ``source_file``, ids go up to 2147483647.
    Reasons: ``<name>_not_integer``, ``<name>_out_of_range``.
    """
    # A double cannot hold every integer exactly, but orders all of them on the right side of the limits.
    number = field.try_cast("double")
    of_accounts = sf.startswith(sf.col("source_file"), sf.lit(OF_ACCOUNTS))
    largest = sf.when(of_accounts, LARGEST_ID).otherwise(LARGEST_ID_OF_DATA)
    reason = sf.when(~sf.rlike(field, sf.lit(INTEGER)), f"{name}_not_integer").when(
        (sf.length(field) > 20) | ~number.between(1, largest), f"{name}_out_of_range"
    )
    return sf.when(reason.isNull(), number).cast("int"), reason


def parse_rating(field: Column) -> Rule:
    """Return the rating as a double on the half-star grid.

    Reasons: rating_not_number, rating_out_of_range, rating_off_half_star_grid.
    """
    number = field.try_cast("double")
    reason = (
        sf.when(~sf.rlike(field, sf.lit(DECIMAL)), "rating_not_number")
        .when(~number.between(0.5, 5.0), "rating_out_of_range")
        .when(number * 2 != sf.floor(number * 2), "rating_off_half_star_grid")
    )
    return number, reason


def parse_timestamp(field: Column, latest: int) -> Rule:
    """Return Unix seconds between 1995 and ``latest`` as a long.

    Reasons: timestamp_not_integer, timestamp_before_1995, timestamp_in_future.
    """
    number = field.try_cast("double")
    reason = (
        sf.when(~sf.rlike(field, sf.lit(INTEGER)), "timestamp_not_integer")
        .when((sf.length(field) > 20) & ~sf.startswith(field, sf.lit("-")), "timestamp_in_future")
        .when((sf.length(field) > 20) | (number < EARLIEST_TIMESTAMP), "timestamp_before_1995")
        .when(number > latest, "timestamp_in_future")
    )
    return sf.when(reason.isNull(), number).cast("long"), reason


def decode_text(field: Column, layout: str, encoding: str) -> Rule:
    """Return the text of a field, trimmed.

    Reasons: not_utf8, control_character, null_marker. ``encoding`` is 'utf-8', 'latin-1', or 'auto': UTF-8 for csv,
    latin-1 for tab, either for double_colon.
    """
    invalid = sf.lit(False)
    text = field
    if not (encoding == "latin-1" or (encoding == "auto" and layout == "tab")):
        as_utf8 = sf.encode(field, LATIN_1).cast("string")
        if encoding == "auto" and layout == "double_colon":
            text = sf.when(sf.is_valid_utf8(as_utf8), as_utf8).otherwise(field)
        else:
            text, invalid = as_utf8, ~sf.is_valid_utf8(as_utf8)
    text = sf.btrim(text, sf.lit(WHITE_SPACE))
    reason = (
        sf.when(invalid, "not_utf8")
        .when(sf.rlike(text, sf.lit(r"[\x00-\x1f\x7f]")), "control_character")
        .when(text == r"\N", "null_marker")
    )
    return text, reason


def split_title(text: Column) -> tuple[Column, Column, Column]:
    """Return title, year (an int or NULL) and reason: title_missing."""
    year = sf.nullif(sf.regexp_extract(text, YEAR_AT_END, 2), sf.lit("")).cast("int")
    has_year = year.between(1870, 2100)
    title = sf.when(has_year, sf.regexp_extract(text, YEAR_AT_END, 1)).otherwise(text)
    return title, sf.when(has_year, year), sf.when(text == "", "title_missing")


def join_genres(names: Column) -> Column:
    """Return an array of genres joined by '|', without repeats.

    Genres are spelled as in the later data sets.
    """
    trimmed = sf.transform(names, lambda name: sf.btrim(name, sf.lit(WHITE_SPACE)))
    kept = sf.array_distinct(sf.transform(trimmed, _spell))
    return sf.array_join(sf.filter(kept, lambda name: (name != "") & (name != NO_GENRES)), "|")


def _spell(name: Column) -> Column:
    spelled = name
    for old, new in GENRE_SPELLINGS.items():
        spelled = sf.when(name == old, new).otherwise(spelled)
    return spelled


def genres_of_flags(flags: Column) -> Rule:
    """Return the joined genres of u.item's nineteen 0/1 fields.

    Reason: genre_flag_invalid.
    """
    names = sf.array(*(sf.when(sf.get(flags, sf.lit(at)) == "1", name) for at, name in enumerate(FLAGGED_GENRES, 1)))
    invalid = sf.exists(flags, lambda flag: ~flag.isin("0", "1"))
    return join_genres(sf.array_compact(names)), sf.when(invalid, "genre_flag_invalid")
