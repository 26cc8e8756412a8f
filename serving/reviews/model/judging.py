"""Judge texts of one language together: the n-grams of all of them are looked up and summed by a few calls.

An n-gram counts once in a text, so equal ones stand together before they are summed. Sums are exact, since all numbers are
multiples of one: a text has the same ones alone and among others, to the bit.
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
from serving.reviews.model.views import Block, LanguageModel, on_grid

# Enough that a call's cost is shared, and few enough that the arrays fit into a processor's cache.
BATCH_CHARACTERS: Final = 30_000
_NO_WORD: Final = "\0"
_TABLE_SIZE: Final = 1 << 14

# What an n-gram counts that comes so often, where repeats count.
_FACTORS: Final = np.concatenate(([0.0], 1.0 + np.log(np.arange(1, 1 << 15))))

Numbers = NDArray[np.int64]
Rows = NDArray[np.float32]
Column = NDArray[Any]
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
        found, slots, numbers = block.lookup.find(row.keys.ravel())
        if not len(found):
            continue
        starts, lengths, middles = _spots(found, block.lengths)
        owners = None if owners is None else owners.take(starts)
        _add_known(block, numbers, owners, judged)
        grouped = _Grouped.of(slots, owners, block.lookup.size)
        rows = numbers.take(grouped.firsts, axis=0).T
        columns, norms = _add_scores(block, rows, grouped.sizes, grouped.owners, judged)
        if with_terms and block.kind == "words":
            added = _parts(columns, norms, grouped.owners)
            where = (starts.take(grouped.firsts).tolist(), lengths.take(grouped.firsts).tolist(), added.tolist())
            _add_words(read, judged, grouped.owners, zip(*where, strict=True))
        elif with_terms:
            pieces = read.piece_owners.take(middles if row.units is None else row.units.take(middles))
            _add_pieces(read, judged, _shares(grouped, columns, norms, pieces, [*map(len, read.pieces)]))
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

    `order` has the numbers of all, `firsts` the first of each different one, and `sizes` how often it comes; None where all
    differ. `owners` are the texts, or None for one text.
    """

    order: NDArray[np.intp]
    firsts: NDArray[np.intp]
    sizes: NDArray[np.intp] | None
    owners: Numbers | None

    @classmethod
    def of(cls, slots: Numbers, owners: Numbers | None, vocabulary: int) -> _Grouped:
        """Return n-grams by their texts and their slots, of which there are `vocabulary`."""
        keys = slots if owners is None else owners * vocabulary + slots
        # The stable order is found sooner: of few n-grams, and of many that are ordered by their texts.
        order = keys.argsort(kind="stable")
        ordered = keys.take(order)
        differs = np.ones(len(keys) + 1, dtype=bool)
        np.not_equal(ordered[1:], ordered[:-1], out=differs[1:-1])
        bounds = differs.nonzero()[0]
        if len(bounds) == len(differs):
            return cls(order, order, None, None if owners is None else owners.take(order))
        firsts = order.take(bounds[:-1])
        return cls(order, firsts, bounds[1:] - bounds[:-1], None if owners is None else owners.take(firsts))


def _add_known(block: Block, numbers: Rows, owners: Numbers | None, judged: list[Judged]) -> None:
    """Count each n-gram as often as it comes, in each view that knows it."""
    holders = numbers[:, -1] if block.has_holders else None
    if owners is None:
        judged[0].known += len(numbers) if holders is None else int(holders.sum())
        return
    for total, number in zip(judged, np.bincount(owners, holders, len(judged)).tolist(), strict=True):
        total.known += int(number)


def _add_scores(
    block: Block, rows: Rows, sizes: NDArray[np.intp] | None, owners: Numbers | None, judged: list[Judged]
) -> tuple[list[Column], list[list[float]]]:
    """Add the views' scores to the texts'.

    A column of `rows` has the numbers of an n-gram. Returns a column of products a view, and the length of each text's row.
    """
    columns, norms = [], []
    for number, view in enumerate(block.views):
        products, squares = rows[2 * number], rows[2 * number + 1]
        if view.counts and sizes is not None:
            factors = _FACTORS.take(sizes, mode="clip")
            products, squares = on_grid(products * factors), on_grid(squares * (factors * factors))
        lengths = [math.sqrt(square) or 1.0 for square in _sums(squares, owners, len(judged))]
        for total, length, score in zip(judged, lengths, _sums(products, owners, len(judged)), strict=True):
            total.score += score / length
        columns.append(products)
        norms.append(lengths)
    return columns, norms


def _sums(values: Column, owners: Numbers | None, count: int) -> list[float]:
    """Return the sum of each text."""
    if owners is None:
        return [float(np.add.reduce(values, dtype=np.float64))]
    sums: list[float] = np.bincount(owners, values, count).tolist()
    return sums


def _parts(columns: list[Column], norms: list[list[float]], owners: Numbers | None) -> NDArray[np.float64]:
    """Return what each different n-gram adds to its text's score."""
    total: NDArray[np.float64] | None = None
    for column, lengths in zip(columns, norms, strict=True):
        divided = np.divide(column, lengths[0] if owners is None else np.array(lengths).take(owners), dtype=np.float64)
        total = divided if total is None else total + divided
    assert total is not None  # noqa: S101 - a block has a view
    return total


def _shares(
    grouped: _Grouped, columns: list[Column], norms: list[list[float]], pieces: Numbers, counts: list[int]
) -> NDArray[np.float64]:
    """Return what each piece adds.

    An n-gram adds the same at each place where it comes. `pieces` are those of the n-grams, `counts` how many each text has.
    A piece's n-grams are added in the order of their slots, among others as alone.
    """
    total: NDArray[np.float64] | None = None
    size, sizes = sum(counts), grouped.sizes
    pieces = pieces.take(grouped.order)
    for column, lengths in zip(columns, norms, strict=True):
        each = column if sizes is None else np.divide(column, sizes, dtype=np.float64).repeat(sizes)
        sums = np.bincount(pieces, each, size) / (lengths[0] if len(counts) == 1 else np.repeat(lengths, counts))
        total = sums if total is None else total + sums
    assert total is not None  # noqa: S101 - a block has a view
    return total


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


def _add_pieces(read: ReadTexts, judged: list[Judged], added: NDArray[np.float64]) -> None:
    """Add what n-grams of characters gave to the words of their middles."""
    sums = added.tolist()
    first = 0
    for total, pieces in zip(judged, read.pieces, strict=True):
        terms, of_text = total.terms, sums[first : first + len(pieces)]
        first += len(pieces)
        for piece, part in zip(pieces, of_text, strict=True):
            if part and piece:
                terms[piece] = terms.get(piece, 0.0) + part
