"""Write bodies and headers down shorter: by what they share with others, and without losing anything of them."""

from __future__ import annotations

import hashlib
import json
from difflib import SequenceMatcher
from typing import Any

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# Fewer lines that a page shares with another are written out.
FEWEST_LINES = 3
# Headers that many answers have: an answer that has all of a group is written down with the group's name instead.
_DATA, _PAGE = (
    [
        f"Content-Security-Policy: {policy}",
        "Cross-Origin-Resource-Policy: same-origin",
        "X-Content-Type-Options: nosniff",
        "X-Request-ID: recorded",
    ]
    for policy in ("default-src 'none'; frame-ancestors 'none'", _PAGE_POLICY)
)
_NO_REFERRER, _NO_STORE = "Referrer-Policy: no-referrer", "Cache-Control: no-store"
_VARY, _JSON = "Vary: Accept-Encoding", "Content-Type: application/json"
_PROBLEM = [*_DATA, _NO_REFERRER, _NO_STORE, "Content-Type: application/problem+json"]
_LIVE = [*_DATA, _NO_REFERRER, _JSON, _VARY, "Cache-Control: public, max-age=0, must-revalidate"]
# The first that fits is taken, so the longer ones come first.
GROUPS = {
    "<varying problem headers>": [*_PROBLEM, _VARY],
    "<live headers>": _LIVE,
    "<problem headers>": _PROBLEM,
    "<unstored JSON headers>": [*_DATA, _NO_REFERRER, _NO_STORE, _JSON],
    "<unstored headers>": [*_DATA, _NO_REFERRER, _NO_STORE],
    "<data headers>": [*_DATA, _NO_REFERRER],
    "<page headers>": [*_PAGE, _NO_REFERRER],
    "<account page headers>": [*_PAGE, "Referrer-Policy: same-origin", _NO_STORE],
}


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def parts(text: str, kind: str) -> dict[str, Any]:
    """Return a part of the SHA-256 of each part of an OpenAPI document, so that a difference says where it is."""
    if kind != "application/json":
        return {}
    document = json.loads(text)
    found = {**document["paths"], **document["components"]["schemas"]}
    return {"parts": {name: digest(json.dumps(part))[:8] for name, part in found.items()}}


def as_data(text: str) -> Any:
    """Return the JSON that a text is, under the name of the form that gives the text back to the byte, else the text."""
    try:
        data = json.loads(text)
    except ValueError:
        return text
    forms = {"spaced JSON": (", ", ": "), "compact JSON": (",", ":")}
    for form, separators in forms.items():
        if json.dumps(data, ensure_ascii=False, separators=separators) + "\n" == text:
            return {form: data}
    return text


def by_runs(lines: list[str], likest: str, before: list[str]) -> list[str]:
    """Return the lines of a page; a run that another page has too is written as its place there."""
    kept: list[str] = []
    at = 0
    for block in SequenceMatcher(None, before, lines, autojunk=False).get_matching_blocks():
        if block.size >= FEWEST_LINES or block.size == 0:
            kept += lines[at : block.b]
            kept += [f"<lines {block.a + 1} to {block.a + block.size} of {likest}>"] if block.size else []
            at = block.b + block.size
    return kept


def grouped(headers: list[str]) -> list[str]:
    """Return sorted headers; a group that is whole among them is named, first."""
    for name, group in GROUPS.items():
        if set(group) <= set(headers):
            return [name, *sorted(header for header in headers if header not in group)]
    return sorted(headers)
