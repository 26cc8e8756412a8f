"""Plots of an evaluation: ROC, reliability, confusion and the strongest terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from serving.reviews.training.metrics import Labels, Probabilities

matplotlib.use("Agg")
# Without a date and a version, the same figures give the same bytes.
_METADATA = {"Software": None}
_CURVE_POINTS = 500
# Letters of Hangul by their place in a syllable's code point.
_INITIAL_NAMES = "g kk n d tt r m b pp s ss - j jj ch k t p h"
_VOWEL_NAMES = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i"
_FINAL_NAMES = "- k k ks n nj nh t l lk lm lb ls lt lp lh m p ps t t ng t t k t p h"


def roc_points(labels: Labels, probabilities: Probabilities) -> tuple[list[float], list[float]]:
    """Return false and true positive rates, from (0, 0) to (1, 1)."""
    order = np.argsort(-probabilities, kind="stable")
    sorted_labels, sorted_probabilities = labels[order], probabilities[order]
    # Equal probabilities pass a threshold together.
    ends = np.flatnonzero(np.append(np.diff(sorted_probabilities) != 0, True))
    true, false = np.cumsum(sorted_labels)[ends], np.cumsum(1 - sorted_labels)[ends]
    return [0.0, *(false / max(1, false[-1])).tolist()], [0.0, *(true / max(1, true[-1])).tolist()]


def write_plots(
    folder: Path,
    labels: Labels,
    models: Mapping[str, Probabilities],
    record: Mapping[str, Any],
    terms: Mapping[str, Sequence[tuple[str, float]]],
) -> list[Path]:
    """Write the plots into a folder and return their paths.

    `models` are the rows of the ROC.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "roc": _roc(labels, models),
        "reliability": _reliability(record["reliability"]),
        "confusion": _confusion(record["confusion"]),
        **{f"terms_{language}": _terms(language, rows) for language, rows in terms.items() if rows},
    }
    paths = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=100, metadata=_METADATA)
        paths.append(path)
    return paths


def _roc(labels: Labels, models: Mapping[str, Probabilities]) -> Figure:
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    for name, probabilities in models.items():
        false, true = roc_points(labels, probabilities)
        step = max(1, len(false) // _CURVE_POINTS)
        axes.plot([*false[::step], 1.0], [*true[::step], 1.0], label=name)
    axes.plot([0, 1], [0, 1], "k:", linewidth=0.8)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC, test texts")
    axes.legend(loc="lower right")
    return figure


def _reliability(rows: Sequence[Mapping[str, float]]) -> Figure:
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], "k:", linewidth=0.8)
    axes.plot([row["probability"] for row in rows], [row["positive_share"] for row in rows], "o-")
    axes.set(xlabel="predicted probability", ylabel="share of positives", title="Reliability, test texts")
    return figure


def _confusion(counts: Mapping[str, int]) -> Figure:
    figure = Figure(figsize=(4, 4), layout="constrained")
    axes = figure.subplots()
    table = np.array(
        [[counts["true_negative"], counts["false_positive"]], [counts["false_negative"], counts["true_positive"]]]
    )
    axes.imshow(table, cmap="Blues")
    for (row, column), count in np.ndenumerate(table):
        axes.text(
            column, row, f"{count:,}", ha="center", va="center", color="black" if count < table.max() / 2 else "white"
        )
    names = ["negative", "positive"]
    axes.set_xticks([0, 1], names)
    axes.set_yticks([0, 1], names)
    axes.set(xlabel="predicted", ylabel="real", title="Confusion, test texts")
    return figure


def _terms(language: str, rows: Sequence[tuple[str, float]]) -> Figure:
    # DejaVu, which matplotlib brings, has no Hangul; a machine without another font shows code points.
    figure = Figure(figsize=(6, 0.22 * len(rows) + 1), layout="constrained")
    axes = figure.subplots()
    names = [name if name.isascii() else _readable(name) for name, _ in rows]
    weights = [weight for _, weight in rows]
    axes.barh(range(len(rows)), weights, color=["tab:red" if weight < 0 else "tab:blue" for weight in weights])
    axes.set_yticks(range(len(rows)), [repr(name) if name != name.strip() else name for name in names], fontsize=7)
    axes.set(xlabel="weight", title=f"Strongest terms, {language}")
    return figure


def _readable(name: str) -> str:
    """Return Hangul syllables as Latin letters, others as code points.

    It is the Revised Romanization, letter by letter.
    """
    initials, vowels, finals = (names.split() for names in (_INITIAL_NAMES, _VOWEL_NAMES, _FINAL_NAMES))
    parts = []
    for letter in name:
        offset = ord(letter) - 0xAC00
        if 0 <= offset < len(initials) * len(vowels) * len(finals):
            syllable, final = divmod(offset, len(finals))
            initial, vowel = divmod(syllable, len(vowels))
            parts.append((initials[initial] + vowels[vowel] + finals[final]).replace("-", ""))
        else:
            parts.append(letter if letter.isascii() else f"U+{ord(letter):04X}")
    return "".join(parts)
