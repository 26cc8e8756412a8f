"""Read the folders that Hive's text export writes: tab-separated UTF-8, NULL as backslash-N, any number of files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from serving.publications.format import PublicationError


def data_files(folder: Path) -> list[Path]:
    """Return an export's data files by name.

    Markers such as _SUCCESS and hidden files such as .x.crc are left out.
    """
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] not in "._")


def read_export(folder: Path, columns: int) -> Iterator[tuple[str, list[str | None]]]:
    r"""Yield (place, fields) for each row.

    The place is `file:line`, for messages. A field of `\N` is None. Files may be empty and come in any order, since rows
    have no order of their own. Raises PublicationError if the folder is missing, a row has another number of fields than
    `columns`, or the text is not UTF-8.
    """
    if not folder.is_dir():
        raise PublicationError(f"The export folder {folder} is missing. Run the table's export first.")
    for path in data_files(folder):
        # Only \n ends a line. str.splitlines and universal newlines would also break titles at \r, U+2028 and such.
        name = f"{folder.name}/{path.name}"
        with path.open(encoding="utf-8", newline="\n") as file:
            try:
                for number, line in enumerate(file, 1):
                    fields: list[str | None] = [*line.removesuffix("\n").split("\t")]
                    place = f"{name}:{number}"
                    if len(fields) != columns:
                        raise PublicationError(
                            f"{place} has {len(fields)} fields instead of {columns}. Export the table again as "
                            "tab-separated text."
                        )
                    # Few rows have a NULL, and to look at each field takes longer than to split them.
                    if "\\N" in line:
                        fields = [None if field == "\\N" else field for field in fields]
                    yield place, fields
            except UnicodeDecodeError:
                raise PublicationError(f"{name} is not UTF-8 text. Export the table uncompressed, as text.") from None
