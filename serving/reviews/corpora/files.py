"""Read a labelled corpus of one's own: CSV, TSV or JSON Lines, plain or in gz, xz or zip, in UTF-8.

A row that has no text or label, or bytes that are no UTF-8, is read all the same: cleaning rejects it with its line.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TextIO

from serving.reviews.corpora.reviews import CorpusError, RawReview

# Longer fields are no reviews; the csv module refuses fields beyond 131,072 characters, which would end the whole file.
_LONGEST_FIELD = 16 << 20
# Memory is bounded by the longest line: a file may have no line feed at all.
_LONGEST_LINE = 2 * _LONGEST_FIELD
_FORMATS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json")


def read_corpus(
    path: Path, *, text: str = "text", label: str = "label", language: str = "", corpus: str = ""
) -> Iterator[RawReview]:
    """Yield the rows of a file or archive, in its order.

    `text` and `label` name the columns; a column `language` is used where it exists, then the argument, else the
    language is found later. Raises CorpusError for a file without these columns or of another format.
    """
    name = corpus or path.name.split(".")[0]
    for member, stream in _members(path):
        suffix = PurePosixPath(member).suffix.lower()
        read = _json_rows if suffix in (".jsonl", ".ndjson", ".json") else _separated_rows(suffix)
        found = False
        try:
            for line, row in read(stream, member, (text, label)):
                found = True
                yield RawReview(
                    row.get(text, ""), row.get(label, ""), row.get("language", "") or language, name, member, line
                )
        except (csv.Error, EOFError, OSError, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise CorpusError(f"{member} could not be read to its end: {error}. Write the file again.") from error
        if not found:
            raise CorpusError(f"{member} holds no rows. Give a file with a header and at least one review.")


def _members(path: Path) -> Iterator[tuple[str, TextIO]]:
    """Yield the name and the text of each file in an archive, or of the file itself."""
    if path.exists() and not path.is_file():
        raise CorpusError(f"{path} is no file. Give a CSV, TSV or JSON Lines file, or an archive of them.")
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                names = [name for name in archive.namelist() if PurePosixPath(name).suffix.lower() in _FORMATS]
                if not names:
                    raise CorpusError(f"{path.name} holds no CSV, TSV or JSON Lines file. Put one into it.")
                for name in sorted(names):
                    with archive.open(name) as binary, _text(binary) as stream:
                        yield name, stream
            return
        opener: Callable[[Path], IO[bytes]] = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix.lower(), _plain)  # type: ignore[assignment]
        member = path.name if opener is _plain else path.stem
        with opener(path) as binary, _text(binary) as stream:
            yield member, stream
    except (OSError, zipfile.BadZipFile) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CorpusError(f"{path.name} could not be opened: {reason}. Check the path and the archive.") from error


def _plain(path: Path) -> IO[bytes]:
    return path.open("rb")


@contextmanager
def _text(binary: IO[bytes]) -> Iterator[TextIO]:
    """Give a text stream.

    A byte that is no UTF-8 becomes a lone surrogate, which cleaning finds.
    """
    stream = io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape", newline="")
    yield stream
    stream.detach()


def _lines(stream: TextIO, member: str) -> Iterator[str]:
    """Yield the lines. Raises CorpusError for one that is too long to be a row."""
    while line := stream.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise CorpusError(
                f"{member} has a line of {_LONGEST_LINE >> 20} million characters or more. Write one row a line."
            )
        yield line


def _separated_rows(suffix: str) -> Callable[[TextIO, str, tuple[str, str]], Iterator[tuple[int, dict[str, str]]]]:
    if suffix not in (".csv", ".tsv", ".txt"):
        raise CorpusError(
            f"The format {suffix or 'without a suffix'} is unknown. Give .csv, .tsv or .jsonl, or .gz of it."
        )

    def rows(stream: TextIO, member: str, wanted: tuple[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
        csv.field_size_limit(_LONGEST_FIELD)
        # Tab-separated files of reviews have quotes in their texts that close nothing.
        lines = _lines(stream, member)
        reader = csv.reader(lines) if suffix == ".csv" else csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        header = next(reader, [])
        missing = [column for column in wanted if column not in header]
        if missing:
            raise CorpusError(
                f"{member} has no column {' and no column '.join(missing)}. Its columns are {', '.join(header) or 'none'}. "
                "Name them with --text and --label."
            )
        for fields in reader:
            if fields:
                yield reader.line_num, dict(zip(header, fields, strict=False))

    return rows


def _json_rows(stream: TextIO, member: str, wanted: tuple[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the objects of JSON Lines; another line gives a row without a label."""
    for number, line in enumerate(_lines(stream, member), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            row = None
        if not isinstance(row, dict):
            yield number, {wanted[0]: line.strip()}
            continue
        if number == 1 and (missing := [column for column in wanted if column not in row]):
            raise CorpusError(
                f"{member} has no field {' and no field '.join(missing)} in its first line. Its fields are "
                f"{', '.join(map(str, row)) or 'none'}. Name them with --text and --label."
            )
        yield number, {name: _word(value) for name, value in row.items()}


def _word(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
