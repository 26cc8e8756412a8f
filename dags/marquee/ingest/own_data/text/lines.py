"""Cut a stream of bytes in any encoding into UTF-8 blocks of whole lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from marquee.ingest.own_data.containers.members import ByteStream
from marquee.ingest.own_data.limits import CHUNK_BYTES, MAX_LINE_BYTES, refuse_long_line

BLOCK_BYTES = 4 << 20
BOM = "\ufeff".encode()
UTF8_NAMES = ("utf-8", "utf-8-sig", "utf8", "ascii", "us-ascii")


def line_blocks(stream: ByteStream, encoding: str, where: str, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Yield blocks of whole lines in UTF-8, each line with its newline.

    A byte that the encoding does not have stays as it is, so that it is no UTF-8 and its row is rejected. Raise
    IngestError for a line without an end.
    """
    parts: list[bytes] = []
    held = 0
    last_newline = False
    for chunk in _in_utf8(stream, encoding):
        if b"\n" in chunk:
            last_newline = True
        parts.append(chunk)
        held += len(chunk)
        if held >= block_bytes and last_newline:
            whole, newline, rest = b"".join(parts).rpartition(b"\n")
            yield whole + newline
            parts, held, last_newline = [rest] if rest else [], len(rest), False
        if held > MAX_LINE_BYTES and not last_newline:
            refuse_long_line(where)
    last = b"".join(parts)
    if last:
        yield last if last.endswith(b"\n") else last + b"\n"


def _in_utf8(stream: ByteStream, encoding: str) -> Iterator[bytes]:
    first = True
    if encoding.lower().replace("_", "-") in UTF8_NAMES:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk.removeprefix(BOM) if first else chunk
            first = False
        return
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    while chunk := stream.read(CHUNK_BYTES):
        if text := decoder.decode(chunk):
            yield text.removeprefix("\ufeff").encode("utf-8", "surrogateescape") if first else _encoded(text)
            first = False
    if text := decoder.decode(b"", final=True):
        yield _encoded(text)


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a pair of UTF-16, which no text has
        return text.encode("utf-8", "surrogatepass")
