"""What a corpus holds before and after cleaning."""

from __future__ import annotations

from dataclasses import dataclass


class CorpusError(Exception):
    """A corpus that cannot be read at all; the message says what to do."""


@dataclass(frozen=True, slots=True)
class RawReview:
    """A row as its file has it, with the place it came from."""

    text: str
    label: str
    language: str
    corpus: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Review:
    """A clean review: label 1 is positive, 0 negative."""

    text: str
    label: int
    language: str
    corpus: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is not used, and why."""

    reason: str
    row: RawReview
