"""Write rows of a source as a file of JSON Lines that depends on nothing but the rows.

A database returns equal rows in any order. The lines are sorted by their bytes, so that equal rows give an equal file, and
equal numbers for ids. `sort` does it in bounded memory, however many rows there are.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import subprocess
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any, cast

from marquee.ingest.errors import IngestError
from marquee.ingest.progress import SECONDS_BETWEEN_LINES

LOGGER = logging.getLogger(__name__)
SORT = ("sort", "--parallel=1", "--buffer-size=64M")
CHUNK_BYTES = 1 << 20


def plain(value: Any) -> Any:
    """Return a value of a database as JSON has it; the same value gives the same text."""
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    return str(value)  # Decimal, UUID and what else a driver has


def write_sorted(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write the rows as sorted lines; return their number.

    If the source fails half way, no file is left, and its error goes on.
    """
    count, next_line = 0, time.monotonic() + SECONDS_BETWEEN_LINES
    command = [*SORT, f"--temporary-directory={path.parent}", f"--output={path}"]
    environment = {"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as sort:
        lines, problems = cast(IO[bytes], sort.stdin), cast(IO[bytes], sort.stderr)
        try:
            for row in rows:
                line = json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, default=plain)
                lines.write(line.encode("utf-8", "replace") + b"\n")
                count += 1
                if time.monotonic() >= next_line:
                    next_line = time.monotonic() + SECONDS_BETWEEN_LINES
                    LOGGER.info("Reading the source: %s rows", count)
            lines.close()
        except BrokenPipeError:
            pass  # sort has said why, below
        except BaseException:
            sort.kill()
            with contextlib.suppress(BrokenPipeError):
                lines.close()
            sort.wait()
            path.unlink(missing_ok=True)
            raise
        problem = problems.read().decode("utf-8", "replace").strip()
    if sort.returncode:
        path.unlink(missing_ok=True)
        raise IngestError(
            f"The rows cannot be sorted ({problem}). Free space in {path.parent} and run again.", may_pass=True
        )
    return count


def digest_of(files: Iterable[tuple[str, Path]]) -> str:
    """Return one SHA-256 of the files' names and content."""
    whole = hashlib.sha256()
    for name, path in sorted(files):
        one = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                one.update(chunk)
        whole.update(f"{one.hexdigest()} {name}\n".encode())
    return whole.hexdigest()
