"""Predictions of a model made by hand: every number can be worked out on paper."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.reviews.model.files import ModelFileError, load_model, save_model
from serving.reviews.model.sentiment import Term
from tests.serving.reviews.model.small_model import small_model

MODEL = small_model()


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
