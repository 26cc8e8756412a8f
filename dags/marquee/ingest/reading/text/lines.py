"""Cut a stream of bytes in any encoding into UTF-8 blocks of whole lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from marquee.ingest.errors import IngestError
from marquee.ingest.reading.containers.members import ByteStream
from marquee.ingest.reading.limits import CHUNK_BYTES, MAX_LINE_BYTES, refuse_long_line

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
    for chunk in _in_utf8(stream, encoding, where):
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


def _in_utf8(stream: ByteStream, encoding: str, where: str) -> Iterator[bytes]:
    first = True
    if encoding.lower().replace("_", "-") in UTF8_NAMES:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk.removeprefix(BOM) if first else chunk
            first = False
        return
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    while chunk := stream.read(CHUNK_BYTES):
        if text := _decoded(decoder, chunk, encoding, where):
            yield text.removeprefix("\ufeff").encode("utf-8", "surrogateescape") if first else _encoded(text)
            first = False
    if text := _decoded(decoder, b"", encoding, where):
        yield _encoded(text)


def _decoded(decoder: codecs.IncrementalDecoder, chunk: bytes, encoding: str, where: str) -> str:
    try:
        return decoder.decode(chunk, final=not chunk)
    except UnicodeError as error:  # UTF-16 and UTF-32 have no place for a byte that is none of theirs
        raise not_encoded(where, encoding, error) from error


def not_encoded(where: str, encoding: str, error: UnicodeError) -> IngestError:
    """Return the refusal of a file in another encoding than the mapping says."""
    reason = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
    return IngestError(f"{where} is not {encoding} ({reason}). Correct `encoding` in the mapping, or save the file so.")


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a pair of UTF-16, which no text has
        return text.encode("utf-8", "surrogatepass")
