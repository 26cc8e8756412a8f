"""Gram matrices that are added up in blocks: the same bits as at once, in less memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import scipy.sparse as sp
from recommender.parts.gram import ROWS_PER_BLOCK, add_gram

SIZE = 3 * ROWS_PER_BLOCK + 17


def genres() -> sp.csr_matrix:
    """Return rows of weights in which most columns meet, as movies do in genres, (6, SIZE)."""
    generator = np.random.default_rng(5)
    drawn = np.where(generator.random((6, SIZE)) < 0.6, generator.random((6, SIZE)), 0)
    return sp.csr_matrix(drawn)


def test_a_gram_matrix_is_added_in_place_with_the_bits_of_the_whole_product() -> None:
    table = genres()
    whole = np.eye(SIZE)
    add_gram(whole, table)
    assert np.array_equal(whole, np.eye(SIZE) + (table.T @ table).toarray())
    assert whole[1, 0] == whole[0, 1] > 0


def test_adding_takes_less_memory_than_the_matrix() -> None:
    table, whole = genres(), np.zeros((SIZE, SIZE))
    tracemalloc.start()
    add_gram(whole, table)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The whole product as a sparse matrix, and then as one without gaps, took 2.4 times the matrix.
    assert peak < whole.nbytes
