"""A short text has the same prediction from what is remembered of its words as among many others, to the bit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.reviews.model.remembered import Remembered
from serving.reviews.model.sentiment import SentimentModel
from serving.reviews.model.short_texts import LONGEST, ShortTexts
from tests.serving.reviews.model.small_model import model_of_all_views, small_model

TEXTS = [
    "A wonderful film, and not a dull minute. A wonderful, wonderful film!",
    "this is not the worst of the bad movies that i have seen, but it is bad",
    "a b a b a i o haha hahaha! I don't, don't; 10/10 ?!",
    "정말 재밌는 영화 최고 최고 최고예요 ㅋㅋㅋ",
]
# Words with two views and letters with one are what the trained English model has.
MODELS = {
    "words": model_of_all_views(TEXTS, (0,)),
    "letters": model_of_all_views(TEXTS, (1,)),
    "words and letters": model_of_all_views(TEXTS, (0, 1)),
    "words twice and letters": model_of_all_views(TEXTS, (0, 1, 2)),
    "repeats of words": model_of_all_views(TEXTS, (1, 2)),
    "all, which do not fit": model_of_all_views(TEXTS),
    "made by hand": small_model(),
}
words = st.sampled_from([*" ".join(TEXTS).split(), *" ".join(TEXTS).lower().split(), "a", "zzz", "!", "le", "est"])
hostile = st.one_of(
    st.text(max_size=8),
    st.text(st.characters(max_codepoint=127), max_size=12),
    st.sampled_from(
        ["\0", "\n", "\x1f", "\xa0", "<b>", "&amp;", "&#32;", "aaaaaaa", "''", "_", "\ud83d", "\u2019", "İ"]
    ),
)
mixed = st.lists(st.one_of(words, words, hostile), max_size=40).map(" ".join)


@pytest.mark.parametrize("name", MODELS)
@settings(deadline=None, max_examples=150)
@given(text=mixed, language=st.sampled_from([None, None, "en", "ko", "fr"]))
def test_a_text_has_the_same_prediction_to_the_bit(name: str, text: str, language: str | None) -> None:
    model = MODELS[name]
    (expected,) = model.predict_many([text], language)
    # The first time its words may be new, the second time none is.
    assert [model.predict(text, language) for _ in range(2)] == [expected] * 2


def test_the_views_of_the_recipes_fit_and_others_do_not() -> None:
    fits = {name: ShortTexts.fits(model.languages["en"]) for name, model in MODELS.items()}
    assert [name for name, fit in fits.items() if not fit] == ["all, which do not fit"]


def test_what_is_remembered_is_asked_for_no_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of_all_views(TEXTS, (0, 1, 2))
    made: list[str] = []
    real = ShortTexts._made
    monkeypatch.setattr(ShortTexts, "_made", lambda self, keys: made.extend(keys) or real(self, keys))
    model.predict("A dull film")
    assert made == [" a dull", " dull film", " film "]
    model.predict("A dull film")
    model.predict("a dull filmmaker")
    assert made[3:] == [" filmmaker "]


def test_long_texts_and_other_letters_are_read_as_many_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = ShortTexts.judge
    monkeypatch.setattr(
        ShortTexts, "judge", lambda self, text, language: asked.append(text) or real(self, text, language)
    )
    for text in ("a" * LONGEST, "a" * (LONGEST + 1), "café", "재밌는 영화"):
        MODELS["words"].predict(text)
    # Runs of one letter are cut.
    assert asked == ["aaa"]
    # A text of the longest size whose pieces are as many as can be.
    text = "a " * (LONGEST // 2)
    model = MODELS["words twice and letters"]
    assert model.predict(text, "en") == model.predict_many([text], "en")[0]


def test_threads_share_what_is_remembered() -> None:
    model: SentimentModel = model_of_all_views(TEXTS, (0, 1, 2))
    texts = [f"{TEXTS[number % 3]} {number % 50} film {number % 7}" for number in range(600)]
    expected = model.predict_many(texts)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(model.predict, texts)) == expected


def test_a_generation_ends_and_what_is_asked_for_stays() -> None:
    kept: Remembered[int] = Remembered(2)
    for number, key in enumerate("abc"):
        kept.keep(key, number)
    # "a" is of the generation before, and comes into this one. The second time that pushes "c" out.
    assert kept.get("a") == 0
    kept.keep("d", 3)
    kept.keep("e", 4)
    assert [kept.get(key) for key in "abcde"] == [0, None, None, 3, 4]
    assert len(kept.present) <= 2


def test_predictions_stay_the_same_while_generations_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.reviews.model.short_texts.Remembered", lambda: Remembered(3))
    model = model_of_all_views(TEXTS, (0, 1, 2))
    assert [model.predict(text) for text in TEXTS * 2] == model.predict_many(TEXTS * 2)
