"""Describe corpora of labelled reviews: the page of `make explore DATASET=reviews`.

The rows are those of `python -m serving.reviews.corpora rows`, before cleaning.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from marquee.explore.page import document, figure, table
from marquee.explore.plots import BLUE, drawn

# Cleaning has the rules; the page counts what they will meet.
LONGEST = 20_000
LABELS = {"1": "positive", "0": "negative", "positive": "positive", "negative": "negative"}
TELLING, LEAST = 12, 20
BINS = (0, 20, 60, 200, 1_000, 5_000, float("inf"))


def read_reviews(folder: Path) -> pd.DataFrame:
    """Return the rows of a folder's JSON Lines, with label and length of each text."""
    rows = []
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            rows += [json.loads(line) for line in lines]
    frame = pd.DataFrame(rows, columns=["text", "label", "language", "corpus", "file", "line"])
    frame["named"] = frame["label"].str.strip().str.lower().map(LABELS).fillna("other")
    frame["length"] = frame["text"].str.len()
    frame["key"] = frame["text"].str.lower().str.replace(r"\W", "", regex=True)
    return frame


def reviews_page(origin: str, frame: pd.DataFrame) -> str:
    """Return the page of some reviews."""
    parts = [("Corpora", _corpora(frame)), ("What cleaning and the split will meet", _faults(frame))]
    parts.append(("Length", _lengths(frame)))
    parts += [(f"Words that tell: {name}", _words(rows)) for name, rows in frame.groupby("corpus", sort=True)]
    return document("reviews", origin, parts)


def _corpora(frame: pd.DataFrame) -> str:
    rows = [
        (name, len(part), *(int((part["named"] == label).sum()) for label in ("positive", "negative", "other")))
        for name, part in frame.groupby("corpus", sort=True)
    ]
    rows.append(("all", *(sum(int(str(row[column])) for row in rows) for column in range(1, 5))))
    return table("Rows of each corpus by label", ("Corpus", "Rows", "Positive", "Negative", "Another label"), rows)


def _faults(frame: pd.DataFrame) -> str:
    filled = frame[frame["key"] != ""]
    copies = filled.groupby("key")["named"].agg(["size", "nunique"])
    rows = [
        ("Texts without a letter or digit", int((frame["key"] == "").sum())),
        (f"Texts over {LONGEST:,} characters", int((frame["length"] > LONGEST).sum())),
        ("Labels that are neither positive nor negative", int((frame["named"] == "other").sum())),
        (
            "Texts with an HTML tag or entity",
            int(frame["text"].str.contains(r"<[a-zA-Z/!]|&[a-z]+;", regex=True).sum()),
        ),
        ("Texts that repeat another one, letter by letter", int(len(filled) - len(copies))),
        ("Texts that stand there with both labels", int((copies["nunique"] > 1).sum())),
    ]
    return table("Counts of what is unusual", ("What", "Rows"), rows)


def _lengths(frame: pd.DataFrame) -> str:
    shares = (0.05, 0.25, 0.5, 0.75, 0.95)
    rows = [
        (name, *(int(value) for value in part["length"].quantile(list(shares))), int(part["length"].max()))
        for name, part in frame.groupby("corpus", sort=True)
    ]
    head = ("Corpus", *(f"{share:.0%}" for share in shares), "Longest")
    counts = np.histogram(frame["length"], bins=[*BINS[:-1], max(BINS[-2] + 1, int(frame["length"].max()) + 1)])[0]
    names = [f"{low}-{high - 1:g}" for low, high in itertools.pairwise(BINS[:-1])] + [f"{BINS[-2]}+"]

    def draw(axes: Any) -> None:
        axes.bar(names, counts, color=BLUE)
        axes.set(xlabel="characters", ylabel="texts")

    plot = drawn(draw, f"Bars of texts by length; most frequent: {names[int(counts.argmax())]} characters")
    return table("Characters of a text", head, rows) + figure(plot, "Texts by their number of characters.")


def _words(rows: pd.DataFrame) -> str:
    """Return the words with the greatest difference of their share in both labels."""
    words = rows[["text", "named"]].assign(word=rows["text"].str.lower().str.findall(r"[^\W\d_]{2,}"))
    seen = words.explode("word").drop_duplicates(["text", "named", "word"])
    counts = (
        seen.groupby(["word", "named"])
        .size()
        .unstack(fill_value=0)
        .reindex(columns=["positive", "negative"], fill_value=0)
    )
    counts = counts[counts.sum(axis=1) >= LEAST]
    if counts.empty:
        return "<p>No word is frequent enough.</p>"
    texts = rows["named"].value_counts()
    odds = np.log((counts["positive"] + 0.5) / (texts.get("positive", 0) + 1)) - np.log(
        (counts["negative"] + 0.5) / (texts.get("negative", 0) + 1)
    )
    ordered = odds.sort_values()
    chosen: Sequence[str] = [*ordered.index[-TELLING:][::-1], *ordered.index[:TELLING]]
    found = [(word, *(int(counts[label][word]) for label in counts.columns), f"{odds[word]:+.2f}") for word in chosen]
    return table(
        "Texts of each label with a word, and the logarithm of the ratio of both shares",
        ("Word", "Positive", "Negative", "Log ratio"),
        found,
    )
