"""Reviews to train on: corpora read and cleaned, and the digest that names exactly these."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from serving.reviews.corpora.cleaning import Cleaned, clean
from serving.reviews.corpora.embedded import SHA256, read_embedded
from serving.reviews.corpora.files import read_corpus
from serving.reviews.corpora.reviews import RawReview, Rejected, Review

EMBEDDED = "embedded"


def read(corpora: Sequence[str], text: str, label: str, language: str) -> Cleaned:
    """Return the cleaned reviews of some corpora.

    A corpus is `embedded` (all that the repository holds), the name of an embedded one, or the path of a file.
    """
    return clean(_rows(corpora, text, label, language))


def _rows(corpora: Sequence[str], text: str, label: str, language: str) -> Iterator[RawReview]:
    for corpus in corpora:
        if corpus == EMBEDDED:
            for name in SHA256:
                yield from read_embedded(name)
        elif corpus in SHA256:
            yield from read_embedded(corpus)
        else:
            yield from read_corpus(Path(corpus), text=text, label=label, language=language)


def digest(reviews: Iterable[Review]) -> str:
    """Return the SHA-256 of some reviews' languages, labels and texts.

    Their order does not matter.
    """
    lines = sorted(json.dumps([review.language, review.label, review.text]) for review in reviews)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def write_rejected(rejected: Iterable[Rejected], path: Path) -> None:
    """Write rejected rows as JSON Lines: reason, corpus, file, line, label and text."""
    with path.open("w", encoding="utf-8") as stream:
        for item in rejected:
            row = item.row
            # A lone surrogate (a wrong byte) has no UTF-8: json escapes it.
            stream.write(
                json.dumps(
                    {
                        "reason": item.reason,
                        "corpus": row.corpus,
                        "file": row.file,
                        "line": row.line,
                        "label": row.label,
                        "text": row.text,
                    }
                )
                + "\n"
            )
