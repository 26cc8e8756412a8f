"""Find n-grams in a vocabulary by one read each, for thousands of n-grams in one call.

A perfect hash (Fox, Heath, Chen and Daoud 1992): n-grams fall into small buckets, and each bucket has a seed that sends its
n-grams to slots that no others have. A binary search in a million sorted keys reads twenty places, most of them from main
memory. The numbers of an n-gram stand next to its key, so that one read brings both.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from serving.reviews.model.ngrams import Keys

Slots = NDArray[np.int64]
Numbers = NDArray[np.float32]

# The share of the slots that are taken at most.
_LOAD: Final = 0.7
# About four keys fall into a bucket: this is the base-two logarithm of the slots a bucket.
_BUCKET_BITS: Final = 3
_TO_BUCKETS: Final = np.uint64(0x9E3779B97F4A7C15)
# One multiplier a seed, odd and without a pattern. Seeds are small, so that those of all buckets stay in the cache.
_MULTIPLIERS: Final[Keys] = np.random.default_rng(1).integers(1 << 63, size=4096, dtype=np.uint64) * np.uint64(
    2
) + np.uint64(1)


class Lookup:
    """Where each key of a vocabulary stands, and its row of numbers. No key is zero."""

    def __init__(self, keys: Keys, numbers: Numbers) -> None:
        """Build the table of distinct keys, which have an even number of numbers each."""
        self._count, self.width = numbers.shape
        bits = max(8, int(len(keys) / _LOAD).bit_length())
        seeds = None
        while seeds is None:
            self._bucket_shift, self._slot_shift = np.uint64(64 - bits + _BUCKET_BITS), np.uint64(64 - bits)
            seeds = _seeds(keys, self._buckets(keys), bits)
            bits += 1
        self._seeds = seeds
        self.size = 1 << (64 - int(self._slot_shift))
        slots = self._slots(keys)
        self._table = np.zeros((self.size, 1 + numbers.shape[1] // 2), dtype=np.uint64)
        self._table[slots, 0] = keys
        self._table[slots, 1:] = np.ascontiguousarray(numbers, dtype=np.float32).view(np.uint64)
        if self._table[0, 0] == 0 and len(keys):
            # Zero, which no n-gram has, would find an empty slot. It does not equal a key of another slot.
            self._table[0, 0] = keys[0]

    def _buckets(self, keys: Keys) -> Slots:
        return ((keys * _TO_BUCKETS) >> self._bucket_shift).view(np.int64)

    def _slots(self, keys: Keys) -> Slots:
        multipliers = _MULTIPLIERS.take(self._seeds.take(self._buckets(keys)))
        return ((keys * multipliers) >> self._slot_shift).view(np.int64)

    def find(self, keys: Keys) -> tuple[NDArray[np.intp], Slots, Numbers]:
        """Return which of the keys are known, their slots, and a row of numbers each."""
        if not self._count:
            return np.empty(0, np.intp), np.empty(0, np.int64), np.empty((0, self.width), np.float32)
        slots = self._slots(keys)
        rows = self._table.take(slots, axis=0)
        found = (rows[:, 0] == keys).nonzero()[0]
        return found, slots.take(found), rows.take(found, axis=0)[:, 1:].view(np.float32)


def _seeds(keys: Keys, buckets: Slots, bits: int) -> NDArray[np.uint16] | None:
    """Return a seed for each bucket, so that all keys have slots of their own.

    None if some bucket finds none. The fullest buckets come first, while most slots are free.
    """
    found = np.zeros(1 << (bits - _BUCKET_BITS), dtype=np.uint16)
    order = buckets.argsort(kind="stable")
    sizes = np.bincount(buckets, minlength=len(found))
    starts = sizes.cumsum() - sizes
    taken = np.zeros(1 << bits, dtype=bool)
    owner = np.empty(1 << bits, dtype=np.int32)
    shift = np.uint64(64 - bits)
    for size in range(int(sizes.max(initial=0)), 0, -1):
        waiting = np.flatnonzero(sizes == size)
        rows = keys[order[starts[waiting][:, None] + np.arange(size)]]
        for seed, multiplier in enumerate(_MULTIPLIERS):
            if not len(waiting):
                break
            slots = ((rows * multiplier) >> shift).view(np.int64)
            # Where several want one slot, one of them has it now. A bucket wins if it has all of its own.
            claims = np.arange(slots.size, dtype=np.int32).reshape(slots.shape)
            owner[slots] = claims
            won = ((owner[slots] == claims) & ~taken[slots]).all(axis=1)
            taken[slots[won]] = True
            found[waiting[won]] = seed
            waiting, rows = waiting[~won], rows[~won]
        if len(waiting):
            return None
    return found
