"""Plots of one evaluation: accuracy by window, calibration, coverage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from evaluation.record import Measured, rows_by_scorer


def draw(record: Measured, folder: Path) -> list[Path]:
    """Write the plots as PNG files into `folder`, and return their paths."""
    figures = {
        "ndcg_by_window.png": _by_window(record),
        "calibration.png": _calibration(record),
        "coverage_and_accuracy.png": _coverage(record),
    }
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=100)
    return [folder / name for name in figures]


def _axes(title: str, x: str, y: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    return figure, axes


def _by_window(record: Measured) -> Figure:
    figure, axes = _axes("Accuracy by window of the timeline", "window", f"nDCG@{record['k']}")
    for scorer, rows in rows_by_scorer(record).items():
        axes.plot([r["window"] for r in rows], [r["metrics"]["ndcg"] for r in rows], marker="o", label=scorer)
    axes.legend()
    return figure


def _calibration(record: Measured) -> Figure:
    figure, axes = _axes(
        "Calibration of the candidate's scores", "mean score of a tenth of the entries", "rated in the window"
    )
    axes.plot([b["score"] for b in record["calibration"]], [b["hit_rate"] for b in record["calibration"]], marker="o")
    axes.set_ylim(bottom=0)
    return figure


def _coverage(record: Measured) -> Figure:
    figure, axes = _axes(
        "Coverage against accuracy, each window a point", f"nDCG@{record['k']}", "share of the catalogue listed"
    )
    for scorer, rows in rows_by_scorer(record).items():
        axes.scatter([r["metrics"]["ndcg"] for r in rows], [r["metrics"]["coverage"] for r in rows], label=scorer)
    axes.legend()
    return figure
