"""Read a mapping file; name the line and key of what is wrong."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from marquee.ingest.errors import IngestError
from marquee.ingest.reading.columns.times import UNITS, is_pattern
from marquee.ingest.reading.limits import MAX_COLUMNS
from marquee.ingest.reading.mapping.schema import (
    NECESSARY,
    QUERY_FILE_SUFFIX,
    ROLES,
    SHAPES,
    TABLES,
    Mapping,
    Table,
    Values,
)
from marquee.ingest.reading.text.encodings import is_known_encoding

VERSION = 1
MOST_BYTES = 1 << 20
MOST_NUMBER = 1_000_000
MOST_SHOWN = 60
TABLE_KEYS: dict[str, tuple[type, ...]] = {
    "files": (str,),
    "shape": (str,),
    "encoding": (str,),
    "delimiter": (str,),
    "quote": (str,),
    "escape": (str,),
    "header": (bool,),
    "width": (int,),
    "rest": (bool,),
    "required": (bool,),
    "first_item": (int,),
    "none": (list,),
    "genre_separator": (str,),
    "genre_columns": (list,),
    "genre_names": (list,),
    "columns": (dict,),
    "query": (str,),
}
VALUE_KEYS: dict[str, tuple[type, ...]] = {
    "kind": (str,),
    "lowest": (int, float),
    "highest": (int, float),
    "step": (int, float),
    "seen": (list,),
    "decimal": (str,),
}
TYPE_NAMES = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


class Document:
    """Hold a mapping file's text, to say on which line a key is."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self._lines = text.splitlines()

    def line_of(self, table: str, key: str) -> int:
        """Return the line of a key in a table, or of the table's heading, or 1."""
        here, heading = "", 1
        for number, line in enumerate(self._lines, 1):
            if match := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line):
                here = match[1].replace('"', "").replace(" ", "")
                heading = number if here == table else heading
            elif here == table and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", line):
                return number
        return heading

    def refuse(self, table: str, key: str, problem: str, advice: str) -> IngestError:
        """Return the error of a key: where it is, what is wrong, what to write."""
        name = f"{table}.{key}" if table and key else table or key
        return IngestError(f"{self.name}, line {self.line_of(table, key)}: {name} {problem}. {advice}")


def read_mapping(path: Path) -> Mapping:
    """Return the mapping of a file.

    Raise IngestError with the line and key of what is wrong.
    """
    return parse_mapping(read_text(path), path.name)


def read_text(path: Path) -> str:
    """Return a mapping file's text; raise IngestError if it cannot be read."""
    try:
        # A device has no size, and may have no end.
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise IngestError(f"{path} has over {MOST_BYTES >> 20} MiB, and a mapping has few lines. Give the mapping.")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise IngestError(
            f"There is no readable mapping at {path} ({error.strerror}). Write one by `make inspect ARCHIVE=...`."
        ) from error
    except UnicodeDecodeError as error:
        raise IngestError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}). Save it as UTF-8.") from error


def parse_mapping(text: str, name: str) -> Mapping:
    """Return the mapping of a TOML text; ``name`` is the file's name in messages."""
    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise IngestError(f"{name} is not TOML: {error}. Correct that line.") from error
    document = Document(text, name)
    known = ("version", "values", "time", "events", "ids", *TABLES)
    for key in found:
        if key not in known:
            table = key if isinstance(found[key], dict) else ""
            raise document.refuse(table, "" if table else key, "is unknown", f"Known are: {', '.join(known)}.")
    if found.get("version", VERSION) is True or found.get("version", VERSION) != VERSION:
        raise document.refuse("", "version", "is not 1", "This version of the product reads version 1.")
    if not isinstance(found.get("ratings"), dict):
        raise document.refuse("ratings", "", "is missing", "Write a table [ratings] with the files of the rows.")
    tables = {role: _table(role, found[role], document) for role in TABLES if role in found}
    time = _section(found, "time", {"unit": (str,)}, document)
    ids = _section(found, "ids", {"user": (str,), "item": (str,)}, document)
    for key, kind in ids.items():
        _one_of(document, "ids", key, kind, ("integer", "text"))
    unit = time.get("unit", "seconds")
    if unit not in UNITS and unit != "iso" and "%" not in unit:
        raise document.refuse(
            "time",
            "unit",
            f"is {_short(unit)}",
            f"Write one of {', '.join(UNITS)}, iso, or a pattern such as %d.%m.%Y.",
        )
    if "%" in unit and not is_pattern(unit):
        raise document.refuse(
            "time", "unit", f"is {_short(unit)}, which is no pattern of strptime", "Write one such as %d.%m.%Y."
        )
    mapping = Mapping(
        tables,
        _values(found, document),
        unit,
        _events(found, document),
        ids.get("user") == "integer",
        ids.get("item") == "integer",
    )
    _refuse_what_does_not_fit(mapping, document)
    return mapping


def _section(
    found: dict[str, Any], table: str, keys: dict[str, tuple[type, ...]], document: Document
) -> dict[str, Any]:
    section = found.get(table, {})
    if not isinstance(section, dict):
        raise document.refuse("", table, "is no table", f"Write [{table}] on a line of its own.")
    for key, value in section.items():
        if key not in keys:
            raise document.refuse(table, key, "is unknown", f"Known are: {', '.join(keys)}.")
        if not isinstance(value, keys[key]) or (isinstance(value, bool) and bool not in keys[key]):
            raise document.refuse(table, key, f"is {_short(value)}", f"Write {TYPE_NAMES[keys[key][-1]]}.")
    return section


def _one_of(document: Document, table: str, key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise document.refuse(table, key, f"is {_short(value)}", f"Write one of: {', '.join(allowed)}.")


def _table(role: str, given: Any, document: Document) -> Table:
    section = dict(_section({role: given}, role, TABLE_KEYS, document))
    if section.get("query"):
        section = {"files": f"{role}{QUERY_FILE_SUFFIX}", "shape": "json-lines", **section}
    if not section.get("files"):
        raise document.refuse(
            role, "files", "is missing", "Write a file's name or a pattern such as part-*.csv, or a `query`."
        )
    if section["files"].startswith("/") or ".." in section["files"].split("/"):
        raise document.refuse(role, "files", "leads out of the archive", "Write a name as `make inspect` lists it.")
    if "\0" in section["files"]:
        raise document.refuse(role, "files", "holds a null character", "Write a name as `make inspect` lists it.")
    _one_of(document, role, "shape", section.get("shape", "delimited"), SHAPES)
    _one_of(document, role, "escape", section.get("escape", "doubled"), ("doubled", "backslash"))
    if not is_known_encoding(section.get("encoding", "utf-8")):
        raise document.refuse(
            role,
            "encoding",
            f"is {_short(section['encoding'])}, which is unknown",
            "Write one such as utf-8, latin-1, cp949 or utf-16.",
        )
    delimiter, quote = section.get("delimiter", ","), section.get("quote", "")
    if not delimiter or len(delimiter) > 4 or "\n" in delimiter or "\r" in delimiter:
        raise document.refuse(role, "delimiter", f"is {_short(delimiter)}", "Write one to four characters.")
    if len(quote) > 1 or (quote and quote in delimiter):
        raise document.refuse(
            role, "quote", f"is {_short(quote)}", "Write one character that is no delimiter, or none."
        )
    for key in ("width", "first_item"):
        if not 0 <= section.get(key, 1) <= MAX_COLUMNS:
            raise document.refuse(role, key, f"is {_short(section[key])}", f"Write a number up to {MAX_COLUMNS}.")
    columns = section.get("columns", {})
    _check_columns(role, columns, section, document)
    section = {**section, "columns": columns}
    for key in ("none", "genre_columns", "genre_names"):
        section[key] = tuple(str(value) for value in section.get(key, ()))
    for name in section["genre_columns"]:
        if name.isdecimal() and not 1 <= int(name[:9]) <= MAX_COLUMNS:
            raise document.refuse(
                role, "genre_columns", f"has {_short(name)}", f"Write numbers from 1 to {MAX_COLUMNS}."
            )
    if section["genre_names"] and len(section["genre_names"]) != len(section["genre_columns"]):
        raise document.refuse(role, "genre_names", "is not as long as genre_columns", "Write a name for each column.")
    return Table(role, **section)


def _check_columns(role: str, columns: dict[str, Any], section: dict[str, Any], document: Document) -> None:
    place = f"{role}.columns"
    for key, value in columns.items():
        if key not in ROLES[role]:
            raise document.refuse(place, key, "is no role", f"Roles of {role} are: {', '.join(ROLES[role])}.")
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise document.refuse(place, key, f"is {_short(value)}", "Write a column's name, or its number from 1.")
        if isinstance(value, int) and not 1 <= value <= MAX_COLUMNS:
            raise document.refuse(place, key, f"is {_short(value)}", f"Write a number from 1 to {MAX_COLUMNS}.")
        if (
            isinstance(value, str)
            and not section.get("header", True)
            and section.get("shape", "delimited") == "delimited"
        ):
            raise document.refuse(
                place, key, f"is {_short(value)}, but the file has no header", "Write its number from 1."
            )
    shape = section.get("shape", "delimited")
    given = {"item-blocks": ("item",), "matrix": ("user", "item", "value")}.get(shape, ())
    for key in NECESSARY[role]:
        if key not in columns and key not in given:
            raise document.refuse(place, key, "is missing", f"Name the column of the {key}.")


def _is_bounded(value: float) -> bool:
    return -MOST_NUMBER <= value <= MOST_NUMBER


def _values(found: dict[str, Any], document: Document) -> Values:
    section = dict(_section(found, "values", VALUE_KEYS, document))
    _one_of(document, "values", "kind", section.get("kind", "rating"), ("rating", "strength"))
    _one_of(document, "values", "decimal", section.get("decimal", "."), (".", ","))
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in section.get("seen", [])):
        raise document.refuse("values", "seen", "has what is no number", "Write numbers, such as [0].")
    for key in ("lowest", "highest", "step", "seen"):
        given = section.get(key, [])
        if not all(_is_bounded(value) for value in (given if isinstance(given, list) else [given])):
            problem = f"is no number from {-MOST_NUMBER} to {MOST_NUMBER}"
            raise document.refuse("values", key, problem, "Write the number as the file has it.")
    section["seen"] = tuple(float(value) for value in section.get("seen", []))
    values = Values(**section)
    if not values.lowest < values.highest:
        raise document.refuse(
            "values", "highest", f"is not above lowest ({values.lowest})", "Write the scale's two ends."
        )
    if values.step < 0 or values.step > values.highest - values.lowest:
        raise document.refuse("values", "step", f"is {values.step}", "Write the distance of two values, such as 0.5.")
    return values


def _events(found: dict[str, Any], document: Document) -> dict[str, float]:
    events = found.get("events", {})
    if not isinstance(events, dict):
        raise document.refuse("", "events", "is no table", "Write [events] on a line of its own.")
    for name, weight in events.items():
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not _is_bounded(weight):
            raise document.refuse("events", name, f"is {_short(weight)}", "Write a weight, such as 1, 3 or 5.")
    return {name: float(weight) for name, weight in events.items()}


def _refuse_what_does_not_fit(mapping: Mapping, document: Document) -> None:
    columns = mapping.ratings.columns
    if "event" in columns and not mapping.events:
        raise document.refuse(
            "events", "", "is missing", "Give each event a weight, such as view = 1 and purchase = 5."
        )
    if mapping.events and "event" not in columns:
        raise document.refuse(
            "ratings.columns", "event", "is missing", "Name the column of the events, or remove [events]."
        )
