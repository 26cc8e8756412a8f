"""A small corpus of one's own: some of the embedded reviews, with columns of other names."""

import csv
from itertools import islice
from pathlib import Path

from serving.reviews.corpora.embedded import read_embedded
from serving.reviews.corpora.reviews import RawReview

HEADER = ("comment", "stars", "language")
# One row is empty, and one has a label that is none. One of the Korean reviews is empty too.
BAD = [("", "1", "en"), ("no label at all", "3", "en")]


def some(corpus: str, label: str, number: int) -> list[RawReview]:
    """Return the first reviews of a corpus and a label."""
    return list(islice((row for row in read_embedded(corpus) if row.label == label), number))


def write_small_reviews(path: Path, english: int = 300, korean: int = 700) -> int:
    """Write so many reviews of each language and label as CSV, with some bad rows; return the number of rows."""
    rows = [
        (row.text, row.label, row.language)
        for corpus, number in (("sentence_polarity", english), ("nsmc", korean))
        for label in ("0", "1")
        for row in some(corpus, label, number)
    ]
    rows += BAD
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(rows)
    return len(rows)
