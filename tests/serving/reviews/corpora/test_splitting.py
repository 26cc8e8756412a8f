"""The split: copies stay together, near copies of a test text leave the training."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.reviews.corpora.duplicates import fingerprint, jaccard, near_duplicates
from serving.reviews.corpora.reviews import Review
from serving.reviews.corpora.splitting import part_of, split, without_copies

LONG = "the story is thin but every actor plays as if the film depended on it, and so it does from start to end"


def review(text: str, label: int = 1) -> Review:
    return Review(text, label, "en", "mine", "mine.csv", 1)


def test_a_fingerprint_reads_letters_and_digits_alone() -> None:
    assert fingerprint("A good film!!") == fingerprint("a  GOOD film") == fingerprint("<b>a good</b> film")
    assert fingerprint("a good film") != fingerprint("a bad film")
    assert fingerprint("!!") != fingerprint("??")


@pytest.mark.parametrize(
    "copy", [LONG + "!", LONG.replace("thin", "slim"), LONG + " ever", "so " + LONG, LONG.replace("every", "each")]
)
def test_a_text_with_one_other_word_is_a_near_duplicate(copy: str) -> None:
    assert near_duplicates(["another film altogether, with nothing in common", copy], [LONG]) == [1]


def test_short_and_other_texts_are_no_near_duplicates() -> None:
    assert near_duplicates(["good film", "the story is thin", LONG[:50]], ["good films", LONG]) == []


@settings(deadline=None)
@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_jaccard_is_what_its_definition_says(left: set[int], right: set[int]) -> None:
    found = jaccard(np.array(sorted(left), dtype=np.uint64), np.array(sorted(right), dtype=np.uint64))
    assert found == (len(left & right) / len(left | right) if left | right else 0.0)


@settings(deadline=None)
@given(st.text(min_size=1), st.integers(0, 5))
def test_copies_of_a_text_are_in_one_part(text: str, seed: int) -> None:
    assert part_of(text, seed) == part_of(f" {text}\n", seed)


def test_four_fifths_train_a_tenth_tests_and_the_rest_is_for_choosing() -> None:
    counts = Counter(part_of(f"text number {number}", 1) for number in range(20_000))
    assert {name: round(count / 20_000, 2) for name, count in counts.items()} == {
        "training": 0.8,
        "calibration": 0.05,
        "validation": 0.05,
        "test": 0.1,
    }


def test_near_copies_of_the_test_part_are_superseded_and_counted() -> None:
    texts = [f"{LONG} {number}" for number in range(40)] + [f"short {number}" for number in range(40)]
    parts = split([review(text) for text in texts], 3)
    assert parts.test
    assert sum(parts.sizes().values()) + len(parts.superseded) == 80
    assert all(LONG in rejected.row.text for rejected in parts.superseded)
    assert {rejected.reason for rejected in parts.superseded} == {"near_duplicate_of_test"}
    assert not any(LONG in kept.text for kept in (*parts.training, *parts.validation, *parts.calibration))


def test_a_test_that_is_given_takes_its_copies_from_the_training() -> None:
    tested = [review("a good film"), review(LONG + " x")]
    kept, superseded = without_copies([review("A good film."), review(LONG + "!!!"), review("bad")], tested)
    assert [review.text for review in kept] == ["bad"]
    assert [rejected.reason for rejected in superseded] == ["duplicate_of_test", "near_duplicate_of_test"]
