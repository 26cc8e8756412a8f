"""Reviews to train on, in their parts: from corpora, or from a batch of the warehouse; and their digest."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving.reviews.corpora.cleaning import clean
from serving.reviews.corpora.reviews import CorpusError, Rejected, Review
from serving.reviews.corpora.sources import read_rows
from serving.reviews.corpora.splitting import Split, split

Columns = tuple[str, str, str]
# hql/export_labelled_reviews.hql selects these. The part is the name of a field of Split.
BATCH_COLUMNS = (
    *("source_file", "byte_offset", "corpus", "corpus_file", "corpus_line"),
    *("label", "language", "changes", "part", "text"),
)


@dataclass(frozen=True)
class Material:
    """Reviews by part, the rows that were left out, and where all rows went.

    `accounting` has rows, clean, quarantined, superseded and the reasons.
    """

    parts: Split
    accounting: Mapping[str, Any]
    rejected: list[Rejected] = field(default_factory=list)


def from_corpora(corpora: Sequence[str], columns: Columns, seed: int) -> Material:
    """Return the cleaned and split reviews of some corpora; see sources.read_rows."""
    cleaned = clean(read_rows(corpora, *columns))
    parts = split(cleaned.reviews, seed)
    rejected = [*cleaned.rejected, *parts.superseded]
    counts, superseded = cleaned.accounting(), len(parts.superseded)
    accounting = {
        **counts,
        "clean": counts["clean"] - superseded,
        "superseded": counts["superseded"] + superseded,
        "reasons": dict(sorted(Counter(item.reason for item in rejected).items())),
        "changed": dict(sorted(cleaned.changed.items())),
    }
    return Material(parts, accounting, rejected)


def from_batch(folder: Path, accounting: Mapping[str, Any]) -> Material:
    """Return the reviews of a batch from the files that Hive exported.

    `accounting` is what cleaning and splitting counted. Raises CorpusError for other files.
    """
    parts = Split([], [], [], [], [])
    for path in sorted(path for path in folder.iterdir() if path.name[0] not in "._"):
        # splitlines would also split at characters that a text may have.
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            columns = line.split("\t")
            row = dict(zip(BATCH_COLUMNS, columns, strict=False))
            part = getattr(parts, row.get("part", ""), None)
            if line and (len(columns) != len(BATCH_COLUMNS) or not isinstance(part, list)):
                raise CorpusError(
                    f"Line {number} of {path.name} is no row of labelled_reviews. Export the batch's table again."
                )
            if line and part is not None:
                place = (row["corpus"], row["corpus_file"], int(row["corpus_line"]))
                part.append(Review(row["text"], int(row["label"]), row["language"], *place))
    return Material(parts, accounting)


def digest(reviews: Iterable[Review]) -> str:
    """Return the SHA-256 of some reviews' languages, labels and texts.

    Their order does not matter.
    """
    lines = sorted(json.dumps([review.language, review.label, review.text]) for review in reviews)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def write_rejected(rejected: Iterable[Rejected], path: Path) -> None:
    """Write rejected rows as JSON Lines: reason, corpus, file, line, label and text."""
    names = ("corpus", "file", "line", "label", "text")
    with path.open("w", encoding="utf-8") as stream:
        for item in rejected:
            # A lone surrogate (a wrong byte) has no UTF-8: json escapes it.
            row = {"reason": item.reason, **{name: getattr(item.row, name) for name in names}}
            stream.write(json.dumps(row) + "\n")
