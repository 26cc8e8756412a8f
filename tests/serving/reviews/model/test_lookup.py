"""A key is found where it stands in the vocabulary, and no other key is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.reviews.model import lookup
from serving.reviews.model.lookup import Lookup

numbers = st.integers(1, 2**64 - 1)


@settings(deadline=None)
@given(st.lists(numbers, unique=True, max_size=200), st.lists(st.integers(0, 2**64 - 1), max_size=50))
def test_known_keys_are_found_at_their_places_and_others_are_not(known: list[int], others: list[int]) -> None:
    keys = np.array(sorted(known), dtype=np.uint64)
    asked = np.array([*others, *known, 0], dtype=np.uint64)
    found, places = Lookup(keys).find(asked)
    standing = {int(key): place for place, key in enumerate(keys)}
    expected = [(number, standing[int(key)]) for number, key in enumerate(asked) if int(key) in standing]
    assert list(zip(found.tolist(), places.tolist(), strict=True)) == expected


def test_keys_in_a_row_and_keys_that_differ_in_high_bits_alone_find_places() -> None:
    for keys in (np.arange(1, 50_001, dtype=np.uint64), np.arange(1, 50_001, dtype=np.uint64) << np.uint64(47)):
        found, places = Lookup(keys).find(keys)
        assert found.tolist() == places.tolist() == list(range(50_000))


def test_a_table_that_is_too_full_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_LOAD", 1.0)
    keys = np.arange(1, 5_001, dtype=np.uint64)
    found, _ = Lookup(keys).find(keys)
    assert len(found) == 5_000
