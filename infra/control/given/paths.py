"""Which paths every part of the platform reads as they are written.

A path becomes part of URIs, class paths, lists with commas, options of the JVM, and files of nginx and supervisord. Each
of these gives other characters a meaning of its own. `a,b` became two folders, and `a%20b` the folder `a b`.
"""

from __future__ import annotations

import os
import unicodedata

from infra.control.given.errors import SettingsError

RULE = "letters, digits, '-', '_', '.' and '/', with no part that begins with '-'"
# A class path names 300 jars, and Linux takes 128 KiB in one argument. A part of a path has 255 bytes at most.
LONGEST = 200
_PUNCTUATION = "-_./"
# The JVM's class path fails at characters that take four bytes in UTF-8.
_LAST_OF_JAVA = "\uffff"


def _is_safe(character: str) -> bool:
    letter = character.isalnum() or unicodedata.category(character).startswith("M")
    return (letter and character <= _LAST_OF_JAVA) or character in _PUNCTUATION


def fault(path: str, also: str = "") -> str:
    """Return what is wrong with a path's characters, or nothing.

    `also` holds further characters that this path may have.
    """
    bad = sorted({character for character in path if not _is_safe(character) and character not in also})
    if bad:
        return f"holds {', '.join('a blank' if character == ' ' else repr(character) for character in bad[:5])}"
    if any(part.startswith("-") for part in path.split("/")):
        return "has a part that begins with '-'"
    return ""


def check_place(path: str, what: str, remedy: str) -> None:
    """Check an absolute path, as it is after links are followed.

    `what` begins the message, and `remedy` says what to do. Raises SettingsError.
    """
    if found := fault(path):
        raise SettingsError(
            f"{what} {path!r}, which {found}: Hadoop, supervisor, nginx or a shell would read that as something else. "
            f"{remedy} whose path has only {RULE}."
        )
    length = len(os.fsencode(path))
    if length > LONGEST:
        raise SettingsError(
            f"{what} {path[:60]!r}..., which has {length} bytes, and commands with many paths would be too long. "
            f"{remedy} whose path has {LONGEST} bytes at most."
        )
