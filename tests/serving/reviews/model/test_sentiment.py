"""Predictions of a model made by hand: every number can be worked out on paper."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.reviews.model.files import ModelFileError, load_model, save_model
from serving.reviews.model.ngrams import character_grams, letter_grams, word_grams
from serving.reviews.model.sentiment import Term
from tests.serving.reviews.model.small_model import model_of_all_views, small_model

MODEL = small_model()
TEXTS = [
    "A wonderful film, and not a dull minute. A wonderful, wonderful film!",
    "this is not the worst of the bad movies that i have seen, but it is bad",
    "정말 재밌는 영화 최고 최고 최고예요 ㅋㅋㅋ",
    "지루하고 지루한 great 영화, 별로였다 😀😀",
]
ALL_VIEWS = model_of_all_views(TEXTS)
pieces = st.one_of(
    st.sampled_from(" ".join(TEXTS).split()), st.text(max_size=8), st.sampled_from([" ", "\0", "!", "<b>"])
)
mixed = st.lists(pieces, max_size=15).map(" ".join)


def test_a_score_is_the_sum_of_weights_over_the_length_of_the_row() -> None:
    # Known: "wonderful" (3.0) and "film" (0.0), two scales of one: 3 / sqrt(2), times the slope of 1.5.
    prediction = MODEL.predict("Wonderful film")
    assert prediction.probability == pytest.approx(1 / (1 + math.exp(-1.5 * 3 / math.sqrt(2))))
    assert (prediction.label, prediction.confident, prediction.language) == ("positive", True, "en")
    assert prediction.terms == [Term("wonderful", pytest.approx(1.5 * 3 / math.sqrt(2)))]
    # Three n-grams, of which "wonderful film" is unknown.
    assert prediction.known == pytest.approx(2 / 3)


def test_two_words_weigh_more_than_each_alone() -> None:
    prediction = MODEL.predict("It was not good.")
    assert prediction.label == "negative"
    assert [term.term for term in prediction.terms] == ["not good", "good"]


def test_a_korean_prediction_names_whole_words() -> None:
    prediction = MODEL.predict("정말 재밌어요 최고")
    assert (prediction.label, prediction.language) == ("positive", "ko")
    assert [term.term for term in prediction.terms] == ["최고", "재밌어요"]


@pytest.mark.parametrize(
    "text", ["", "!!!", "12", "le film est très bon", "Ein sehr guter Film und nicht", "映画は良い"]
)
def test_another_language_is_never_confident(text: str) -> None:
    prediction = MODEL.predict(text)
    assert (prediction.language, prediction.probability, prediction.confident, prediction.terms) == (
        "other",
        0.5,
        False,
        [],
    )


def test_a_given_language_is_used_and_an_unknown_one_is_named() -> None:
    assert MODEL.predict("good", "ko").known == 0.0
    assert MODEL.predict("good", "fr").language == "fr"
    assert MODEL.predict("good", "fr").confident is False


def test_a_text_without_a_known_term_is_not_confident() -> None:
    prediction = MODEL.predict("zzz", "en")
    assert (prediction.known, prediction.confident, prediction.language) == (0.0, False, "en")


@settings(deadline=None)
@given(st.lists(mixed, max_size=12), st.sampled_from([None, "en", "ko", "fr"]))
def test_a_batch_has_the_same_answers_to_the_bit(texts: list[str], language: str | None) -> None:
    single = [ALL_VIEWS.predict(text, language) for text in texts]
    assert ALL_VIEWS.predict_many(texts, language) == single
    without = ALL_VIEWS.predict_many(texts, language, with_terms=False)
    assert without == [replace(prediction, terms=[]) for prediction in single]


def test_a_batch_is_cut_into_pieces_and_keeps_its_order() -> None:
    # Some 100,000 characters a language, in turns, with one text that is a piece of its own.
    texts = [f"{TEXTS[number % 4]} {number}" for number in range(3000)]
    texts[1500] = " ".join(TEXTS[:2] * 300)
    found = ALL_VIEWS.predict_many(texts)
    for place in (0, 1, 2, 3, 749, 1499, 1500, 1501, 2998, 2999):
        assert found[place] == ALL_VIEWS.predict(texts[place])


def test_a_text_is_judged_by_every_view() -> None:
    # Worked out from the arrays of the views, without their lookup.
    text = "a dull film a dull film"
    words, padded = text.split(), f" {text} "
    model = ALL_VIEWS.languages["en"]
    score = model.bias
    for view in model.views:
        units = words if view.kind == "words" else list(padded)
        read = {
            "words": lambda part: word_grams(part, model.words, range(len(part), len(part) + 1)),
            "characters": lambda part: character_grams("".join(part), range(len(part), len(part) + 1)),
            "letters": lambda part: letter_grams("".join(part), range(len(part), len(part) + 1)),
        }[view.kind]
        slices = [units[start : start + n] for n in view.lengths for start in range(len(units) - n + 1)]
        counts = Counter(int(key) for part in slices for key in read(part).keys)
        known = {place: counts[int(key)] for place, key in enumerate(view.keys) if counts[int(key)]}
        row = {place: float(view.scales[place]) * (1 + math.log(n) if view.counts else 1) for place, n in known.items()}
        length = math.sqrt(sum(value**2 for value in row.values()))
        score += sum(value * float(view.weights[place]) for place, value in row.items()) / length
    assert ALL_VIEWS.predict(text, "en").probability == pytest.approx(model.probability(score), rel=1e-6)


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_text_has_an_answer_and_a_batch_has_the_same_answers(texts: list[str]) -> None:
    single = [MODEL.predict(text) for text in texts]
    assert MODEL.predict_many(texts) == single
    assert all(0.0 <= prediction.probability <= 1.0 and 0.0 <= prediction.known <= 1.0 for prediction in single)


def test_a_model_comes_back_from_its_file_and_has_the_same_bytes_again(tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    digest = save_model(MODEL, path)
    loaded = load_model(path, digest)
    assert loaded.predict("a wonderful movie") == MODEL.predict("a wonderful movie")
    assert (loaded.version, loaded.metadata) == ("small", {"made": "by hand"})
    assert save_model(loaded, tmp_path / "again.joblib") == digest


def test_other_bytes_are_refused_before_they_are_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    digest = save_model(MODEL, path)
    # A pickle that would make a file when it is read.
    trap = tmp_path / "trap"
    path.write_bytes(f"cpathlib\nPath.touch\n(cpathlib\nPath\n(V{trap}\ntRtR.".encode())
    with pytest.raises(ModelFileError, match=rf"model.joblib is not loaded. Its SHA-256 is \w+ and should be {digest}"):
        load_model(path, digest)
    assert not trap.exists()


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"none.joblib could not be read: No such file or directory\."):
        load_model(tmp_path / "none.joblib", "0" * 64)


@pytest.mark.parametrize("content", [b"", b"no pickle", b"x\x9c", b"\x80\x05K\x01.", b"\x80\x05}."])
def test_bytes_that_are_no_model_are_named_though_their_digest_is_right(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.joblib"
    path.write_bytes(content)
    with pytest.raises(
        ModelFileError, match=r"It is not of the format marquee-sentiment-1: .* Train it with this version"
    ):
        load_model(path, hashlib.sha256(content).hexdigest())
