"""Cleaning rules, one by one, and that no row is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.reviews.corpora.cleaning import clean, without_markup
from serving.reviews.corpora.reviews import RawReview


def row(text: str, label: str = "1", language: str = "") -> RawReview:
    return RawReview(text, label, language, "mine", "mine.csv", 2)


@pytest.mark.parametrize(
    ("text", "label", "reason"),
    [
        ("", "1", "empty"),
        (" \t\n", "1", "empty"),
        ("...!!", "1", "empty"),
        ("<br/>", "1", "empty"),
        ("\x00\x01", "0", "empty"),
        ("a" * 20_001, "1", "too_long"),
        ("good", "", "wrong_label"),
        ("good", "2", "wrong_label"),
        ("good", "4 stars", "wrong_label"),
        ("caf\udce9", "1", "not_utf8"),
        ("\ud83d", "1", "not_utf8"),
    ],
)
def test_a_row_that_is_no_review_is_rejected_with_its_reason(text: str, label: str, reason: str) -> None:
    result = clean([row(text, label)])
    assert [(rejected.reason, rejected.row.line) for rejected in result.rejected] == [(reason, 2)]
    assert result.accounting() == {"rows": 1, "clean": 0, "quarantined": 1, "superseded": 0}


@pytest.mark.parametrize(
    ("text", "plain", "changes"),
    [
        ("good<br /><br />film", "good film", ["html"]),
        ("a <b>bold</b> &amp; good film", "a bold & good film", ["html"]),
        ("<script>alert(1)</script>good", "good", ["html"]),
        ("<!-- a\ncomment -->good", "good", ["html"]),
        ("i <3 this, 5 < 6 & 7 > 2", "i <3 this, 5 < 6 & 7 > 2", []),
        ("good\x00film\u200b!", "good film !", ["control_characters"]),
        ("two\r\nlines", "two lines", []),
    ],
)
def test_markup_and_control_characters_are_taken_out(text: str, plain: str, changes: list[str]) -> None:
    assert without_markup(text) == (plain, changes)


@pytest.mark.parametrize(
    ("label", "number"), [("1", 1), ("0", 0), (" Positive ", 1), ("neg", 0), ("긍정", 1), ("false", 0)]
)
def test_labels_have_several_spellings(label: str, number: int) -> None:
    assert clean([row("good film", label)]).reviews[0].label == number


def test_a_language_is_found_where_none_is_given() -> None:
    reviews = clean([row("a good film"), row("좋은 영화"), row("bon film", "1", "fr")]).reviews
    assert [review.language for review in reviews] == ["en", "ko", "fr"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=40), st.sampled_from(["0", "1", "", "x"]))))
def test_rows_in_are_clean_and_quarantined_rows(rows: list[tuple[str, str]]) -> None:
    result = clean(row(text, label) for text, label in rows)
    counts = result.accounting()
    assert counts["rows"] == len(rows) == counts["clean"] + counts["quarantined"] + counts["superseded"]
    assert sum(result.reasons().values()) == counts["quarantined"]
