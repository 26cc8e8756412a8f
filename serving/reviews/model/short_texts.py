"""Judge short English texts one at a time, from what is remembered of their words.

The many calls of `judging` cost a short text more than what they do. Here a word has its known n-grams from the last time
that it stood before the same letters, so that a text is a few reads of a dictionary. What it says is the same to the bit,
since the sums of both are exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, compress, pairwise
from typing import Final

import numpy as np

from serving.reviews.model.judging import Grouped, Judged, add_scores, parts, shares
from serving.reviews.model.languages import ENGLISH, OTHER, english_counts, is_english
from serving.reviews.model.ngrams import WORD_BITS, text_row
from serving.reviews.model.normalising import words_of
from serving.reviews.model.remembered import Remembered
from serving.reviews.model.views import Block, LanguageModel

# Longer texts gain less.
LONGEST: Final = 1_000
# N-grams of more letters may have their middles beyond the beginning of the next word.
_MOST_LETTERS: Final = 6
_MOST_WORDS: Final = 2
# The pieces to which the n-grams of a first piece, for the second, of the second, for the third and so on belong.
_OWNERS: Final = np.arange(1, 2 * LONGEST + 4) // 2


@dataclass(frozen=True, slots=True)
class _Piece:
    """What stands between two spaces, before some letters.

    Slots and numbers are those of the known n-grams that begin in it: first those whose middles are in it, then those whose
    middles are in the next piece. `sizes` has how many of both there are.
    """

    slots: bytes
    numbers: bytes
    sizes: tuple[int, int]
    words: tuple[str, ...]
    has_letters: bool
    counts: tuple[int, int, int, int]


class ShortTexts:
    """Judges normalised ASCII texts of up to `LONGEST` characters. Threads may share it."""

    def __init__(self, model: LanguageModel) -> None:
        """Take an English model that `fits`."""
        self._model = model
        blocks = {block.kind: block for block in model.blocks}
        self._words, self._letters = blocks.get("words"), blocks.get("letters")
        self._reach = self._letters.lengths.stop - 3 if self._letters else 0
        self._pieces: Remembered[_Piece] = Remembered()
        self._rows: Remembered[bytes] = Remembered()

    @staticmethod
    def fits(model: LanguageModel) -> bool:
        """Return whether a model has such views as this can read."""
        return all(
            (block.kind == "words" and block.lengths.stop <= _MOST_WORDS + 1)
            or (block.kind == "letters" and len(block.views) == 1 and 2 < block.lengths.stop <= _MOST_LETTERS + 1)
            for block in model.blocks
        )

    def judge(self, text: str, language: str | None) -> tuple[str, Judged | None]:
        """Return a text's language, and what the model says if that is English."""
        texts = text.split(" ")
        pieces = self._read(f" {text} ", texts)
        if language is None:
            has_letters = any(piece.has_letters for piece in pieces)
            sums = [sum(column) for column in zip(*[piece.counts for piece in pieces], strict=True)]
            language = ENGLISH if has_letters and is_english(*sums) else OTHER
        if language != ENGLISH:
            return language, None
        judged = Judged(self._model.bias)
        for block in self._model.blocks:
            if block is self._words:
                self._add_words(block, list(chain.from_iterable([piece.words for piece in pieces])), judged)
            else:
                _add_letters(block, len(text) + 2, texts, pieces, judged)
        return language, judged

    def _read(self, padded: str, parts: list[str]) -> list[_Piece]:
        """Return the pieces of a text."""
        keys: list[str] = []
        start, get, reach = 0, self._pieces.present.get, self._reach + 1
        for part in parts:
            after = start + len(part) + 1
            keys.append(padded[start : after + reach])
            start = after
        found = list(map(get, keys))
        if None not in found:
            return [piece for piece in found if piece is not None]
        known = dict(zip(keys, map(self._pieces.get, keys), strict=True))
        missing = [key for key, piece in known.items() if piece is None]
        for key, made in zip(missing, self._made(missing) if missing else (), strict=True):
            self._pieces.keep(key, made)
            known[key] = made
        return [piece for key in keys if (piece := known[key]) is not None]

    def _made(self, keys: list[str]) -> list[_Piece]:
        """Return new pieces, from what stands between two spaces, the second space, and the letters behind."""
        grams = _letters(self._letters, keys) if self._letters else [(b"", b"", (0, 0))] * len(keys)
        made = []
        for key, (slots, numbers, sizes) in zip(keys, grams, strict=True):
            part = _first(key)
            words = tuple(words_of(part))
            has_letters = any(map(str.isalpha, part))
            made.append(_Piece(slots, numbers, sizes, words, has_letters, english_counts(words, self._model.words)))
        return made

    def _add_words(self, block: Block, words: list[str], judged: Judged) -> None:
        """Add the n-grams of words."""
        judged.seen += block.seen(len(words))
        grams = list(words) if 1 in block.lengths else []
        if 2 in block.lengths:
            grams += map(" ".join, pairwise(words))
        terms: dict[str, int] = {}
        for term in grams:
            terms[term] = terms.get(term, 0) + 1
        rows = self._rows_of(block, terms)
        numbers = np.frombuffer(b"".join(rows), dtype=np.float32).reshape(-1, block.lookup.width)
        if not len(numbers):
            return
        # An unknown term has no bytes.
        known = list(compress(terms, rows))
        sizes = None if len(terms) == len(grams) else np.array(list(compress(terms.values(), rows)))
        if block.has_holders:
            holders = numbers[:, -1] if sizes is None else numbers[:, -1] * sizes
            judged.known += int(np.add.reduce(holders, dtype=np.float64))
        else:
            judged.known += len(known) if sizes is None else int(sizes.sum())
        columns, norms = add_scores(block, numbers.T, sizes, None, [judged])
        added = parts(columns, norms, None).tolist()
        if judged.terms:
            for term, part in zip(known, added, strict=True):
                judged.terms[term] = judged.terms.get(term, 0.0) + part
        else:
            judged.terms.update(zip(known, added, strict=True))

    def _rows_of(self, block: Block, terms: Iterable[str]) -> list[bytes]:
        """Return the numbers of words and pairs of words, no bytes for an unknown one."""
        found = list(map(self._rows.present.get, terms))
        if None not in found:
            return [row for row in found if row is not None]
        known = dict(zip(terms, map(self._rows.get, terms), strict=True))
        missing = [term for term, row in known.items() if row is None]
        for term, row in zip(missing, _rows_of(block, self._model, missing), strict=True):
            self._rows.keep(term, row)
            known[term] = row
        return [row for row in known.values() if row is not None]


def _rows_of(block: Block, model: LanguageModel, terms: list[str]) -> list[bytes]:
    """Return the numbers of words and pairs of words from a block's table."""
    keys = np.zeros(len(terms), dtype=np.uint64)
    for number, term in enumerate(terms):
        first, _, second = term.partition(" ")
        one, two = model.words.get(first, 0), model.words.get(second, 0)
        if one and (two or not second):
            keys[number] = one << WORD_BITS | two if second else one
    rows = [b""] * len(terms)
    found, _, numbers = block.lookup.find(keys)
    for number, row in zip(found.tolist(), numbers, strict=True):
        rows[number] = row.tobytes()
    return rows


def _first(key: str) -> str:
    """Return what a key has between its first two spaces."""
    return key[1 : key.index(" ", 1)]


def _letters(block: Block, keys: list[str]) -> list[tuple[bytes, bytes, tuple[int, int]]]:
    """Return slots and numbers of the known n-grams of some pieces, and how many are its own and the next one's."""
    row = text_row("\0".join(keys), True, block.lengths)
    found, slots, numbers = block.lookup.find(row.keys.ravel())
    starts, longer = np.divmod(found, len(block.lengths))
    sizes = np.array([len(key) for key in keys])
    begins = (sizes + 1).cumsum() - sizes - 1
    owners = np.arange(len(keys)).repeat(sizes + 1).take(starts)
    # The second space, with which the next piece begins. The last piece of a text has it too.
    ends = np.array([len(_first(key)) + 1 for key in keys])
    places, limits = starts - begins.take(owners), ends.take(owners)
    is_last = (ends + 1 == sizes).take(owners)
    is_next = (places + (longer + block.lengths.start - 1) // 2 >= limits) & ~is_last
    taken = ((places < limits) | is_last).nonzero()[0]
    sides = (2 * owners + is_next).take(taken)
    taken = taken.take(sides.argsort(kind="stable"))
    slots, numbers = slots.take(taken), numbers.take(taken, axis=0)
    counts = np.bincount(sides, minlength=2 * len(keys)).tolist()
    made, start = [], 0
    for both in zip(counts[::2], counts[1::2], strict=True):
        end = start + sum(both)
        made.append((slots[start:end].tobytes(), numbers[start:end].tobytes(), both))
        start = end
    return made


def _add_letters(block: Block, size: int, texts: list[str], pieces: list[_Piece], judged: Judged) -> None:
    """Add the n-grams of letters of a text of so many characters, its spaces included."""
    judged.seen += block.seen(size)
    slots = np.frombuffer(b"".join([piece.slots for piece in pieces]), dtype=np.int64)
    if not len(slots):
        return
    numbers = np.frombuffer(b"".join([piece.numbers for piece in pieces]), dtype=np.float32).reshape(-1, 2)
    judged.known += len(slots)
    grouped = Grouped.of(slots, None, 0)
    columns, norms = add_scores(block, numbers.take(grouped.firsts, axis=0).T, grouped.sizes, None, [judged])
    # Own n-grams of a piece, those for the next piece, and so on.
    counts = [count for piece in pieces for count in piece.sizes]
    owners = _OWNERS[: len(counts)].repeat(counts)
    sums = shares(grouped, columns, norms, owners, [len(pieces) + 1]).tolist()
    terms = judged.terms
    for text, added in zip(texts, sums, strict=False):
        if added and text:
            terms[text] = terms.get(text, 0.0) + added
