from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.publications.building.export_files import read_export
from serving.publications.format import PublicationError


def rows_in(folder: Path, columns: int) -> list[list[str | None]]:
    return [fields for _, fields in read_export(folder, columns)]


def test_reads_all_data_files_and_skips_markers_and_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "000001_0").write_text("3\tc\n")
    (tmp_path / "000000_0").write_text("1\t\\N\n2\tb")
    (tmp_path / "000002_0").write_text("")
    (tmp_path / "_SUCCESS").write_text("not\ta\trow\n")
    (tmp_path / ".000000_0.crc").write_bytes(b"\xff\xfe")
    assert rows_in(tmp_path, 2) == [["1", None], ["2", "b"], ["3", "c"]]


def test_a_row_with_another_number_of_fields_is_named_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "000000_0").write_text("1\ta\n2\n")
    with pytest.raises(PublicationError, match="/000000_0:2 has 1 fields instead of 2"):
        rows_in(tmp_path, 2)


def test_a_compressed_export_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "000000_0").write_bytes(b"\x1f\x8b\x08\x00\xff\xff")
    with pytest.raises(PublicationError, match=r"is not UTF-8 text\. Export the table uncompressed"):
        rows_in(tmp_path, 1)


def test_a_missing_export_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match=r"The export folder .*movies is missing"):
        rows_in(tmp_path / "movies", 1)


FIELDS = st.text(st.characters(exclude_characters="\t\n", exclude_categories=["Cs"]), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(FIELDS, FIELDS), max_size=8))
def test_any_text_without_tabs_and_newlines_is_read_back(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    (tmp_path / "000000_0").write_bytes("".join(f"{a}\t{b}\n" for a, b in rows).encode())
    expected = [[None if field == "\\N" else field for field in row] for row in rows]
    assert rows_in(tmp_path, 2) == expected
