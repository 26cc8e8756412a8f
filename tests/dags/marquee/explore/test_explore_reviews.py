"""The page about labelled reviews: counts by hand, and texts that are hostile to a page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from marquee.explore.__main__ import main
from marquee.explore.reviews import read_reviews, reviews_page


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    folder = tmp_path / "rows"
    folder.mkdir()
    texts = [
        *((f"wonderful film {n}", "1") for n in range(30)),
        *((f"dull film {n}", "negative") for n in range(30)),
        *(("Good!", "1"), ("good", "0"), ("<script>alert(1)</script>", "1"), ("", "1"), ("x" * 20_001, "0")),
        *(("fine", "4 stars"), ("caf\udce9", "1")),
    ]
    lines = [
        json.dumps({"text": text, "label": label, "language": "", "corpus": "mine", "file": "m", "line": n}) + "\n"
        for n, (text, label) in enumerate(texts)
    ]
    (folder / "mine.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def cells(page: str, name: str) -> list[str]:
    """Return the cells of the row with a name."""
    found = re.search(rf"<th scope=\"row\">{re.escape(name)}</th>(.*?)</tr>", page)
    assert found is not None, name
    return re.findall(r"<td[^>]*>(.*?)</td>", found[1])


def test_the_page_counts_labels_faults_and_telling_words(rows: Path) -> None:
    page = reviews_page("mine", read_reviews(rows))
    assert cells(page, "mine")[:4] == ["67", "34", "32", "1"]
    assert cells(page, "all") == ["67", "34", "32", "1"]
    assert cells(page, "Texts without a letter or digit") == ["1"]
    assert cells(page, "Texts over 20,000 characters") == ["1"]
    assert cells(page, "Labels that are neither positive nor negative") == ["1"]
    assert cells(page, "Texts with an HTML tag or entity") == ["1"]
    assert cells(page, "Texts that repeat another one, letter by letter") == ["1"]
    assert cells(page, "Texts that stand there with both labels") == ["1"]
    assert cells(page, "wonderful")[:2] == ["30", "0"]
    assert cells(page, "dull")[:2] == ["0", "30"]


def test_the_program_writes_a_page_that_no_text_can_change(rows: Path, tmp_path: Path) -> None:
    output = tmp_path / "out/reviews.html"
    assert main(["--reviews", str(rows), "--output", str(output)]) == 0
    assert "<script" not in output.read_text(encoding="utf-8")
    assert [path.name for path in output.parent.iterdir()] == ["reviews.html"]
