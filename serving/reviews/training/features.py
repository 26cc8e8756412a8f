"""Texts as sparse rows: the vocabulary of a view, its scales, and rows of length one.

A view's scales are log-count ratios (Wang and Manning 2012, section 2.1: r = log((p / |p|) / (q / |q|)), with smoothed counts p and q
of an n-gram in positive and negative texts, each text counted once), or inverse document frequencies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from serving.reviews.model.ngrams import Grams, Keys, character_grams, letter_grams, word_grams
from serving.reviews.model.normalising import words_of
from serving.reviews.model.views import Kind

# So many texts are read at once: a chunk of them stays below 200 MB of n-grams.
_CHUNK = 10_000
_NO_WORD = "\0"


@dataclass(frozen=True)
class ViewRecipe:
    """How a view is made.

    Which n-grams, how often an n-gram must come, and what its presence counts.
    """

    kind: Kind
    shortest: int
    longest: int
    scale: Literal["ratio", "idf"] = "ratio"
    least: int = 1
    # Of log-count ratios alone: added to every count.
    smoothing: float = 1.0

    @property
    def lengths(self) -> range:
        """Return the lengths of the n-grams."""
        return range(self.shortest, self.longest + 1)

    @property
    def counts(self) -> bool:
        """Return whether repeats within a text count."""
        return self.scale == "idf"


def word_numbers(texts: Sequence[str]) -> dict[str, int]:
    """Return a number, from 1 on, for each word of some normalised texts."""
    return {word: number for number, word in enumerate(sorted({word for text in texts for word in words_of(text)}), 1)}


def _chunks(
    texts: Sequence[str], recipe: ViewRecipe, numbers: Mapping[str, int]
) -> Iterator[tuple[NDArray[np.int64], Keys]]:
    """Yield row and key of each n-gram of some texts, a chunk of texts at a time."""
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start : start + _CHUNK]
        grams, sizes = _grams(chunk, recipe, numbers)
        rows = np.repeat(np.arange(start, start + len(chunk)), sizes)
        yield rows[grams.middles], grams.keys


def _grams(texts: Sequence[str], recipe: ViewRecipe, numbers: Mapping[str, int]) -> tuple[Grams, list[int]]:
    """Return the n-grams of some texts in one row.

    Also how many units each text has in it.
    """
    if recipe.kind == "words":
        lists = [[*words_of(text), _NO_WORD] for text in texts]
        return word_grams([word for words in lists for word in words], numbers, recipe.lengths), [*map(len, lists)]
    padded = [f" {text} \0" for text in texts]
    read = character_grams if recipe.kind == "characters" else letter_grams
    return read("".join(padded), recipe.lengths), [*map(len, padded)]


def vocabulary(
    texts: Sequence[str], labels: NDArray[np.int64], recipe: ViewRecipe, numbers: Mapping[str, int]
) -> tuple[Keys, NDArray[np.float32]]:
    """Return the sorted n-grams of a view and their scales."""
    keys, positive, negative = np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64)
    for rows, found in _chunks(texts, recipe, numbers):
        # Equal n-grams have one length, and those of one length come in the order of their texts.
        order = np.argsort(found, kind="stable")
        found, rows = found[order], rows[order]
        # Each text counts once for an n-gram.
        first = np.ones(len(found), dtype=bool)
        first[1:] = (found[1:] != found[:-1]) | (rows[1:] != rows[:-1])
        found, rows = found[first], rows[first]
        both = np.union1d(keys, found)
        places, old = np.searchsorted(both, found), np.searchsorted(both, keys)
        counted = labels[rows] == 1
        sums = []
        for before, mask in ((positive, counted), (negative, ~counted)):
            count = np.bincount(places[mask], minlength=len(both))
            count[old] += before
            sums.append(count)
        keys, (positive, negative) = both, sums
    kept = positive + negative >= recipe.least
    keys, positive, negative = keys[kept], positive[kept], negative[kept]
    if recipe.scale == "idf":
        scales = np.log((1 + len(texts)) / (1 + positive + negative)) + 1
    else:
        p, q = positive + recipe.smoothing, negative + recipe.smoothing
        scales = np.log((p / p.sum()) / (q / q.sum())) if len(keys) else np.empty(0)
    return keys, scales.astype(np.float32)


def rows_of(
    texts: Sequence[str], recipe: ViewRecipe, numbers: Mapping[str, int], keys: Keys, scales: NDArray[np.float32]
) -> sparse.csr_matrix:
    """Return a row of length one for each text.

    The shape is texts by n-grams. A row is zero for a text without a known n-gram.
    """
    parts = []
    for rows, found in _chunks(texts, recipe, numbers):
        places = np.searchsorted(keys, found)
        places[places == len(keys)] = 0
        known = keys[places] == found if len(keys) else np.zeros(len(found), dtype=bool)
        rows, places = rows[known], places[known]
        first = int(rows[0]) // _CHUNK * _CHUNK if len(rows) else 0
        ones = np.ones(len(rows), dtype=np.float32)
        # Entries of one place are added up.
        part = sparse.coo_matrix((ones, (rows - first, places)), shape=(_CHUNK, len(keys))).tocsr()
        parts.append(part)
    matrix = sparse.vstack(parts, format="csr")[: len(texts)]
    matrix.data = 1 + np.log(matrix.data) if recipe.counts else np.ones_like(matrix.data)
    matrix.data *= scales[matrix.indices]
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    matrix.data /= np.repeat(np.where(lengths > 0, lengths, 1), np.diff(matrix.indptr)).astype(np.float32)
    return matrix
