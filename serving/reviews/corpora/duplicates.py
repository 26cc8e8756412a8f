"""Texts that are the same, or nearly, on both sides of a split.

Exact: the same letters and digits in the same order. Near: at least four fifths of their n-grams in common (Jaccard),
found by MinHash (Broder 1997) and checked on the n-grams themselves, so that no row is rejected by chance.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from serving.reviews.model.ngrams import character_grams
from serving.reviews.model.normalising import normalise

NEAR = 0.8
# Sixteen bands of four: two texts with four fifths in common are missed once in 5,000 pairs.
_BANDS, _ROWS = 16, 4
_SHINGLE = 4
# Shorter texts have so few n-grams that unlike ones share most of them: they count only when they are the same.
_SHORTEST_NEAR = 16
_SEED = 20260101


def fingerprint(text: str) -> str:
    """Return 16 hexadecimal digits that texts with the same letters and digits share."""
    letters = _letters(text)
    return hashlib.sha256((letters or normalise(text)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def near_duplicates(texts: Sequence[str], others: Sequence[str]) -> list[int]:
    """Return the places of those `texts` that have a near duplicate among `others`."""
    left, right = [_shingles(text) for text in texts], [_shingles(text) for text in others]
    buckets: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for place, shingles in enumerate(right):
        for band in _bands(shingles):
            buckets[band].append(place)
    found = []
    for place, shingles in enumerate(left):
        candidates = {other for band in _bands(shingles) for other in buckets.get(band, ())}
        if any(jaccard(shingles, right[other]) >= NEAR for other in candidates):
            found.append(place)
    return found


def jaccard(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> float:
    """Return the share of two sets that both have; each is sorted and without repeats."""
    common = len(np.intersect1d(left, right, assume_unique=True))
    union = len(left) + len(right) - common
    return common / union if union else 0.0


def _letters(text: str) -> str:
    return "".join(letter for letter in normalise(text) if letter.isalnum())


def _shingles(text: str) -> NDArray[np.uint64]:
    letters = _letters(text)
    if len(letters) < _SHORTEST_NEAR:
        return np.empty(0, np.uint64)
    return np.unique(character_grams(letters, range(_SHINGLE, _SHINGLE + 1)).keys)


_FACTORS = np.random.default_rng(_SEED).integers(1, 2**63, size=(_BANDS * _ROWS, 1), dtype=np.uint64) * np.uint64(
    2
) + np.uint64(1)


def _bands(shingles: NDArray[np.uint64]) -> list[tuple[int, int]]:
    """Return a bucket a band for a set of n-grams; none for an empty one."""
    if not len(shingles):
        return []
    # Multiplying by an odd number permutes 64-bit numbers; the upper half depends on every bit of the n-gram.
    mixed = (shingles ^ (shingles >> np.uint64(31)))[None, :] * _FACTORS
    mixed ^= mixed >> np.uint64(29)
    smallest = (mixed * np.uint64(0xBF58476D1CE4E5B9)).min(axis=1).reshape(_BANDS, _ROWS)
    mixed_rows = smallest * (np.arange(_ROWS, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1))
    return list(enumerate(np.bitwise_xor.reduce(mixed_rows, axis=1).tolist()))
