"""X'X of rows of whole numbers: the same bits in whatever order it is added up.

A double holds whole numbers up to 2^53 exactly, so that a sum of their products loses nothing. A process may therefore add up the rows
that it has, in batches that suit the processor, and the number of executors decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import scipy.sparse as sp

from recommender.arrays import FloatArray

# Rows of a gram matrix that are computed, and travel, together: 512 rows of 6,000 doubles are 25 MB.
ROWS_PER_BLOCK = 512
# Tables are multiplied once they have so many entries. A product of fewer costs more to add to the sum than to make.
ENTRIES_AT_ONCE = 2_000_000


def upper_gram(tables: Iterable[sp.csr_matrix], size: int) -> FloatArray:
    """Return the sum of X'X over tables X of whole numbers, (size, size).

    The tables have `size` columns. Only the upper triangle is computed, in blocks of ROWS_PER_BLOCK rows. Below the blocks' diagonal are
    zeros.
    """
    whole = np.zeros((size, size))
    for table in _joined(tables):
        by_column = table.T.tocsr()
        for start in range(0, size, ROWS_PER_BLOCK):
            rows = slice(start, start + ROWS_PER_BLOCK)
            whole[rows, start:] += (by_column[rows] @ table[:, start:]).toarray()
    return whole


def mirror(upper: FloatArray) -> None:
    """Fill what upper_gram leaves out, in place."""
    for start in range(0, len(upper), ROWS_PER_BLOCK):
        stop = start + ROWS_PER_BLOCK
        upper[stop:, start:stop] = upper[start:stop, stop:].T


def add_gram(whole: FloatArray, table: sp.csr_matrix) -> None:
    """Add X'X of a table X, (rows, size), to a matrix, (size, size), in place.

    All movies of a genre meet in X'X, so that it has few zeros. As a sparse matrix it would take more memory than `whole`.
    """
    by_column = table.T.tocsr()
    for start in range(0, len(whole), ROWS_PER_BLOCK):
        rows = slice(start, start + ROWS_PER_BLOCK)
        whole[rows] += (by_column[rows] @ table).toarray()


def _joined(tables: Iterable[sp.csr_matrix]) -> Iterator[sp.csr_matrix]:
    """Yield the rows of all tables, those of several at once."""
    held: list[sp.csr_matrix] = []
    for table in tables:
        held.append(table.astype(np.float64))
        if sum(some.nnz for some in held) >= ENTRIES_AT_ONCE:
            yield sp.vstack(held, format="csr")
            held = []
    if held:
        yield sp.vstack(held, format="csr")
