"""Reads `.env`: the lines that Docker Compose and this program read alike; all others are refused by their number."""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from infra.control.given.errors import SettingsError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXPORT = re.compile(r"export[ \t]+")
_QUOTED = re.compile(r"""(['"])(.*?)\1[ \t]*(?:#.*)?""")
_COMMENT = re.compile(r"[ \t]#.*")
_OTHER_ENCODINGS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SHOWN = 60


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{path.name} can't be read: {error.strerror}. Make it a file that you may read, or remove it."
        ) from None
    advice = "Save the file as UTF-8."
    if content.startswith(_OTHER_ENCODINGS):
        raise SettingsError(f"{path.name} line 1 begins with the mark of UTF-16. {advice}")
    for number, line in enumerate(content.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        try:
            text = line.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as error:
            raise SettingsError(
                f"{path.name} line {number} is not UTF-8, since it has the byte 0x{line[error.start]:02X}. {advice}"
            ) from None
        control = next((character for character in text if character < " " and character != "\t"), None)
        if control is not None:
            raise SettingsError(f"{path.name} line {number} holds the control character {control!r}. Remove it.")
        yield number, text.strip()


def _plain_value(text: str) -> str:
    quoted = _QUOTED.fullmatch(text.strip())
    return quoted[2] if quoted else _COMMENT.sub("", text).strip()


def _check(place: str, text: str) -> None:
    """Check that Docker Compose reads the same value from the same file.

    Raises SettingsError.
    """
    if text[:1] in ("'", '"'):
        quoted = _QUOTED.fullmatch(text)
        if not quoted:
            raise SettingsError(
                f"{place} begins with a quote that does not end the value. Close it once, or leave the quotes out."
            )
        if quoted[1] == '"' and ("$" in quoted[2] or "\\" in quoted[2]):
            raise SettingsError(
                f"{place} has a $ or a backslash in double quotes, which programs read differently. "
                "Put the value in single quotes."
            )
    elif text.startswith("#"):
        raise SettingsError(f"{place} begins with a #. Leave it empty, and put the comment on a line of its own.")
    elif "$" in _COMMENT.sub("", text):
        raise SettingsError(
            f"{place} has a $, and no variable is put in its place. Write the value itself, "
            "or put it in single quotes if the $ belongs to it."
        )


def read_env_file(path: Path, settings: Collection[str] = ()) -> dict[str, str]:
    """Return the NAME=value pairs of a `.env` file.

    Quotes around a value and a comment (` # ...`) after it are left out. Raises SettingsError for other lines, and for one
    of the `settings` that is there twice.
    """
    values: dict[str, str] = {}
    found_at: dict[str, int] = {}
    # A link to nothing counts as a file, since its user expects settings from it.
    if not path.exists() and not path.is_symlink():
        return values
    for number, text in _lines(path):
        if not text or text.startswith("#"):
            continue
        exported = _EXPORT.match(text)
        name, equals, value = text[exported.end() if exported else 0 :].partition("=")
        name, place = name.strip(), f"{path.name} line {number}"
        if not equals or not _NAME.fullmatch(name):
            raise SettingsError(f"{place} is not NAME=value: {text[:_SHOWN]!r}. Correct or remove it.")
        if name in settings:
            _check(f"{place}: the value of {name}", value.strip())
        if name in settings and name in found_at:
            raise SettingsError(f"{path.name} sets {name} on lines {found_at[name]} and {number}. Remove one of them.")
        found_at[name] = number
        values[name] = _plain_value(value)
    return values
