"""Blend a familiar list with one of the long tail, and hold the prices that such lists are made with."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from serving.publications.format import PublicationError
from serving.publications.newcomers.factor_table import Float32Array, IntArray

# A share of places is counted in hundredths, so that the same request always has the same places.
WHOLE = 100

Entry = TypeVar("Entry")


def blended(
    familiar: Sequence[Entry], discoveries: Sequence[Entry], hundredths: int, movie_of: Callable[[Entry], Hashable]
) -> list[Entry]:
    """Return both lists as one.

    So many hundredths of the places are discoveries: place n is one where n hundredths of them pass a whole number. Each
    movie comes once. Where one list ends, the other goes on.
    """
    taken: set[Hashable] = set()
    both: list[Entry] = []

    def unlisted(entries: Sequence[Entry]) -> Iterator[Entry]:
        return (entry for entry in entries if movie_of(entry) not in taken)

    rest = {False: unlisted(familiar), True: unlisted(discoveries)}
    for place in range(1, len(familiar) + len(discoveries) + 1):
        discovers = place * hundredths // WHOLE > (place - 1) * hundredths // WHOLE
        for entry in chain(rest[discovers], rest[not discovers]):
            taken.add(movie_of(entry))
            both.append(entry)
            break
    return both


@dataclass(frozen=True)
class Prices:
    """What is needed to make a newcomer's list of the long tail.

    docs/model.md has the formula. Shapes: tail, share and price (movies,), in the order of the factor table. The first
    `first_places` places of a list pay `first_price` of a price.
    """

    tail: npt.NDArray[np.bool_]
    share: Float32Array
    price: Float32Array
    taste: float
    first_places: int
    first_price: float

    @classmethod
    def of(cls, prior: Float32Array, places: IntArray, prices: Sequence[float], settings: Mapping[str, Any]) -> Prices:
        """Return the prices of the movies at these places of the factor table.

        `prior`, (movies,), is recent popularity, and `settings` the lineage's `top_n.discovery`. Raises PublicationError if they do not
        fit.
        """
        values = [settings.get(name) for name in ("taste", "first_places", "first_price")]
        if (places < 0).any() or not all(isinstance(value, int | float) for value in values):
            raise PublicationError(
                "The lineage's top_n.discovery does not fit the prices, or a movie with a price has no factors. Run "
                "recommend_top_n and the tasks after it again."
            )
        tail = np.zeros(len(prior), dtype=np.bool_)
        tail[places] = True
        price = np.zeros(len(prior), dtype=np.float32)
        price[places] = prices
        among = np.where(tail, prior, np.float32(0)).astype(np.float32)
        greatest = among.max(initial=0)
        share = among / greatest if greatest > 0 else among
        taste, first_places, first_price = (float(value or 0) for value in values)
        return cls(tail, share.astype(np.float32), price, taste, int(first_places), first_price)
