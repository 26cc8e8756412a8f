"""Test that a mapping reads back as written, and that each error names line and key."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marquee.ingest.errors import IngestError
from marquee.ingest.movielens import MAPPINGS, shipped_mapping
from marquee.ingest.own_data.__main__ import main
from marquee.ingest.reading.mapping.reading import parse_mapping, read_mapping
from marquee.ingest.reading.mapping.writing import write_mapping
from marquee.ingest.reading.text.lines import line_blocks

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
        (
            'encoding = "cp949"',
            'encoding = "utf-99"',
            "m.toml, line 6: ratings.encoding is 'utf-99', which is unknown.",
        ),
        ('encoding = "cp949"', 'encoding = "hex"', "m.toml, line 6: ratings.encoding is 'hex', which is unknown."),
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


HUGE = "1" + "0" * 400
NUMBERS = "is no number from -1000000 to 1000000"


@pytest.mark.parametrize(
    ("found", "instead", "message"),
    [
        ("lowest = -10", f"lowest = -{HUGE}", f"m.toml, line 26: values.lowest {NUMBERS}."),
        ("lowest = -10", "lowest = -inf", f"m.toml, line 26: values.lowest {NUMBERS}."),
        ("highest = 10", "highest = 1000001", f"m.toml, line 27: values.highest {NUMBERS}."),
        ("highest = 10", "highest = 1e999", f"m.toml, line 27: values.highest {NUMBERS}."),
        ("highest = 10", "highest = nan", f"m.toml, line 27: values.highest {NUMBERS}."),
        ("step = 0.25", "step = nan", f"m.toml, line 28: values.step {NUMBERS}."),
        ("seen = [0, -1]", f"seen = [{HUGE}]", f"m.toml, line 29: values.seen {NUMBERS}."),
        ("seen = [0, -1]", "seen = [inf]", f"m.toml, line 29: values.seen {NUMBERS}."),
        ("seen = [0, -1]", "seen = [true]", "m.toml, line 29: values.seen has what is no number."),
        ("view = 1", f"view = {HUGE}", "m.toml, line 36: events.view is 1000"),
        ("view = 1", "view = nan", "m.toml, line 36: events.view is nan."),
        ("width = 5", "width = 99999999999999999999", "m.toml, line 11: ratings.width is 99999999999999999999."),
        ("version = 1", "version = true", "m.toml, line 1: version is not 1."),
        ("highest = 10", "highest = " + "9" * 5000, "m.toml is not TOML: Exceeds the limit"),
        (
            'encoding = "cp949"',
            'encoding = "u\\u0000"',
            "m.toml, line 6: ratings.encoding is 'u\\x00', which is unknown.",
        ),
        (
            'encoding = "cp949"',
            'encoding = "undefined"',
            "m.toml, line 6: ratings.encoding is 'undefined', which is unknown.",
        ),
        ('encoding = "cp949"', 'encoding = "idna"', "m.toml, line 6: ratings.encoding is 'idna', which is unknown."),
        (
            'encoding = "cp949"',
            'encoding = "punycode"',
            "m.toml, line 6: ratings.encoding is 'punycode', which is unknown.",
        ),
        ('unit = "%d.%m.%Y"', 'unit = "%"', "m.toml, line 33: time.unit is '%', which is no pattern of strptime."),
        ('unit = "%d.%m.%Y"', 'unit = "%Q"', "m.toml, line 33: time.unit is '%Q', which is no pattern of strptime."),
        ('unit = "%d.%m.%Y"', 'unit = "%d\\u0000"', "m.toml, line 33: time.unit is '%d\\x00', which is no pattern"),
        ('unit = "%d.%m.%Y"', f'unit = "{"%Y" * 200}"', "m.toml, line 33: time.unit is '%Y%Y"),
        ('files = "part-*.csv"', 'files = "a\\u0000b"', "m.toml, line 4: ratings.files holds a null character."),
        ('"buy it" = 5.5', '"\\u001b[31m\\n" = "x"', "m.toml, line 35: events.\\x1b[31m\\n is 'x'."),
        ("[time]", '["\\u202e"]', "m.toml, line 1: \\u202e is unknown."),
        ('kind = "rating"', f'kind = "{"x" * 5000}"', "m.toml, line 25: values.kind is 'xxx"),
    ],
)
def test_a_value_that_no_program_can_use_is_refused_on_one_printable_line(
    found: str, instead: str, message: str
) -> None:
    assert found in WHOLE
    with pytest.raises(IngestError) as raised:
        parse_mapping(WHOLE.replace(found, instead, 1), "m.toml")
    assert str(raised.value).startswith(message)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 400


ITEMS = '[items]\nfiles = "i.csv"\nheader = false\ngenre_columns = [3, 4]\ngenre_names = ["A", "B"]\n[items.columns]\nitem = 1\n'


@pytest.mark.parametrize(
    ("found", "instead", "message"),
    [
        ('["A", "B"]', '["A"]', "m.toml, line 43: items.genre_names is not as long as genre_columns."),
        ("[3, 4]", "[0, 4]", "m.toml, line 42: items.genre_columns has '0'. Write numbers from 1 to 10000."),
        ("[3, 4]", f"[3, {'9' * 40}]", "m.toml, line 42: items.genre_columns has '9999"),
        ("[3, 4]", "3", "m.toml, line 42: items.genre_columns is 3. Write a list."),
    ],
)
def test_columns_of_genres_that_do_not_fit_are_refused(found: str, instead: str, message: str) -> None:
    parse_mapping(WHOLE + ITEMS, "m.toml")
    with pytest.raises(IngestError) as error:
        parse_mapping((WHOLE + ITEMS).replace(found, instead), "m.toml")
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("name", sorted(path.stem for path in MAPPINGS.iterdir()))
def test_the_mappings_of_the_product_read_back_as_they_are_written(name: str) -> None:
    mapping, _ = shipped_mapping(name)
    assert parse_mapping(write_mapping(mapping, {}), "m.toml") == mapping


@pytest.mark.parametrize("unit", ["iso", "%Y-%m-%dT%H:%M:%S%z", "%Y %Z", "%d. %b %Y", "%I:%M %p %d/%m/%y", "%G-W%V-%u"])
def test_patterns_of_strptime_are_taken(unit: str) -> None:
    assert parse_mapping(WHOLE.replace("%d.%m.%Y", unit), "m.toml").time == unit


@pytest.mark.parametrize("encoding", ["utf-8-sig", "UTF16", "Windows-1252", "euc-kr", "latin 1", "utf-7"])
def test_encodings_of_text_are_taken(encoding: str) -> None:
    assert parse_mapping(WHOLE.replace("cp949", encoding), "m.toml").ratings.encoding == encoding


def test_a_mapping_that_an_editor_saved_with_a_mark_or_other_line_ends_is_read(tmp_path: Path) -> None:
    saved = tmp_path / "mapping.toml"
    saved.write_bytes(b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode())
    assert read_mapping(saved) == parse_mapping(WHOLE, "mapping.toml")


@given(st.text())
def test_any_text_is_a_mapping_or_one_refusal(text: str) -> None:
    said = ""
    try:
        parse_mapping(text, "m.toml")
    except IngestError as error:
        said = str(error)
    assert said.isprintable()


TOML_VALUES = st.sampled_from(
    [
        *(
            "nan",
            "inf",
            "-inf",
            "1e999",
            "true",
            "0",
            "-1",
            "1.5",
            "9" * 30,
            "9" * 5000,
            HUGE,
            "2020-01-01",
            "07:32:00",
        ),
        *(
            '""',
            '"\\u0000"',
            '"\\u202e"',
            '"%"',
            '"x"',
            '"undefined"',
            "[]",
            "[[]]",
            "[{}]",
            "{}",
            "{ a = nan }",
            "0xfff",
        ),
    ]
)


@given(line=st.sampled_from([line for line in WHOLE.splitlines() if " = " in line]), value=TOML_VALUES)
def test_any_value_of_any_key_gives_a_mapping_or_one_refusal_and_no_traceback(
    line: str, value: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("own")
    (folder / "part-1.csv").write_text("'1'::2::3,5::view::23.11.2026\n", encoding="cp949")
    (folder / "m.toml").write_text(WHOLE.replace(line, f"{line.partition(' = ')[0]} = {value}", 1), encoding="utf-8")
    assert main(["--archive", str(folder / "part-1.csv"), "--mapping", str(folder / "m.toml")]) in (0, 1)


def test_what_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.csv").write_text("user,item,rating\n1,2,3\n2,3,4\n", encoding="ascii")
    given = ["--archive", str(tmp_path / "r.csv"), "--output"]
    (tmp_path / "folder.toml").mkdir()
    assert main([*given, str(tmp_path / "folder.toml")]) == 1
    assert capsys.readouterr().err.endswith("cannot be written (Is a directory). Give another --output.\n")
    (tmp_path / "mapping.toml").write_text("# mine\n", encoding="ascii")
    (tmp_path / "mapping.proposed.toml").mkdir()
    assert main([*given, str(tmp_path / "mapping.toml")]) == 1
    assert "mapping.proposed.toml cannot be written (Is a directory)." in capsys.readouterr().err


def test_a_column_that_is_missing_is_named_on_one_printable_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.csv").write_text("u\x1b[31m,i\n1,2\n2,3\n", encoding="ascii")
    (tmp_path / "m.toml").write_text('[ratings]\nfiles = "r.csv"\ncolumns = { user = "u", item = "i" }\n', "utf-8")
    assert main(["--archive", str(tmp_path / "r.csv"), "--mapping", str(tmp_path / "m.toml")]) == 1
    said = capsys.readouterr().err
    assert "r.csv has no column 'u' for [ratings.columns]. It has: u\\x1b[31m, i. " in said
    assert said.rstrip("\n").isprintable()


@pytest.mark.parametrize(("encoding", "row"), [("utf-32", b"1,2\n"), ("utf-7", b"+\xff-1,2\n")])
def test_a_file_in_another_encoding_than_the_mapping_says_is_a_sentence(
    encoding: str, row: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.csv").write_bytes(b"u,i\n" + row * 9)
    table = f'[ratings]\nfiles = "r.csv"\nencoding = "{encoding}"\ncolumns = {{ user = "u", item = "i" }}\n'
    (tmp_path / "m.toml").write_text(table, "utf-8")
    assert main(["--archive", str(tmp_path / "r.csv"), "--mapping", str(tmp_path / "m.toml")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"inspect: r.csv is not {encoding} (")
    assert said.endswith("). Correct `encoding` in the mapping, or save the file so.\n")


def test_a_mapping_that_reads_no_row_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.csv").write_bytes(b"u,i\n+\xff-1,2\n" * 9)
    table = '[ratings]\nfiles = "r.csv"\nencoding = "utf-16"\ncolumns = { user = "u", item = "i" }\n'
    (tmp_path / "m.toml").write_text(table, "utf-8")
    assert main(["--archive", str(tmp_path / "r.csv"), "--mapping", str(tmp_path / "m.toml")]) == 1
    assert capsys.readouterr().err == (
        "inspect: r.csv has no row that the mapping reads. "
        "Correct its encoding, shape, delimiter or header, or give another file.\n"
    )


@pytest.mark.parametrize(
    ("encoding", "content"), [("utf-16", b"1,2\n"), ("utf-16-le", b"\0\xd8\0\xd8"), ("utf-32", b"1")]
)
def test_a_run_that_reads_the_whole_file_refuses_another_encoding_too(encoding: str, content: bytes) -> None:
    with pytest.raises(IngestError, match=rf"^r\.csv is not {encoding} \(.*\)\. Correct `encoding` in the mapping"):
        list(line_blocks(io.BytesIO(content), encoding, "r.csv"))


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/random"])
def test_a_device_is_no_mapping(device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.csv").write_bytes(b"u,i\n1,2\n")
    assert main(["--archive", str(tmp_path / "r.csv"), "--mapping", device]) == 1
    assert capsys.readouterr().err == (
        f"inspect: {device} has over 1 MiB, and a mapping has few lines. Give the mapping.\n"
    )
