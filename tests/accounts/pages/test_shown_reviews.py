"""A long review is shown in two parts, and no character of it is lost or torn."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serving.accounts.pages.reviews.shown import shares, shown

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"


def review(text: str) -> dict[str, Any]:
    return {"text": text, "sentiment": None}


PIECES = st.sampled_from(["word ", "가나다 ", FAMILY, "\U0001f44d\U0001f3fd", "e\u0301", "\n", "x" * 50])
LONG_TEXTS = st.lists(PIECES, min_size=1, max_size=400).map("".join).filter(str.strip)


@given(LONG_TEXTS)
@example(FAMILY * 300)
@example("e\u0301" * 600)
@example("\U0001f44d\U0001f3fd" * 600)
@example("a\n" * 300)
def test_the_two_parts_are_the_text_but_for_blanks_where_it_is_cut(text: str) -> None:
    found = shown(review(text))
    assert "".join((found.beginning + found.rest).split()) == "".join(text.split())
    assert 0 < len(found.beginning) <= 600
    assert found.beginning.count("\n") < 12
    if found.rest and text[len(found.beginning) :].startswith(found.rest):
        first = found.rest[0]
        assert unicodedata.category(first) not in ("Mn", "Me")
        assert first not in "\u200d\ufe0f"
        assert not "\U0001f3fb" <= first <= "\U0001f3ff"
        assert not found.beginning.endswith("\u200d")


@pytest.mark.parametrize(
    ("text", "beginning", "rest"),
    [
        ("short", "short", ""),
        ("x" * 600, "x" * 600, ""),
        ("x" * 601, "x" * 600, "x"),
        ("word " * 200, ("word " * 120).strip(), ("word " * 80).lstrip()),
        ("\n".join("abcdefghijklmno"), "\n".join("abcdefghijkl"), "m\nn\no"),
    ],
)
def test_a_text_is_cut_behind_a_word_or_a_line(text: str, beginning: str, rest: str) -> None:
    found = shown(review(text))
    assert (found.beginning, found.rest) == (beginning, rest)


def test_shares_are_of_judged_reviews_and_the_latest_month_comes_first() -> None:
    months = [
        {"month": "2026-10", "reviews": 3, "share_positive": 1 / 3},
        {"month": "2026-11", "reviews": 1, "share_positive": 1.0},
    ]
    total, by_month = shares({"reviews": 4, "share_positive": 0.5, "months": months})
    assert total is not None
    assert (total.positive, total.percent) == (2, 50)
    assert [(share.month, share.positive, share.percent) for share in by_month] == [
        ("2026-11", 1, 100),
        ("2026-10", 1, 33),
    ]
    assert shares({"reviews": 0, "share_positive": None, "months": []}) == (None, [])
