"""Find out in which encoding a sample of text is, and how sure that is."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from charset_normalizer import from_bytes

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Those that files of ratings come in. charset-normalizer knows a hundred, most of them from before the web.
CANDIDATES = [
    *("cp949", "shift_jis", "euc_jp", "gb18030", "big5"),
    *("latin_1", "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256"),
]
MOST_BYTES = 64 << 10
SHOWN = 3


@dataclass(frozen=True)
class FoundEncoding:
    """Hold an encoding, whether it is sure, others that fit, and an example line."""

    name: str
    sure: bool
    others: tuple[str, ...] = ()
    example: str = ""


def find_encoding(sample: bytes) -> FoundEncoding:
    """Return the encoding of a text of which ``sample`` is the beginning.

    A byte order mark or valid UTF-8 is sure. Anything else is a guess.
    """
    for mark, name in BOMS:
        if sample.startswith(mark):
            return FoundEncoding(name, sure=True)
    wide = _without_mark(sample)
    if wide is not None:
        return FoundEncoding(wide, sure=False)
    if is_utf8(sample):
        return FoundEncoding("utf-8", sure=True)
    return _guessed(sample)


def is_utf8(sample: bytes) -> bool:
    """Return whether the bytes are UTF-8, but for a character cut at the end."""
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _without_mark(sample: bytes) -> str | None:
    """Return UTF-16's name if every second byte is zero, as in Latin text."""
    head = sample[:4096]
    if len(head) < 8:
        return None
    even, odd = head[0::2].count(0) / len(head[0::2]), head[1::2].count(0) / len(head[1::2])
    if odd > 0.4 and even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.05 else None


def _guessed(sample: bytes) -> FoundEncoding:
    lines = [line for line in sample.split(b"\n")[:-1] or [sample] if not line.isascii()]
    text = b"\n".join(lines)[:MOST_BYTES]
    matches = [match.encoding for match in from_bytes(text, cp_isolation=CANDIDATES, threshold=0.4)]
    readable = [name for name in dict.fromkeys([*matches, *CANDIDATES]) if _reads(text, name)]
    best = _best(text, readable)
    example = lines[0].rstrip(b"\r")[:120].decode(best, "replace") if lines else ""
    return FoundEncoding(best, False, tuple(name for name in readable if name != best)[:SHOWN], example)


def _best(text: bytes, readable: list[str]) -> str:
    """Return the likeliest of the encodings that read the text.

    In an Asian text nearly all bytes of characters come in pairs that the code has. A Latin text has single ones
    between ASCII letters, which such a code reads only by chance.
    """
    pairs = _share_in_long_runs(text)
    if pairs > 0.5:
        return next((name for name in readable if name in CANDIDATES[:5]), "latin_1")
    # Windows' code page has letters and quotes where Latin-1 has control characters that no text holds.
    western = "cp1252" if any(0x80 <= byte < 0xA0 for byte in text) and "cp1252" in readable else "latin_1"
    first = next((name for name in readable if name not in CANDIDATES[:5]), "latin_1")
    if first in ("latin_1", "cp1252", "cp1250", "cp1254") or pairs < 0.2:
        return western
    return first


def _share_in_long_runs(text: bytes) -> float:
    """Return which part of the bytes above 127 stands next to another one."""
    high = [byte >= 0x80 for byte in text]
    total = sum(high)
    adjacent = sum(
        1
        for place, is_high in enumerate(high)
        if is_high and ((place and high[place - 1]) or (place + 1 < len(high) and high[place + 1]))
    )
    return adjacent / total if total else 0.0


def _reads(text: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)("strict").decode(text)
    except UnicodeDecodeError:
        return False
    return True


def is_known_encoding(name: str) -> bool:
    """Return whether Python decodes text by this name and keeps bytes that are none."""
    try:
        if not codecs.lookup(name)._is_text_encoding:
            return False
        codecs.getincrementaldecoder(name)("surrogateescape").decode(b"")
    except (LookupError, ValueError):
        return False
    return True
