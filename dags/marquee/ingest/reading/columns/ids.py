"""Tell kinds of ids, and read ids of each kind."""

from __future__ import annotations

import re

LARGEST_ID = (1 << 63) - 1
LONGEST_ID_BYTES = 256
# How a program writes that it has no id. `NA` and `None` may be somebody's name.
MISSING = frozenset({"", "\\N", "NULL", "null", "NaN", "nan", "<NA>"})
WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
KINDS = (
    ("UUID", re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")),
    ("SHA-1", re.compile(r"[0-9a-f]{40}")),
    ("SHA-256", re.compile(r"[0-9a-f]{64}")),
    ("MD5", re.compile(r"[0-9a-f]{32}")),
    ("ISBN", re.compile(r"(97[89])?[0-9]{9}[0-9Xx]")),
    ("ASIN", re.compile(r"[A-Z0-9]{10}")),
)


def kind_of_ids(values: list[str]) -> str:
    """Return what the ids look like: 'integer', 'ISBN', 'text' and so on.

    Numbers with leading zeros are text, because the zeros are part of the id.
    """
    present = [value for value in values if value not in MISSING]
    if not present:
        return "none"
    if all(value.isascii() and value.isdigit() and len(value) < 20 for value in present):
        if not any(len(value) > 1 and value[0] == "0" for value in present):
            return "integer"
        return "ISBN" if _share(present, KINDS[4][1]) > 0.9 else "text of digits"
    if all(WHOLE.fullmatch(value) and not value.startswith("-") for value in present):
        return "integer written as decimal"
    return next((name for name, pattern in KINDS if _share(present, pattern) > 0.9), "text")


def _share(values: list[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.fullmatch(value) is not None for value in values) / len(values)


def read_id(text: str, role: str, *, integer: bool) -> tuple[str | None, str]:
    """Return an id as rows have it, or None and the reason why it is none.

    An integer loses sign, leading zeros and a fraction of zeros: `1.0` is `1`.
    """
    text = text.strip()
    if text in MISSING:
        return None, f"{role}_missing"
    if integer:
        if WHOLE.fullmatch(text) is None:
            return None, f"{role}_not_integer"
        whole = text.split(".", 1)[0]
        if len(whole) > 40 or not 0 <= int(whole) <= LARGEST_ID:
            return None, f"{role}_out_of_range"
        return str(int(whole)), ""
    if CONTROL.search(text):
        return None, f"{role}_has_control_character"
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST_ID_BYTES:
        return None, f"{role}_too_long"
    return text, ""
