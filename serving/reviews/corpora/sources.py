"""Corpora by their names: the embedded ones, and files of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from serving.reviews.corpora.embedded import SHA256, read_embedded
from serving.reviews.corpora.files import read_corpus
from serving.reviews.corpora.reviews import RawReview

EMBEDDED = "embedded"


def read_rows(corpora: Sequence[str], text: str, label: str, language: str) -> Iterator[RawReview]:
    """Yield the rows of some corpora, before cleaning.

    A corpus is `embedded` (all that the repository holds), the name of an embedded one, or the path of a file. `text`,
    `label` and `language` are as for files.read_corpus.
    """
    for corpus in corpora:
        if corpus == EMBEDDED:
            for name in SHA256:
                yield from read_embedded(name)
        elif corpus in SHA256:
            yield from read_embedded(corpus)
        else:
            yield from read_corpus(Path(corpus), text=text, label=label, language=language)
