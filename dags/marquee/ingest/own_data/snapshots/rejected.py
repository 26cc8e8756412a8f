"""Write a rejected row's line in a snapshot, where the cleaning jobs quarantine it."""

from __future__ import annotations

import re

from marquee.ingest.reading.shapes.raw import Rejected

LONGEST_TEXT = 4096
UNSAFE = re.compile(r"[\\\x00-\x1f\x7f]")


def rejected_line(file: str, rejected: Rejected) -> bytes:
    """Return the line: an exclamation mark and the reason, file, number in it, text."""
    text = shown(rejected.text[:LONGEST_TEXT])
    return f"!{rejected.reason}\t{shown(file)}\t{rejected.number}\t{text}\n".encode("utf-8", "replace")


def shown(text: str) -> str:
    """Return text with control characters and backslashes written as Python does."""
    return UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
