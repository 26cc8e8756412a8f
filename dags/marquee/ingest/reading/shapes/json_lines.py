"""Read JSON Lines: one object a row, whose nested values have names with points."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from marquee.ingest.reading.shapes.raw import Block, Rejected, block_of

MOST_DEPTH = 6


def value_at(found: Any, path: tuple[str, ...]) -> str | None:
    """Return the text of the value at a path, or None if there is none."""
    for name in path:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return text_of_value(found)


def text_of_value(value: Any) -> str | None:
    """Return the text of a JSON value; a list of texts is joined by '|'."""
    if value is None or isinstance(value, dict):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "|".join(str(one) for one in value if not isinstance(one, (dict, list)))
    return str(value)


def names_of(found: dict[str, Any], above: str = "", depth: int = 0) -> Iterator[tuple[str, str | None]]:
    """Yield path and text of each value in an object; points join nested names."""
    for name, value in found.items():
        path = f"{above}.{name}" if above else name
        if isinstance(value, dict) and depth < MOST_DEPTH:
            yield from names_of(value, path, depth + 1)
        else:
            yield path, text_of_value(value)


class JsonLines:
    """Read the blocks of one file; ``columns`` has the path of each role."""

    def __init__(self, columns: dict[str, str]) -> None:
        self._roles = tuple(columns)
        self._paths = tuple((name, tuple(name.split("."))) for name in columns.values())

    def blocks(self, blocks: Iterable[bytes]) -> Iterator[Block]:
        """Yield a block of columns for each block of lines."""
        number = 0
        for lines in blocks:
            rows: list[tuple[int, tuple[str | None, ...], str]] = []
            rejected: list[Rejected] = []
            for raw in lines.split(b"\n")[:-1]:
                number += 1
                found = _object(raw)
                text = raw.decode("utf-8", "replace")
                if isinstance(found, str):
                    rejected.append(Rejected(number, found, text))
                else:
                    rows.append((number, tuple(self._value(found, *path) for path in self._paths), text))
            yield block_of(rows, self._roles, rejected)

    @staticmethod
    def _value(found: dict[str, Any], name: str, path: tuple[str, ...]) -> str | None:
        # A key may have a point in its own name.
        return text_of_value(found[name]) if name in found else value_at(found, path)


def _object(raw: bytes) -> dict[str, Any] | str:
    """Return the line's object, or the reason why it has none."""
    line = raw.strip()
    if not line:
        return "empty_line"
    try:
        found = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return "not_in_encoding"
    except (ValueError, RecursionError):
        return "bad_json"
    return found if isinstance(found, dict) else "no_json_object"
