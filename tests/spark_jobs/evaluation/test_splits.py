import numpy as np
import pytest
from evaluation.splits import rolling_windows
from hypothesis import given
from hypothesis import strategies as st


def test_four_parts_of_eight_seconds() -> None:
    windows = rolling_windows(np.arange(8), 4)
    assert [(w.index, w.test_from, w.test_until) for w in windows] == [(1, 2, 4), (2, 4, 6), (3, 6, 8)]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.integers(2, 12))
def test_training_ends_before_its_window_and_windows_do_not_overlap(times: list[int], slices: int) -> None:
    rated_at = np.array(times)
    tested = np.zeros(len(rated_at), dtype=int)
    for window in rolling_windows(rated_at, slices):
        train, test = window.train_mask(rated_at), window.test_mask(rated_at)
        assert train.any()
        assert test.any()
        assert rated_at[train].max() < rated_at[test].min()
        tested += test
    assert tested.max() <= 1


def test_a_first_window_without_training_data_is_refused() -> None:
    with pytest.raises(ValueError, match="first"):
        rolling_windows(np.arange(8), 4, first=0)
