"""Take a bounded sample from the start, the middle and the end of a file."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from marquee.ingest.reading.containers.members import ByteStream, Member
from marquee.ingest.reading.limits import CHUNK_BYTES

PIECE_BYTES = 512 << 10
# A packed file has to be unpacked up to its end; of a very long one the sample says that it has none.
SECONDS_FOR_ONE_FILE = 6.0


@dataclass(frozen=True)
class Sample:
    """Hold pieces of a file, and what is known of its length.

    ``middle`` and ``end`` are empty if ``start`` is the whole file. ``size`` is the length in bytes, or None.
    ``whole`` is False if time ran out before the end.
    """

    start: bytes
    middle: bytes = b""
    end: bytes = b""
    size: int | None = None
    reached_end: bool = True

    @property
    def is_whole_file(self) -> bool:
        """Return whether the sample is all there is."""
        return not self.middle and not self.end and self.size == len(self.start)


def take_sample(member: Member, piece: int = PIECE_BYTES) -> Sample:
    """Return a sample of the file; memory does not depend on its length."""
    if member.path is not None and member.size is not None:
        return _of_plain_file(member.path, member.size, piece)
    with member.open() as stream:
        return _of_stream(stream, member, piece)


def _of_plain_file(path: Path, size: int, piece: int) -> Sample:
    with path.open("rb") as file:
        start = file.read(min(size, 3 * piece) if size <= 3 * piece else piece)
        if size <= 3 * piece:
            return Sample(start, size=size)
        file.seek(size // 2)
        middle = file.read(piece)
        file.seek(size - piece)
        return Sample(start, middle, file.read(piece), size)


def _of_stream(stream: ByteStream, member: Member, piece: int) -> Sample:
    started = time.monotonic()
    start = b""
    while len(start) < 3 * piece and (chunk := stream.read(min(CHUNK_BYTES, 3 * piece - len(start)))):
        start += chunk
    done = len(start)
    if done < 3 * piece:
        return Sample(start, size=done)
    middle = b""
    tail: deque[bytes] = deque()
    held = 0
    while chunk := stream.read(CHUNK_BYTES):
        done += len(chunk)
        if len(middle) < piece and stream.share_read() >= 0.5:
            middle += chunk[: piece - len(middle)]
        tail.append(chunk)
        held += len(chunk)
        while held - len(tail[0]) >= piece:
            held -= len(tail.popleft())
        if time.monotonic() - started > SECONDS_FOR_ONE_FILE:
            return Sample(start[:piece], middle, b"", member.size, reached_end=False)
    return Sample(start[:piece], middle, b"".join(tail)[-piece:], done)
