"""Say why an archive has no ratings, and what to do next."""

from __future__ import annotations

from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.inspection.tables import FoundTable
from marquee.ingest.reading.containers.members import Member

UNPACK = "Unpack it and give the folder."
EXPORT = "Export it as CSV or Parquet."
FETCH = "Fetch the data itself."
# How a file begins, what it is, and what a person can do with it.
FORMATS = (
    (b"SQLite format 3\0", "a SQLite database", "Read it by SOURCE= and QUERY=, as docs/own-data.md shows."),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Office file", EXPORT),
    *((start, "a 7z or rar archive", UNPACK) for start in (b"7z\xbc\xaf'\x1c", b"Rar!\x1a\x07")),
    *((start, "packed by lz4 or compress", UNPACK) for start in (b"\x04\x22\x4d\x18", b"\x1f\x9d", b"LZIP")),
    *((start, "an Arrow or Feather file", EXPORT) for start in (b"ARROW1", b"FEA1")),
    (b"ORC", "an ORC file", EXPORT),
    (b"Obj\x01", "an Avro file", EXPORT),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", EXPORT),
    (b"\x93NUMPY", "a NumPy array", EXPORT),
    *((b"\x80" + bytes([protocol]), "a Python pickle", EXPORT) for protocol in range(2, 6)),
    (b"%PDF-", "a PDF document", FETCH),
    *((start, "a picture", FETCH) for start in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8")),
    *((start, "an HTML page", FETCH) for start in (b"<!DOCTYPE html", b"<!doctype html", b"<html")),
)
# A spreadsheet or document is a zip with a file of such a name.
OFFICE = {"xl/workbook.xml", "word/document.xml", "content.xml", "xl/workbook.bin"}
HEAD_BYTES = 4096


def no_ratings(members: list[Member], tables: list[FoundTable], others: dict[str, str]) -> IngestError:
    """Return the refusal of an archive in which no file has users and items."""
    if any(member.name in OFFICE for member in members):
        return IngestError("The archive is a spreadsheet or a document of an office program. Export the sheet as CSV.")
    shaped = {table.member.name for table in tables if table.shape != "delimited"}
    for member in members[:8] if not tables or len(members) == 1 else []:
        if member.name not in shaped and (what := _known(member)):
            return IngestError(f"{member.name} {what}")
    for table in tables:
        if table.columns and not any(column.values for column in table.columns):
            names = ", ".join(table.names[:8])
            return IngestError(f"{table.member.name} has a header ({names}) and no row. Give a file with rows.")
    seen = "; ".join(f"{table.member.name} ({', '.join(c.name for c in table.columns[:8])})" for table in tables[:5])
    return IngestError(
        f"No file has a user and an item in each row. Found: {seen or ', '.join(list(others)[:8]) or 'nothing'}. "
        "Give an archive of ratings or events, or write a mapping as docs/own-data.md shows."
    )


def _known(member: Member) -> str:
    """Return what a file is and what to do, if its first bytes tell."""
    with member.open() as stream:
        head = stream.read(HEAD_BYTES)
    for start, what, then in FORMATS:
        if head.startswith(start):
            return f"is {what}, which ingest does not read. {then}"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b'{"', b"{\n", b"{\r\n", b"{ ")) and b'"' in text:
        return "is JSON, but not one object a line. Write it so by `jq -c .`."
    if text.count(b"\r") > 1 and b"\n" not in text and b"\0" not in text:
        return "ends its lines by a carriage return alone. Write them by `tr '\\r' '\\n'`."
    return ""
