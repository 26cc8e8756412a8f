"""Vocabularies, log-count ratios and rows, against the definition and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from serving.reviews.training import features
from serving.reviews.training.features import ViewRecipe, rows_of, vocabulary, word_numbers

texts = st.lists(st.text("ab 가나다😀", max_size=12).map(lambda text: " ".join(text.split())), min_size=1, max_size=12)


def test_log_count_ratios_of_two_texts() -> None:
    recipe = ViewRecipe("words", 1, 1)
    reviews = ["good good film", "bad film"]
    numbers = word_numbers(reviews)
    assert numbers == {"bad": 1, "film": 2, "good": 3}
    keys, scales = vocabulary(reviews, np.array([1, 0]), recipe, numbers)
    # Positive counts 1, 2, 2 of 5, negative 2, 2, 1 of 5: "good" counts once in its text.
    assert keys.tolist() == [1, 2, 3]
    assert scales.tolist() == pytest.approx([np.log(1 / 2), 0.0, np.log(2)])
    rows = rows_of(reviews, recipe, numbers, keys, scales).toarray()
    assert rows.tolist() == [pytest.approx([0, 0, 1.0]), pytest.approx([-1.0, 0, 0])]


def test_rare_ngrams_are_left_out_and_a_text_without_a_known_one_is_zero() -> None:
    recipe = ViewRecipe("characters", 1, 2, "idf", least=2)
    keys, scales = vocabulary(["가나", "가다"], np.array([1, 0]), recipe, {})
    # " ", "가" and " 가" are in both texts.
    assert len(keys) == 3
    assert rows_of(["x"], recipe, {}, keys[:0], scales[:0]).shape == (1, 0)
    assert rows_of(["", "x가"], recipe, {}, keys, scales).getnnz(axis=1).tolist() == [1, 2]


@settings(deadline=None)
@given(texts)
def test_rows_of_characters_are_those_of_scikit_learn(some: list[str]) -> None:
    # scikit-learn makes the two spaces around an empty text one.
    some = [text or "가" for text in some]
    recipe = ViewRecipe("characters", 1, 3, "idf")
    keys, scales = vocabulary(some, np.zeros(len(some), dtype=np.int64), recipe, {})
    counts = CountVectorizer(analyzer="char", ngram_range=(1, 3), lowercase=False).fit_transform(
        [f" {text} " for text in some]
    )
    theirs = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    ours = rows_of(some, recipe, {}, keys, scales)
    # The columns have another order: the products of rows have not.
    assert (ours @ ours.T).toarray() == pytest.approx((theirs @ theirs.T).toarray(), abs=1e-5)


@settings(deadline=None)
@given(texts, st.integers(1, 4))
def test_chunks_change_nothing(some: list[str], size: int) -> None:
    labels = np.arange(len(some)) % 2
    for recipe in (ViewRecipe("letters", 1, 4), ViewRecipe("words", 1, 2), ViewRecipe("characters", 2, 3)):
        numbers = word_numbers(some)
        keys, scales = vocabulary(some, labels, recipe, numbers)
        whole = rows_of(some, recipe, numbers, keys, scales).toarray()
        before, features._CHUNK = features._CHUNK, size
        try:
            parts = vocabulary(some, labels, recipe, numbers)
            again = rows_of(some, recipe, numbers, *parts).toarray()
        finally:
            features._CHUNK = before
        assert parts[0].tolist() == keys.tolist()
        assert parts[1].tolist() == scales.tolist()
        assert again.tolist() == whole.tolist()
