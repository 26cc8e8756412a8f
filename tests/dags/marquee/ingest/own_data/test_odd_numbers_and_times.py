"""Test that numbers and times as spreadsheets and shops write them are read, or that the report says why they are not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marquee.ingest.own_data.__main__ import main
from marquee.ingest.reading.columns.times import is_pattern, read_time, unit_of_times
from marquee.ingest.reading.columns.values import decimal_mark, to_number


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (["1,234", "12", "56,789"], [1234.0, 12.0, 56789.0]),
        (["1,234,567", "1,000"], [1234567.0, 1000.0]),
        (["1,234.5", "7.25"], [1234.5, 7.25]),
        (["1.234,5", "7,25"], [1234.5, 7.25]),
        (["1.234.567,0", "1,5"], [1234567.0, 1.5]),
        (["0,125", "1,500"], [0.125, 1.5]),
        (["4,5", "3"], [4.5, 3.0]),
        (["-1,234", "+2,000"], [-1234.0, 2000.0]),
        (["1.273", "0.107"], [1.273, 0.107]),
    ],
)
def test_marks_of_thousands_and_of_decimals_are_told_apart(values: list[str], numbers: list[float]) -> None:
    mark = decimal_mark(values)
    assert [to_number(value, mark) for value in values] == numbers


@given(st.lists(st.integers(1000, 10**9), min_size=1))
def test_whole_numbers_with_commas_are_read_as_they_were_written(numbers: list[int]) -> None:
    texts = [f"{number:,}" for number in numbers]
    assert [to_number(text, decimal_mark(texts)) for text in texts] == numbers


@pytest.mark.parametrize(
    "time",
    [
        *("31.12.2018 17:10", "2018.12.31 17:10", "2018.12.31 17:10:00", "31-12-2018 17:10", "31-12-2018 17:10:00"),
        *("12/31/2018 05:10 PM", "31/12/2018 05:10 PM", "12/31/2018 05:10:00 PM", "31/12/2018 5:10:00 PM"),
        *("2018-12-31 17:10:00 UTC", "2018-12-31 17:10:00.000 UTC", "2018-12-31 17:10:00 +0000 UTC"),
        *("Mon, 31 Dec 2018 17:10:00 +0000", "Mon, 31 Dec 2018 17:10:00 GMT", "Mon Dec 31 18:10:00 +0100 2018"),
        *("Dec 31, 2018, 5:10 PM", "Dec 31, 2018 17:10:00"),
    ],
)
def test_times_as_web_servers_and_spreadsheets_write_them_are_found(time: str) -> None:
    found = unit_of_times([time] * 50)
    assert found is not None
    unit, sure = found
    assert sure
    assert unit == "iso" or is_pattern(unit)
    assert read_time(time, unit) == (1_546_276_200, "")


def _report(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> str:
    (tmp_path / "r.csv").write_text(text)
    assert main(["--archive", str(tmp_path / "r.csv"), "--output", str(tmp_path / "m.toml")]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "cell", "why"),
    [
        *(("rating", cell, "not used: few of it are numbers") for cell in ("4/5", "like", "80%", "A")),
        *(("date", cell, "not used: no form of time known") for cell in ("43132.71", "yesterday", "4517505051")),
        ("at", "2018-02-01T10:00:00Z", "not used, but reads as times"),
    ],
)
def test_a_rating_or_time_that_cannot_be_read_is_not_left_out_in_silence(
    name: str, cell: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = _report(tmp_path, f"user,item,{name}\n" + "".join(f"u{n % 7},i{n},{cell}\n" for n in range(40)), capsys)
    assert f"  {name:<24} other   {why:<34} e.g. {cell}\n" in out


def test_an_order_of_day_and_month_that_could_be_another_is_said_to_be_guessed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"u{n % 7},i{n},{n % 5 + 1},0{n % 9 + 1}/0{n % 8 + 1}/2021\n" for n in range(40))
    out = _report(tmp_path, "user,item,rating,date\n" + rows, capsys)
    assert "e.g. 01/01/2021  (guessed: other orders of day and month fit too)" in out
