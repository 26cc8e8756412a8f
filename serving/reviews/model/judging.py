"""Judge texts of one language together: the n-grams of all of them are looked up and summed by a few calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from serving.reviews.model.ngrams import Codes, character_codes, letter_codes, word_codes
from serving.reviews.model.views import Kind, LanguageModel, View

# Enough that a call's cost is shared, and few enough that the arrays fit into a processor's cache.
BATCH_CHARACTERS: Final = 30_000
_NO_WORD: Final = "\0"

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Judged:
    """A text's score, its n-grams, those that are known, and what terms add."""

    score: float
    seen: int
    known: int
    terms: dict[str, float]


@dataclass
class ReadTexts:
    """Normalised texts with their words, and where their predictions belong."""

    places: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    words: list[list[str]] = field(default_factory=list)
    characters: int = 0

    def add(self, place: int, normalised: str, words: list[str]) -> None:
        """Add a text."""
        self.places.append(place)
        self.texts.append(normalised)
        self.words.append(words)
        self.characters += len(normalised)


@dataclass(frozen=True)
class _Row:
    """The texts as one row of codes, and which text each unit belongs to."""

    codes: Codes
    owners: Numbers
    # How many codes each text has.
    sizes: Numbers

    @classmethod
    def of(cls, codes: Codes, owners: Numbers, count: int) -> _Row:
        of_codes = owners if codes.units is None else owners.take(codes.units)
        sizes = np.bincount(of_codes, minlength=count)
        # Each text ends with a code that is none of its own.
        return cls(codes, owners, sizes - 1)

    def seen(self, lengths: range) -> Numbers:
        """Return how many n-grams each text has."""
        total = np.zeros(len(self.sizes), dtype=np.int64)
        for length in lengths:
            total += np.maximum(self.sizes - (length - 1), 0)
        return total


@dataclass(frozen=True)
class _Grams:
    """The n-grams of a row, those of the shortest length first.

    A key is zero where an n-gram has an unknown code.
    """

    row: _Row
    lengths: range
    keys: NDArray[np.uint64]
    # Where the n-grams of each length end.
    ends: Numbers
    seen: Numbers

    @classmethod
    def of(cls, row: _Row, lengths: range) -> _Grams:
        rows = row.codes.keys(lengths)
        keys = np.concatenate(rows) if rows else np.empty(0, np.uint64)
        ends = np.cumsum([len(part) for part in rows], dtype=np.int64) if rows else np.zeros(1, np.int64)
        return cls(row, lengths, keys, ends, row.seen(lengths))


@dataclass(frozen=True)
class _Found:
    """The n-grams that a view knows.

    First code, length and text of each, and what it adds to its text's score.
    """

    starts: Numbers
    lengths: Numbers
    owners: Numbers
    parts: NDArray[np.float64]


class _Batch:
    """Texts of one language, in one row."""

    def __init__(self, model: LanguageModel, read: ReadTexts) -> None:
        self._model = model
        self._read = read
        self.count = len(read.texts)
        self._rows: dict[Kind, _Row] = {}
        # Views of the same n-grams (say with ratios and with idf) share them.
        self._grams: dict[tuple[Kind, range], _Grams] = {}

    @cached_property
    def joined(self) -> str:
        """Return the texts, each between spaces and closed by NUL."""
        return "".join([f" {text} \0" for text in self._read.texts])

    @cached_property
    def flat_words(self) -> list[str]:
        """Return the words of all texts; no word closes each."""
        return [word for words in self._read.words for word in (*words, _NO_WORD)]

    def _owners(self, sizes: Sequence[int]) -> Numbers:
        if self.count == 1:
            return np.zeros(sizes[0], dtype=np.int64)
        return np.repeat(np.arange(self.count), sizes)

    @cached_property
    def _character_owners(self) -> Numbers:
        return self._owners([len(text) + 3 for text in self._read.texts])

    def _row(self, kind: Kind) -> _Row:
        if kind not in self._rows:
            if kind == "words":
                codes = word_codes(self.flat_words, self._model.words)
                owners = self._owners([len(words) + 1 for words in self._read.words])
            else:
                codes = (character_codes if kind == "characters" else letter_codes)(self.joined)
                owners = self._character_owners
            self._rows[kind] = _Row.of(codes, owners, self.count)
        return self._rows[kind]

    def grams(self, kind: Kind, lengths: range) -> _Grams:
        """Return the n-grams of some lengths."""
        key = (kind, lengths)
        if key not in self._grams:
            self._grams[key] = _Grams.of(self._row(kind), lengths)
        return self._grams[key]

    def find(self, view: View, grams: _Grams) -> _Found:
        """Return the n-grams that a view knows."""
        found, places = view.lookup.find(grams.keys)
        sizes = np.searchsorted(grams.ends, found, side="right")
        begins = np.concatenate([[0], grams.ends])
        starts = found - begins.take(sizes)
        owners = grams.row.owners.take(grams.row.codes.unit_of(starts))
        parts = view.parts(places, owners, self.count)
        return _Found(starts, sizes + view.shortest, owners, parts)

    def add_word_terms(self, terms: list[dict[str, float]], found: _Found) -> None:
        """Add each n-gram of words with what it contributed."""
        words = self.flat_words
        rows = zip(
            found.owners.tolist(), found.starts.tolist(), found.lengths.tolist(), found.parts.tolist(), strict=True
        )
        for owner, start, length, part in rows:
            term = words[start] if length == 1 else " ".join(words[start : start + length])
            of_text = terms[owner]
            of_text[term] = of_text.get(term, 0.0) + part

    @cached_property
    def _pieces(self) -> tuple[Numbers, list[tuple[int, str]]]:
        """Return the piece of each character, and the pieces.

        A piece is a text's number, and what stands between two spaces.
        A text has one piece more than it has spaces between words, which is empty and owns nothing.
        """
        points = np.frombuffer(self.joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        pieces = np.cumsum(points == ord(" ")) - 1
        # The last space of a text is its last word's.
        ends = np.cumsum([len(text) + 3 for text in self._read.texts]) - 2
        pieces[ends] -= 1
        return pieces, [
            (number, piece) for number, text in enumerate(self._read.texts) for piece in (*text.split(" "), "")
        ]

    def add_piece_terms(self, terms: list[dict[str, float]], found: _Found, codes: Codes) -> None:
        """Add what n-grams of characters gave to the words of their middles."""
        owners, pieces = self._pieces
        middles = codes.unit_of(found.starts + (found.lengths - 1) // 2)
        sums = np.bincount(owners.take(middles), weights=found.parts, minlength=len(pieces))
        for (number, piece), part in zip(pieces, sums.tolist(), strict=True):
            if part and piece:
                of_text = terms[number]
                of_text[piece] = of_text.get(piece, 0.0) + part


def judge(model: LanguageModel, read: ReadTexts, with_terms: bool) -> list[Judged]:
    """Return what a language's model says of each text: the same as of each alone."""
    batch = _Batch(model, read)
    scores = np.full(batch.count, model.bias, dtype=np.float64)
    seen, known = np.zeros(batch.count, dtype=np.int64), np.zeros(batch.count, dtype=np.int64)
    terms: list[dict[str, float]] = [{} for _ in range(batch.count)]
    for view in model.views:
        grams = batch.grams(view.kind, view.lengths)
        found = batch.find(view, grams)
        seen += grams.seen
        known += np.bincount(found.owners, minlength=batch.count)
        scores += np.bincount(found.owners, weights=found.parts, minlength=batch.count)
        if with_terms and view.kind == "words":
            batch.add_word_terms(terms, found)
        elif with_terms:
            batch.add_piece_terms(terms, found, grams.row.codes)
    return [Judged(*row) for row in zip(scores.tolist(), seen.tolist(), known.tolist(), terms, strict=True)]
