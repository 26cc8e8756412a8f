"""Write a mapping as a short TOML file with comments, for a person to correct."""

from __future__ import annotations

import math
from typing import Any

import tomlkit
from tomlkit.items import Table as TomlTable

from marquee.ingest.reading.mapping.reading import VERSION
from marquee.ingest.reading.mapping.schema import Mapping, Table

HEAD = (
    "How Marquee reads these files. `make inspect` wrote it: correct it and keep it in git.",
    "docs/own-data.md describes each key. A line with `guessed` deserves a look.",
)


def write_mapping(mapping: Mapping, guessed: dict[tuple[str, str], str]) -> str:
    """Return the file's text; ``guessed`` has a remark by table and key."""
    document = tomlkit.document()
    for line in HEAD:
        document.add(tomlkit.comment(line))
    document.add("version", tomlkit.item(VERSION))
    for role, table in mapping.tables.items():
        section = _section(_table_keys(table), role, guessed)
        columns = _section(table.columns, f"{role}.columns", guessed)
        if table.columns:
            section.add("columns", columns)
        document.add(role, section)
    ids = {
        "user": "integer" if mapping.integer_users else "text",
        "item": "integer" if mapping.integer_items else "text",
    }
    document.add("ids", _section(ids, "ids", guessed))
    if "value" in mapping.ratings.columns or mapping.ratings.shape == "matrix":
        document.add("values", _section(_value_keys(mapping), "values", guessed))
    if "time" in mapping.ratings.columns:
        document.add("time", _section({"unit": mapping.time}, "time", guessed))
    if mapping.events:
        document.add("events", _section({name: _plain(w) for name, w in mapping.events.items()}, "events", guessed))
    return tomlkit.dumps(document)


def _section(keys: dict[str, Any], name: str, guessed: dict[tuple[str, str], str]) -> TomlTable:
    section = tomlkit.table()
    for key, value in keys.items():
        item = tomlkit.item(list(value) if isinstance(value, tuple) else value)
        remark = guessed.get((name, key))
        if remark:
            item.comment(f"guessed: {remark}")
        section.add(key, item)
    return section


def _table_keys(table: Table) -> dict[str, Any]:
    keys: dict[str, Any] = {"files": table.files, "shape": table.shape}
    if table.query:
        keys = {"query": table.query}
    elif table.shape != "parquet":
        keys["encoding"] = table.encoding
    if table.shape in ("delimited", "matrix", "item-blocks"):
        keys["delimiter"] = table.delimiter
        if table.quote:
            keys["quote"] = table.quote
            keys["escape"] = table.escape
        if table.shape != "item-blocks":
            keys["header"] = table.header
    if table.width:
        keys["width"] = table.width
    if table.rest:
        keys["rest"] = True
    if table.shape == "matrix":
        keys |= {"first_item": table.first_item, "none": list(table.none)}
    if "genres" in table.columns:
        keys["genre_separator"] = table.genre_separator
    if table.genre_columns:
        keys["genre_columns"] = list(table.genre_columns)
    if table.genre_names:
        keys["genre_names"] = list(table.genre_names)
    if not table.required:
        keys["required"] = False
    return keys


def _value_keys(mapping: Mapping) -> dict[str, Any]:
    values = mapping.values
    keys: dict[str, Any] = {"kind": values.kind}
    if values.has_scale:
        keys |= {"lowest": _plain(values.lowest), "highest": _plain(values.highest), "step": _plain(values.step)}
    if values.seen:
        keys["seen"] = [_plain(value) for value in values.seen]
    if values.decimal != ".":
        keys["decimal"] = values.decimal
    return keys


def _plain(number: float) -> int | float:
    return int(number) if math.isfinite(number) and number == int(number) else number
