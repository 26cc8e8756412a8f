"""Test that a mapping reads back as written, and that each error names line and key."""

import pytest
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.mapping.reading import parse_mapping
from marquee.ingest.own_data.mapping.writing import write_mapping

WHOLE = """version = 1

[ratings]
files = "part-*.csv"
shape = "delimited"
encoding = "cp949"
delimiter = "::"
quote = "'"
escape = "backslash"
header = false
width = 5

[ratings.columns]
user = 1
item = 2
value = 3
time = 5
event = 4

[ids]
user = "integer"
item = "text"

[values]
kind = "rating"
lowest = -10
highest = 10
step = 0.25
seen = [0, -1]
decimal = ","

[time]
unit = "%d.%m.%Y"

[events]
view = 1
"buy it" = 5.5
hide = 0
"""


def test_a_mapping_reads_back_as_it_was_written() -> None:
    mapping = parse_mapping(WHOLE, "m.toml")
    written = write_mapping(mapping, {("values", "seen"): "a mark", ("ratings.columns", "user"): "the first"})
    assert parse_mapping(written, "m.toml") == mapping
    assert "user = 1 # guessed: the first" in written
    assert "seen = [0, -1] # guessed: a mark" in written


@pytest.mark.parametrize(
    ("found", "instead", "message"),
    [
        ('shape = "delimited"', 'shape = "xml"', "m.toml, line 5: ratings.shape is 'xml'. Write one of: delimited,"),
        ('encoding = "cp949"', 'encoding = "utf-99"', "m.toml, line 6: ratings.encoding 'utf-99' is unknown."),
        ('encoding = "cp949"', 'encoding = "hex"', "m.toml, line 6: ratings.encoding 'hex' is unknown."),
        ('delimiter = "::"', 'delimiter = ""', "m.toml, line 7: ratings.delimiter is ''."),
        ('quote = "\'"', 'quote = "::"', "m.toml, line 8: ratings.quote is '::'."),
        ('escape = "backslash"', 'escape = "none"', "m.toml, line 9: ratings.escape is 'none'."),
        ("header = false", 'header = "no"', "m.toml, line 10: ratings.header is 'no'. Write true or false."),
        ("header = false", "headr = false", "m.toml, line 10: ratings.headr is unknown. Known are: files,"),
        ("width = 5", "width = 99999", "m.toml, line 11: ratings.width is 99999."),
        ("width = 5", "width = true", "m.toml, line 11: ratings.width is True. Write a whole number."),
        ('files = "part-*.csv"', 'files = "../x.csv"', "m.toml, line 4: ratings.files leads out of the archive."),
        ('files = "part-*.csv"', 'files = "/etc/passwd"', "m.toml, line 4: ratings.files leads out of the archive."),
        ("user = 1\n", "", "m.toml, line 13: ratings.columns.user is missing. Name the column of the user."),
        ("user = 1", "user = 0", "m.toml, line 14: ratings.columns.user is 0."),
        ("user = 1", 'user = "who"', "m.toml, line 14: ratings.columns.user is 'who', but the file has no header."),
        ("value = 3", "stars = 3", "m.toml, line 16: ratings.columns.stars is no role. Roles of ratings are: user,"),
        ('item = "text"', 'item = "uuid"', "m.toml, line 22: ids.item is 'uuid'. Write one of: integer, text."),
        ('kind = "rating"', 'kind = "stars"', "m.toml, line 25: values.kind is 'stars'."),
        ("lowest = -10", 'lowest = "low"', "m.toml, line 26: values.lowest is 'low'. Write a number."),
        ("highest = 10", "highest = -10", "m.toml, line 27: values.highest is not above lowest (-10)."),
        ("step = 0.25", "step = 99", "m.toml, line 28: values.step is 99."),
        ("seen = [0, -1]", 'seen = ["x"]', "m.toml, line 29: values.seen has what is no number."),
        ('decimal = ","', 'decimal = ";"', "m.toml, line 30: values.decimal is ';'."),
        ('unit = "%d.%m.%Y"', 'unit = "hours"', "m.toml, line 33: time.unit is 'hours'. Write one of seconds,"),
        ("view = 1", 'view = "much"', "m.toml, line 36: events.view is 'much'. Write a weight,"),
        ("version = 1", "version = 2", "m.toml, line 1: version is not 1."),
        ("version = 1", "version = 1\nscale = 5", "m.toml, line 2: scale is unknown."),
        ("[time]", "[times]", "m.toml, line 32: times is unknown."),
        ("version = 1", "version = ", "m.toml is not TOML: "),
    ],
)
def test_an_error_names_the_line_and_the_key(found: str, instead: str, message: str) -> None:
    assert found in WHOLE
    with pytest.raises(IngestError) as raised:
        parse_mapping(WHOLE.replace(found, instead, 1), "m.toml")
    assert str(raised.value).startswith(message)


def test_events_need_weights_and_weights_need_events() -> None:
    without = WHOLE[: WHOLE.index("[events]")]
    with pytest.raises(IngestError, match=r"events is missing. Give each event a weight"):
        parse_mapping(without, "m.toml")
    with pytest.raises(IngestError, match=r"line 13: ratings.columns.event is missing"):
        parse_mapping(WHOLE.replace("event = 4\n", ""), "m.toml")
