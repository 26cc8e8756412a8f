"""Log the progress of work on streams, for terminals and Airflow's task logs."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator

LOGGER = logging.getLogger(__name__)
SECONDS_BETWEEN_LINES = 5.0
MEBIBYTE = 1 << 20


def with_progress(chunks: Iterable[bytes], what: str, total_bytes: int | None, *, already: int = 0) -> Iterator[bytes]:
    """Yield ``chunks`` and log the MiB so far, at most once every five seconds.

    ``total_bytes`` is the expected length in bytes, or None if the source does not declare it. Of these, ``already``
    bytes were read before.
    """
    done = already
    next_line = time.monotonic() + SECONDS_BETWEEN_LINES
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        if time.monotonic() >= next_line:
            next_line = time.monotonic() + SECONDS_BETWEEN_LINES
            share = f" of {total_bytes / MEBIBYTE:.1f} ({100 * done / total_bytes:.0f} %)" if total_bytes else ""
            LOGGER.info("%s: %.1f MiB%s", what, done / MEBIBYTE, share)
