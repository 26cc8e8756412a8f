"""Arrays that are as long as there are ratings, in files that are mapped into memory.

The program that trains, or that lists, needs all profiles once and a few of them now and then. In a file they cost no memory.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import IO, Any

import numpy as np

from recommender.arrays import AnyArray
from recommender.incidence import Incidence


def on_disk(pieces: Iterable[Sequence[AnyArray]], kinds: Sequence[type[np.generic]]) -> list[AnyArray]:
    """Return the columns of a table that arrives in pieces, one array each.

    `kinds` are the arrays' types. The arrays cannot be written to. Their files have no names, so that they end with the arrays.
    """
    with ExitStack() as opened:
        files = [opened.enter_context(tempfile.TemporaryFile(prefix="marquee-")) for _ in kinds]
        for piece in pieces:
            for file, values, kind in zip(files, piece, kinds, strict=True):
                file.write(np.ascontiguousarray(values, kind).data)
        return [_mapped(file, kind) for file, kind in zip(files, kinds, strict=True)]


def joined_on_disk(parts: Iterable[Incidence]) -> Incidence:
    """Return consecutive parts as one, with columns and weights in files."""
    lengths = [np.zeros(1, dtype=np.int64)]

    def pieces() -> Iterable[tuple[Any, Any]]:
        for part in parts:
            lengths.append(np.diff(part.starts))
            yield part.columns, part.weights

    columns, weights = on_disk(pieces(), (np.int32, np.float32))
    return Incidence(np.cumsum(np.concatenate(lengths)), columns, weights)


def _mapped(file: IO[bytes], kind: type[np.generic]) -> AnyArray:
    file.flush()
    size = file.tell()
    if size == 0:  # which cannot be mapped
        return np.zeros(0, dtype=kind)
    return np.frombuffer(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ), dtype=kind)
