"""Judge texts of one language together: the n-grams of all of them are looked up and summed by a few calls.

An n-gram counts once in a text, so equal ones stand together before they are summed. Sums go in the order of the
vocabulary: a text has the same ones alone and among others, to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import repeat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from serving.reviews.model.ngrams import UNKNOWN_WORD, Row, text_row, word_row
from serving.reviews.model.views import Block, LanguageModel

# Enough that a call's cost is shared, and few enough that the arrays fit into a processor's cache.
BATCH_CHARACTERS: Final = 30_000
_NO_WORD: Final = "\0"
_TABLE_SIZE: Final = 1 << 14

Numbers = NDArray[np.int64]
Terms = dict[str, float]


@dataclass(slots=True)
class Judged:
    """A text's score, its n-grams, those that are known, and what terms add."""

    score: float
    seen: int = 0
    known: int = 0
    terms: Terms = field(default_factory=dict)


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

    @cached_property
    def flat_words(self) -> list[str]:
        """Return the words of all texts; no word closes each."""
        return [word for words in self.words for word in (*words, _NO_WORD)]

    @cached_property
    def joined(self) -> str:
        """Return the texts, each between spaces, with NUL between them."""
        return "\0".join([f" {text} " for text in self.texts])

    @cached_property
    def pieces(self) -> list[list[str]]:
        """Return what stands between two spaces, for each text."""
        return [text.split(" ") for text in self.texts]

    @cached_property
    def piece_owners(self) -> Numbers:
        """Return the number of the piece that each character belongs to.

        The space before a piece is its own; the last one also owns what follows.
        """
        sizes: list[int] = []
        for pieces in self.pieces:
            sizes += [len(piece) + 1 for piece in pieces]
            sizes[-1] += 2
        return np.arange(len(sizes)).repeat(sizes)


def judge(model: LanguageModel, read: ReadTexts, with_terms: bool) -> list[Judged]:
    """Return what a language's model says of each text: the same as of each alone."""
    judged = [Judged(model.bias) for _ in read.texts]
    for block in model.blocks:
        row, owners, sizes = _read(block, model, read)
        for total, size in zip(judged, sizes, strict=True):
            total.seen += block.seen(size)
        found, places = block.lookup.find(row.keys.ravel())
        if not len(found):
            continue
        starts, lengths, middles = _spots(found, block.lengths)
        grouped = _Grouped.of(places, None if owners is None else owners.take(starts), block.lookup.size)
        parts = _add_scores(block, grouped, judged)
        if with_terms and block.kind == "words":
            firsts = grouped.order.take(grouped.begins)
            where = (starts.take(firsts).tolist(), lengths.take(firsts).tolist(), parts.tolist())
            _add_words(read, judged, grouped.owners, zip(*where, strict=True))
        elif with_terms:
            shares = (parts / grouped.sizes).repeat(grouped.sizes)
            _add_pieces(read, judged, row, middles.take(grouped.order), shares)
    return judged


def _spots(found: NDArray[np.intp], lengths: range) -> tuple[Numbers, Numbers, Numbers]:
    """Return first code, length and middle code of each n-gram of a row."""
    if len(found) and found[-1] < _TABLE_SIZE:
        starts, sizes, middles = _table(lengths)
        return starts.take(found), sizes.take(found), middles.take(found)
    return _worked_out(found, lengths)


def _worked_out(found: NDArray[np.intp], lengths: range) -> tuple[Numbers, Numbers, Numbers]:
    starts, longer = np.divmod(found, len(lengths))
    return starts, longer + lengths.start, starts + (longer + lengths.start - 1) // 2


@cache
def _table(lengths: range) -> tuple[Numbers, Numbers, Numbers]:
    """Return the spots of the n-grams of a short row.

    To look them up is three calls, and to work them out seven.
    """
    return _worked_out(np.arange(_TABLE_SIZE), lengths)


def _read(block: Block, model: LanguageModel, read: ReadTexts) -> tuple[Row, Numbers | None, list[int]]:
    """Return the n-grams of a block's kind.

    Also the text of each code if there are several texts, and how many codes each has.
    """
    count = len(read.texts)
    if block.kind == "words":
        number_of = model.words.get
        row = word_row([number_of(word, UNKNOWN_WORD) for word in read.flat_words], block.lengths)
        sizes = [len(words) for words in read.words]
        return row, None if count == 1 else np.arange(count).repeat([size + 1 for size in sizes]), sizes
    row = text_row(read.joined, block.kind == "letters", block.lengths)
    if count == 1:
        return row, None, [len(row.keys)]
    # After the last text there is no NUL.
    owners = np.arange(count).repeat([len(text) + 3 for text in read.texts])[:-1]
    if row.units is not None:
        owners = owners.take(row.units)
    of_texts = np.bincount(owners, minlength=count)
    # The NUL between two texts is no code of either.
    of_texts[:-1] -= 1
    return row, owners, of_texts.tolist()


@dataclass(frozen=True)
class _Grouped:
    """Known n-grams of some texts, equal ones of a text together.

    `order` has the numbers of all, `begins` where each different one begins in it, and `sizes` how often it comes. `places`
    are those in the vocabulary, `owners` the texts, or None for one text.
    """

    order: NDArray[np.intp]
    begins: NDArray[np.intp]
    sizes: NDArray[np.intp]
    places: NDArray[np.int32]
    owners: Numbers | None

    @classmethod
    def of(cls, places: NDArray[np.int32], owners: Numbers | None, vocabulary: int) -> _Grouped:
        keys = places if owners is None else owners * vocabulary + places
        order = keys.argsort()
        ordered = keys.take(order)
        bounds = np.concatenate(([0], (ordered[1:] != ordered[:-1]).nonzero()[0] + 1, [len(keys)]))
        begins = bounds[:-1]
        sizes = bounds[1:] - begins
        if owners is None:
            return cls(order, begins, sizes, ordered.take(begins), None)
        firsts = order.take(begins)
        return cls(order, begins, sizes, places.take(firsts), owners.take(firsts))

    def sums(self, values: NDArray[Any], count: int) -> list[float]:
        """Return the sum of each text, one by one in their order."""
        if self.owners is None:
            return [float(values.cumsum(dtype=np.float64)[-1])]
        sums: list[float] = np.bincount(self.owners, weights=values, minlength=count).tolist()
        return sums


def _add_scores(block: Block, grouped: _Grouped, judged: list[Judged]) -> NDArray[np.float64]:
    """Add the views' scores to the texts'; return what each n-gram adds."""
    added: NDArray[np.float64] | None = None
    for view, (products, squares) in zip(block.views, block.columns, strict=True):
        values: NDArray[Any] = products.take(grouped.places)
        lengths: NDArray[Any] = squares.take(grouped.places)
        if view.counts:
            factors = 1.0 + np.log(grouped.sizes)
            values, lengths = values * factors, lengths * (factors * factors)
        norms = [math.sqrt(length) or 1.0 for length in grouped.sums(lengths, len(judged))]
        for total, norm, score in zip(judged, norms, grouped.sums(values, len(judged)), strict=True):
            total.score += score / norm
        divisors = norms[0] if grouped.owners is None else np.array(norms).take(grouped.owners)
        parts = np.divide(values, divisors, dtype=np.float64)
        added = parts if added is None else added + parts
    # Each n-gram is counted as often as it comes, in each view that knows it.
    known = grouped.sizes if block.holders is None else grouped.sizes * block.holders.take(grouped.places)
    for total, number in zip(judged, grouped.sums(known, len(judged)), strict=True):
        total.known += int(number)
    assert added is not None  # noqa: S101 - a block has a view
    return added


def _add_words(
    read: ReadTexts, judged: list[Judged], owners: Numbers | None, found: Iterable[tuple[int, int, float]]
) -> None:
    """Add each n-gram of words with what it contributed."""
    words = read.flat_words
    of_texts = (
        repeat(judged[0].terms) if owners is None else map([each.terms for each in judged].__getitem__, owners.tolist())
    )
    for terms, (start, length, part) in zip(of_texts, found, strict=False):
        term = words[start] if length == 1 else " ".join(words[start : start + length])
        terms[term] = terms.get(term, 0.0) + part


def _add_pieces(read: ReadTexts, judged: list[Judged], row: Row, middles: Numbers, parts: NDArray[np.float64]) -> None:
    """Add what n-grams of characters gave to the words of their middles."""
    units = middles if row.units is None else row.units.take(middles)
    sums = np.bincount(read.piece_owners.take(units), weights=parts, minlength=sum(map(len, read.pieces))).tolist()
    first = 0
    for total, pieces in zip(judged, read.pieces, strict=True):
        terms, of_text = total.terms, sums[first : first + len(pieces)]
        first += len(pieces)
        for piece, part in zip(pieces, of_text, strict=True):
            if part and piece:
                terms[piece] = terms.get(piece, 0.0) + part
