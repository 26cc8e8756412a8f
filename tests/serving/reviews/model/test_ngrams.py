"""N-grams as numbers: exact, and the same as slicing the text."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.reviews.model.languages import detect_language
from serving.reviews.model.ngrams import character_grams, letter_grams, word_grams
from serving.reviews.model.normalising import normalise, words_of

# Code points that 16 bits hold, and no NUL.
plain = st.text(st.characters(min_codepoint=1, max_codepoint=0xFFFF), max_size=30)


def sliced(units: list[str], lengths: range) -> list[tuple[str, ...]]:
    return [tuple(units[start : start + n]) for n in lengths for start in range(len(units) - n + 1)]


@settings(deadline=None)
@given(plain)
def test_two_ngrams_of_characters_have_one_key_only_if_they_are_equal(text: str) -> None:
    grams = character_grams(text, range(1, 5))
    slices = sliced(list(text), range(1, 5))
    assert len(grams.keys) == len(slices)
    assert len(set(grams.keys.tolist())) == len(set(slices))
    assert sorted(Counter(grams.keys.tolist()).values()) == sorted(Counter(slices).values())


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "c", "unknown"]), max_size=12))
def test_ngrams_of_words_leave_out_those_with_an_unknown_word(words: list[str]) -> None:
    grams = word_grams(words, {"a": 1, "b": 2, "c": 3}, range(1, 4))
    slices = [part for part in sliced(words, range(1, 4)) if "unknown" not in part]
    assert len(grams.keys) == len(slices)
    assert len(set(grams.keys.tolist())) == len(set(slices))


@settings(deadline=None)
@given(st.lists(st.text("가각나닿ab ㅋ😀", max_size=8), max_size=6))
def test_texts_with_nul_between_them_have_the_ngrams_of_each(texts: list[str]) -> None:
    for read in (character_grams, letter_grams):
        together = read("\0".join(texts), range(1, 4)).keys.tolist()
        apart = [key for text in texts for key in read(text, range(1, 4)).keys.tolist()]
        assert Counter(together) == Counter(apart)


def test_syllables_are_taken_apart_and_the_middle_is_a_character() -> None:
    # "닿" has three letters, "아" two; "a" is one.
    assert len(letter_grams("닿", range(1, 2)).keys) == 3
    assert len(letter_grams("아", range(1, 2)).keys) == 2
    assert letter_grams("a닿", range(1, 2)).middles.tolist() == [0, 1, 1, 1]
    assert character_grams("abc", range(3, 4)).middles.tolist() == [1]
    assert set(letter_grams("가", range(1, 2)).keys.tolist()) < set(letter_grams("각", range(1, 2)).keys.tolist())


def test_an_emoji_is_one_character() -> None:
    assert len(np.unique(character_grams("😀😀😡", range(1, 2)).keys)) == 2


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("  Great\n\tFILM ", "great film"),
        ("a <b>bold</b><br/>film &amp; more", "a bold film & more"),
        ("i <3 it", "i <3 it"),
        ("재밌ㅋㅋㅋㅋㅋㅋ!!!!!!", "재밌ㅋㅋㅋ!!!"),
        ("\u1112\u1161\u11ab", "한"),
        ("a\x00b\ud800c", "a b c"),
    ],
)
def test_a_text_has_one_normal_form(text: str, normalised: str) -> None:
    assert normalise(text) == normalised


@settings(deadline=None)
@given(st.text())
def test_a_normal_form_is_one_line_without_nul(text: str) -> None:
    found = normalise(text)
    assert "\0" not in found
    assert "\n" not in found
    assert found == found.strip()


def test_words_keep_their_apostrophes_and_exclamations_are_words() -> None:
    assert words_of(normalise("Don't miss it! It\u2019s \u201cgreat\u201d, 10/10.")) == [
        "don't", "miss", "it", "!", "it's", "great", "10", "10",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("a great film with a weak end", "en"),
        ("wow", "en"),
        ("정말 great 영화", "ko"),
        ("ㅋㅋㅋ", "ko"),
        ("un film magnifique et une histoire de la vie", "other"),
        ("ein sehr guter film und nicht zu lang", "other"),
        ("una película muy buena del director", "other"),
        ("とても良い映画です", "other"),
        ("это хороший фильм", "other"),
        ("!!! 10/10", "other"),
        ("", "other"),
    ],
)
def test_a_language_is_known_by_script_and_words(text: str, language: str) -> None:
    class Everything:
        def __contains__(self, word: object) -> bool:
            return True

    assert detect_language(normalise(text), Everything()) == language
    # Without known words, Latin letters alone are no English.
    assert detect_language("qwrt zxcv", ()) == "other"
