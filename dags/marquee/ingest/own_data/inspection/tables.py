"""Turn a file's sample into a table: encoding, delimiter, header, columns."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace

import pyarrow as pa

from marquee.ingest.errors import IngestError
from marquee.ingest.reading.columns.names import TYPED, role_of_name
from marquee.ingest.reading.columns.profiles import Column
from marquee.ingest.reading.columns.values import to_number
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.limits import MAX_COLUMNS, MAX_LINE_BYTES, refuse_long_line, refuse_many_columns
from marquee.ingest.reading.shapes.item_blocks import HEADING
from marquee.ingest.reading.shapes.json_lines import names_of
from marquee.ingest.reading.shapes.parquet import MAGIC, as_text, open_parquet
from marquee.ingest.reading.text.dialects import Dialect, FoundDialect, find_dialect, rows_of
from marquee.ingest.reading.text.encodings import FoundEncoding, find_encoding
from marquee.ingest.reading.text.lines import not_encoded
from marquee.ingest.reading.text.samples import Sample, take_sample

MOST_ROWS = 20_000
MATRIX_FROM_COLUMNS = 20


@dataclass(frozen=True)
class FoundTable:
    """Hold what a sample of one file says.

    ``lines`` are whole lines of the sample in UTF-8, with the header; of Parquet they are empty, and ``columns`` has all.
    """

    member: Member
    sample: Sample
    shape: str
    encoding: FoundEncoding
    dialect: FoundDialect
    header: bool
    header_sure: bool
    names: list[str]
    columns: list[Column]
    lines: bytes = b""
    rows: int | None = None
    repeated_names: tuple[str, ...] = field(default=())

    @property
    def has_repeated_names(self) -> bool:
        """Return whether two columns have one name."""
        return bool(self.repeated_names)

    @property
    def begins_with_names(self) -> bool:
        """Return whether the first column is text: in a matrix, the users."""
        return self.columns[0].share_numbers < 0.5

    @property
    def about_rows(self) -> int | None:
        """Return the number of rows, estimated if the sample is not the whole file."""
        if self.rows is not None:
            return self.rows
        count = self.lines.count(b"\n")
        if self.sample.is_whole_file:
            return count - self.header
        if self.sample.size is None or not count:
            return None
        in_file = 2 if self.encoding.name.startswith("utf-16") else 1
        return round(self.sample.size / (len(self.lines) * in_file / count))


def look_at(member: Member, encoding: str | None = None) -> FoundTable | None:
    """Return what a file holds, or None if it is no table."""
    sample = take_sample(member)
    if sample.start.startswith(MAGIC):
        return _parquet(member, sample)
    found = find_encoding(sample.start)
    if encoding is not None:
        found = FoundEncoding(encoding, sure=True)
    elif found.sure and sample.middle + sample.end and found.name == "utf-8":
        # A file may be ASCII up to its middle.
        later = find_encoding(sample.middle.partition(b"\n")[2] + b"\n" + sample.end.partition(b"\n")[2])
        found = found if later.sure else later
    if b"\0" in sample.start and not found.name.startswith(("utf-16", "utf-32")):
        return None
    lines = _whole_lines(sample, found.name, member.name)
    texts = [line.rstrip("\r") for line in lines.decode("utf-8", "replace").split("\n")[:-1]]
    if not any(text.strip() for text in texts):
        return None
    if _is_json(texts):
        return _json_lines(member, sample, found, texts, lines)
    if texts[0].lstrip()[:1] == "[" and member.base.lower().endswith(".json"):
        raise IngestError(
            f"{member.name} is one JSON list. Ingest reads JSON Lines, one object a line. Write it by `jq -c '.[]'`."
        )
    headings = sum(HEADING.fullmatch(text.encode()) is not None for text in texts[:5000])
    if headings and HEADING.fullmatch(texts[0].encode()):
        return _item_blocks(member, sample, found, texts, lines)
    return _delimited(member, sample, found, texts, lines)


def _whole_lines(sample: Sample, encoding: str, where: str) -> bytes:
    """Return the whole lines of a sample's pieces in UTF-8."""
    pieces: list[str] = []
    for number, piece in enumerate((sample.start, sample.middle, sample.end)):
        if not piece:
            continue
        wide = 4 if encoding.startswith("utf-32") else 2 if encoding.startswith("utf-16") else 1
        name = encoding
        if number and encoding in ("utf-16", "utf-32"):
            # A piece from within has no mark that says the order of bytes.
            big_endian = sample.start[:1] in (b"\xfe", b"\0")
            name = f"{encoding}-{'be' if big_endian else 'le'}"
        try:
            text = piece[: len(piece) // wide * wide].decode(name, "surrogateescape").removeprefix("\ufeff")
        except UnicodeError as error:
            raise not_encoded(where, encoding, error) from error
        at_end = number == 2 or sample.is_whole_file
        if number:
            text = text.partition("\n")[2]
        if not at_end:
            text, newline, _ = text.rpartition("\n")
            text += newline
        elif text and not text.endswith("\n"):
            text += "\n"
        if not text and number == 0:
            _refuse_no_line(sample, where)
        pieces.append(text)
    return "".join(pieces).encode("utf-8", "surrogateescape")


def _refuse_no_line(sample: Sample, where: str) -> None:
    separators = max(sample.start.count(byte) for byte in (b",", b";", b"\t", b"|"))
    if separators > MAX_COLUMNS:
        refuse_many_columns(where, separators)
    if (sample.size or MAX_LINE_BYTES + 1) > len(sample.start):
        refuse_long_line(where)


def _is_json(texts: list[str]) -> bool:
    some = [text for text in texts[:50] if text.strip()]
    return bool(some) and sum(
        text.lstrip().startswith("{") and text.rstrip().endswith("}") for text in some
    ) >= 0.9 * len(some)


def _json_lines(member: Member, sample: Sample, encoding: FoundEncoding, texts: list[str], lines: bytes) -> FoundTable:
    rows: list[dict[str, str | None]] = []
    names: dict[str, None] = {}
    for text in _spread(texts):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            row = dict(names_of(found))
            rows.append(row)
            names.update(dict.fromkeys(row))
            if len(names) > MAX_COLUMNS:
                refuse_many_columns(member.name, len(names))
    columns = [Column(name, place, [row.get(name) or "" for row in rows]) for place, name in enumerate(names)]
    dialect = FoundDialect(Dialect(","), len(names), 1.0)
    return FoundTable(member, sample, "json-lines", encoding, dialect, False, True, list(names), columns, lines)


def _item_blocks(member: Member, sample: Sample, encoding: FoundEncoding, texts: list[str], lines: bytes) -> FoundTable:
    item, kept, items = "", [], []
    for text in texts:
        if heading := HEADING.fullmatch(text.encode()):
            item = heading[1].decode().strip()
        elif item:
            kept.append(text)
            items.append(item)
    dialect = find_dialect(kept)
    rows = [(of, row) for of, row in zip(items, rows_of(kept, dialect.dialect), strict=False) if row][:MOST_ROWS]
    fitting = [(of, row) for of, row in rows if len(row) == dialect.fields]
    columns = _columns([], [row for _, row in fitting], dialect.fields)
    columns.append(Column("item", dialect.fields, [of for of, _ in fitting]))
    return FoundTable(member, sample, "item-blocks", encoding, dialect, False, True, [], columns, lines)


def _delimited(
    member: Member, sample: Sample, encoding: FoundEncoding, texts: list[str], lines: bytes
) -> FoundTable | None:
    dialect = find_dialect(texts)
    if dialect.fields > MAX_COLUMNS:
        refuse_many_columns(member.name, dialect.fields)
    most = max(200, MOST_ROWS * 10 // max(dialect.fields, 10))
    rows = [row for row in rows_of(_spread(texts, most), dialect.dialect) if row and len(row) == dialect.fields]
    if not rows or (dialect.fields == 1) or dialect.share < 0.5:
        return None
    header, sure = _is_header(rows, dialect.fields)
    names = [name.strip().strip('"') for name in rows[0]] if header else []
    columns = _columns(names, rows[1:] if header else rows, dialect.fields)
    counted = Counter(name for name in names if name)
    repeated = tuple(name for name, times in counted.items() if times > 1)
    shape = "matrix" if _is_matrix(columns, names) else "delimited"
    return FoundTable(member, sample, shape, encoding, dialect, header, sure, names, columns, lines, None, repeated)


def _columns(names: list[str], rows: list[list[str]], width: int) -> list[Column]:
    return [
        Column(names[place] if names else str(place + 1), place, [row[place].strip() for row in rows])
        for place in range(width)
    ]


def _is_header(rows: list[list[str]], width: int) -> tuple[bool, bool]:
    """Return whether the first row has names, and whether that is sure."""
    first, rest = rows[0], rows[1:200]
    if (
        any(TYPED.fullmatch(name.strip()) for name in first)
        or sum(role_of_name(name) is not None for name in first) >= 2
    ):
        return True, True
    numeric = [place for place in range(width) if rest and all(to_number(row[place]) is not None for row in rest)]
    if any(to_number(first[place]) is not None for place in numeric):
        return False, True
    if any(first[place].strip() for place in numeric):
        return True, bool(role_of_name(first[0]) or role_of_name(first[-1]))
    return any(role_of_name(name) is not None for name in first), False


def _is_matrix(columns: list[Column], names: list[str]) -> bool:
    """Return whether nearly every column holds values of one scale, as of items."""
    if len(columns) < MATRIX_FROM_COLUMNS or sum(role_of_name(name) is not None for name in names) >= 3:
        return False
    numeric = [column for column in columns if column.share_numbers > 0.95 or not column.present]
    return len(numeric) >= 0.95 * len(columns) - 1


def _parquet(member: Member, sample: Sample) -> FoundTable:
    with open_parquet(member) as file:
        names = file.schema_arrow.names
        groups = sorted({0, file.num_row_groups // 2, max(file.num_row_groups - 1, 0)}) if file.num_row_groups else []
        batches: list[pa.RecordBatch] = []
        for group in groups:
            batches += list(zip(range(1), file.iter_batches(MOST_ROWS // 3, row_groups=[group]), strict=False))
        tables = [batch for _, batch in batches]
        columns = [
            Column(name, place, [text or "" for batch in tables for text in as_text(batch.column(place)).to_pylist()])
            for place, name in enumerate(names)
        ]
        rows = file.metadata.num_rows
    nothing = FoundDialect(Dialect(","), len(names), 1.0)
    return FoundTable(
        member, sample, "parquet", FoundEncoding("utf-8", True), nothing, True, True, names, columns, b"", rows
    )


def _spread(texts: list[str], most: int = MOST_ROWS) -> list[str]:
    """Return lines from all over a list, in groups of neighbours with the first."""
    if len(texts) <= most:
        return texts
    third = most // 3
    middle = len(texts) // 2
    return [*texts[:third], *texts[middle : middle + third], *texts[-third:]]


def with_pattern(table: FoundTable, files: str) -> FoundTable:
    """Return the table with its file's name replaced by a pattern of several parts."""
    return replace(table, member=replace(table.member, name=files))


def pattern_of(name: str) -> str:
    """Return a name with stars for digits: `part-01.csv` becomes `part-*.csv`.

    A partition's folder is one of many: `day=2/part-0.csv` becomes `day=*/part-*.csv`.
    """
    folder, slash, base = name.rpartition("/")
    folder = re.sub("=[^/]*", "=*", folder)
    return folder + slash + re.sub(r"[0-9]+([-_.][0-9a-f]{4,})*(-c[0-9]+)?", "*", base)
