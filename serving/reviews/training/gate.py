"""May a candidate go live: a paired bootstrap over the same test texts (Koehn 2004)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
# Half of what lies outside an interval of 95 % lies at each end.
_TAIL = 0.025
# A champion whose accuracy may be this much better is one that the candidate is no worse than.
TOLERANCE = 0.005


@dataclass(frozen=True)
class Difference:
    """The candidate's accuracy less another model's.

    With the interval that holds 95 % of the draws.
    """

    mean: float
    low: float
    high: float
    texts: int


@dataclass(frozen=True)
class Champion:
    """The live model: which texts it had right, and the languages that it knows."""

    right: NDArray[np.bool_]
    languages: Sequence[str]


@dataclass(frozen=True)
class Decision:
    """Whether the candidate may go live.

    With the comparisons, and a sentence for each reason against it.
    """

    promote: bool
    against_plain: Difference
    against_champion: Difference | None
    reasons: list[str]
    by_language: dict[str, Difference] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the decision as dictionaries."""
        return asdict(self)


def paired_difference(
    candidate: NDArray[np.bool_], other: NDArray[np.bool_], seed: int, draws: int = DRAWS
) -> Difference:
    """Return by how much a candidate is better, with its interval.

    Each array says which texts a model had right.

    Both arrays are of the same texts in the same order. A draw takes as many texts as there are, with replacement.
    """
    if candidate.shape != other.shape or not len(candidate):
        raise ValueError("The two models were not tested on the same texts. Predict the same test texts with both.")
    texts = len(candidate)
    better, worse = int((candidate & ~other).sum()), int((other & ~candidate).sum())
    # How often texts that one model alone has right are drawn follows a multinomial distribution: no need to draw texts.
    counts = np.random.default_rng(seed).multinomial(
        texts, [better / texts, worse / texts, (texts - better - worse) / texts], size=draws
    )
    differences = (counts[:, 0] - counts[:, 1]) / texts
    low, high = np.quantile(differences, [_TAIL, 1 - _TAIL])
    return Difference((better - worse) / texts, float(low), float(high), texts)


def decide(
    candidate: NDArray[np.bool_],
    plain: NDArray[np.bool_],
    champion: Champion | None,
    languages: NDArray[np.str_],
    seed: int,
    tolerance: float = TOLERANCE,
) -> Decision:
    """Return the decision on a candidate.

    `languages` has the language of each test text. The candidate must be better than the plain recipe: the whole interval
    above zero. It must be no worse than the champion: the interval's lower end above minus the tolerance, or its mean not
    below zero. No language that the champion knows may be lost, or get significantly worse: the whole interval below zero.
    """
    against_plain = paired_difference(candidate, plain, seed)
    reasons = []
    if against_plain.low <= 0:
        reasons.append(f"The candidate is not better than the plain recipe: {_in_words(against_plain)}.")
    if champion is None:
        return Decision(not reasons, against_plain, None, reasons)
    against_champion = paired_difference(candidate, champion.right, seed)
    if against_champion.mean < 0 and against_champion.low < -tolerance:
        reasons.append(
            f"The candidate may be worse than the champion: {_in_words(against_champion)}, "
            f"and {-tolerance:+.4f} is the limit."
        )
    by_language = {}
    for language in champion.languages:
        texts = languages == language
        if not texts.any():
            reasons.append(f"The candidate does not know the language {language}, which the champion knows.")
            continue
        by_language[language] = paired_difference(candidate[texts], champion.right[texts], seed)
        if by_language[language].high < 0:
            reasons.append(
                f"In the language {language}, the candidate is worse than the champion: {_in_words(by_language[language])}."
            )
    return Decision(not reasons, against_plain, against_champion, reasons, by_language)


def _in_words(difference: Difference) -> str:
    return (
        f"the difference in accuracy is {difference.mean:+.4f}, "
        f"95 % between {difference.low:+.4f} and {difference.high:+.4f}"
    )
