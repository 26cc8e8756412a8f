"""A key is found where it stands in the vocabulary, and no other key is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.reviews.model import lookup
from serving.reviews.model.lookup import Lookup
from serving.reviews.model.ngrams import Keys

numbers = st.integers(1, 2**64 - 1)


def table(keys: Keys) -> Lookup:
    """A lookup whose rows have the place of each key, and twice that."""
    places = np.arange(len(keys), dtype=np.float32)
    return Lookup(keys, np.stack([places, 2 * places], axis=1))


@settings(deadline=None)
@given(st.lists(numbers, unique=True, max_size=200), st.lists(st.integers(0, 2**64 - 1), max_size=50))
def test_known_keys_are_found_with_their_numbers_and_others_are_not(known: list[int], others: list[int]) -> None:
    keys = np.array(sorted(known), dtype=np.uint64)
    asked = np.array([*others, *known, 0], dtype=np.uint64)
    found, slots, rows = table(keys).find(asked)
    standing = {int(key): place for place, key in enumerate(keys)}
    expected = [(number, standing[int(key)]) for number, key in enumerate(asked) if int(key) in standing]
    assert list(zip(found.tolist(), rows[:, 0].tolist(), strict=True)) == expected
    assert (rows[:, 1] == 2 * rows[:, 0]).all()
    # A key has one slot, and no other key has it.
    assert len(set(slots.tolist())) == len({place for _, place in expected})


def test_keys_in_a_row_and_keys_that_differ_in_high_bits_alone_find_places() -> None:
    for keys in (np.arange(1, 50_001, dtype=np.uint64), np.arange(1, 50_001, dtype=np.uint64) << np.uint64(47)):
        found, slots, rows = table(keys).find(keys)
        assert found.tolist() == rows[:, 0].tolist() == list(range(50_000))
        assert len(np.unique(slots)) == 50_000


def test_a_table_for_which_no_seeds_are_found_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = np.arange(1, 5_001, dtype=np.uint64)
    usual = table(keys).size
    monkeypatch.setattr(lookup, "_MULTIPLIERS", lookup._MULTIPLIERS[:3])
    tight = table(keys)
    assert tight.size > usual
    assert len(tight.find(keys)[0]) == 5_000
