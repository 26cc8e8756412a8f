"""Find n-grams in a vocabulary by one or two reads each, for thousands of n-grams in one call.

A cuckoo hash table (Pagh and Rodler 2004): an n-gram stands in one of two slots. A binary search in a million sorted keys
reads twenty places, most of them from main memory.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from serving.reviews.model.ngrams import Keys

Places = NDArray[np.int32]
_Slots = NDArray[np.int64]

# The share of the slots that are taken: above one half, some n-grams find no slot.
_LOAD: Final = 0.42
_ROUNDS: Final = 500
# Odd numbers without a pattern, two a try.
_MULTIPLIERS: Final = (
    (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F),
    (0xD6E8FEB86659FD93, 0xA0761D6478BD642F),
)
_HALF: Final = np.uint64(32)


class Lookup:
    """Where each key of a vocabulary stands. No key is zero."""

    def __init__(self, keys: Keys) -> None:
        """Build the table of distinct keys."""
        self._keys = keys
        self.size = len(keys)
        self._places: Places = np.empty(0, dtype=np.int32)
        size, attempt = max(16, int(len(keys) / _LOAD)), 0
        while len(keys):
            self._size = np.uint64(size)
            self._multipliers = np.array(_MULTIPLIERS[attempt % 2], dtype=np.uint64)[:, None]
            first, second = self._slots(keys)
            owners = _owners(first, second, size)
            if owners is not None:
                # An empty slot leads to the first key, which no other key equals.
                self._places = np.maximum(owners, 0)
                break
            size, attempt = size * 5 // 4, attempt + 1

    def _slots(self, keys: Keys) -> _Slots:
        """Return two rows: the slots in which each key may stand."""
        return (((keys * self._multipliers) >> _HALF) * self._size >> _HALF).view(np.int64)

    def find(self, keys: Keys) -> tuple[NDArray[np.intp], Places]:
        """Return which of the keys are known, and their places in the vocabulary."""
        if not len(self._places):
            return np.empty(0, np.intp), self._places
        # Both rows by the same calls: for one text, the calls cost more than what they do.
        places = self._places.take(self._slots(keys))
        equal = self._keys.take(places) == keys
        found = (equal[0] | equal[1]).nonzero()[0]
        np.copyto(places[0], places[1], where=equal[1])
        return found, places[0].take(found)


def _owners(first: _Slots, second: _Slots, size: int) -> Places | None:
    """Return which key stands in each slot, -1 for none.

    None if some key finds no slot.
    """
    owner = np.full(size, -1, dtype=np.int32)
    both = first ^ second
    present = first.copy()
    waiting = np.arange(len(first), dtype=np.int32)
    for _ in range(_ROUNDS):
        slots = present[waiting]
        displaced = owner[slots]
        owner[slots] = waiting
        # Several keys may want one slot; one of them has it now.
        losing = waiting[owner[slots] != waiting]
        waiting = np.concatenate([losing, np.unique(displaced[displaced >= 0])])
        if not len(waiting):
            return owner
        present[waiting] ^= both[waiting]
    return None
