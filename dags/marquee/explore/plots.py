"""Draw the page's plots, each as the text of one SVG element.

The same numbers give the same text.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from marquee.explore.measure import Measures

# Dark enough on white for all readers (contrast above 4.5). Their panels tell them apart without colour.
BLUE, ORANGE = "#1f5f8b", "#a8500a"
mpl.rcParams |= {"svg.hashsalt": "marquee", "svg.fonttype": "path", "font.size": 10, "axes.spines.top": False}
mpl.rcParams |= {"axes.spines.right": False, "axes.grid": True, "grid.color": "#d8d8d8", "axes.axisbelow": True}


def drawn(draw: Callable[[Any], None], label: str, rows: int = 1, height: float = 2.9) -> str:
    """Return the SVG that `draw` makes of `rows` axes.

    Each axis is `height` inches high. A screen reader reads `label`.
    """
    figure = Figure(figsize=(8, height * rows), layout="constrained")
    draw(figure.subplots(rows))
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    # The comments repeat text of the data.
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.S)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(label)}" ', 1)


def ratings_histogram(measures: Measures) -> str:
    """Return the bars of the ratings by their value."""
    counts = measures.ratings

    def draw(axes: Any) -> None:
        axes.bar(counts.index, counts.to_numpy(), width=0.4, color=BLUE)
        axes.set(xlabel="rating, stars", ylabel="ratings")

    return drawn(draw, f"Bars of ratings by value; most frequent: {counts.idxmax():g} stars")


def activity(measures: Measures) -> str:
    """Return ratings a month and their mean, over time."""
    counts, means = measures.ratings_by_month, measures.mean_by_month

    def draw(axes: Any) -> None:
        axes[0].plot(counts.index, counts.to_numpy(), color=BLUE)
        axes[0].set(ylabel="ratings a month", ylim=(0, None))
        axes[1].plot(means.index, means.to_numpy(), color=ORANGE)
        axes[1].set(ylabel="mean rating", ylim=(0.5, 5), xlabel="month")

    return drawn(draw, f"Ratings a month and mean rating, {counts.index[0]:%Y-%m} to {counts.index[-1]:%Y-%m}", rows=2)


def long_tail(measures: Measures) -> str:
    """Return ratings of each movie and each user by rank, both axes logarithmic."""

    def draw(axes: Any) -> None:
        for one, (counts, what, colour) in zip(
            axes,
            ((measures.ratings_by_movie, "movie", BLUE), (measures.ratings_by_user, "user", ORANGE)),
            strict=True,
        ):
            ordered = counts.sort_values(ascending=False).to_numpy()
            # On such an axis, a million points look like a few hundred.
            places = np.unique(np.geomspace(1, len(ordered), 400).astype(int))
            one.loglog(places, ordered[places - 1], color=colour, marker=".", linestyle="none")
            one.set(xlabel=f"{what}, by number of ratings", ylabel="ratings")

    return drawn(draw, "Ratings of each movie, and of each user, by rank on logarithmic axes: long tails", rows=2)


def concentration(measures: Measures) -> str:
    """Return the ratings' share by the share of the most rated movies and users.

    It is a Lorenz curve from the top.
    """

    def draw(axes: Any) -> None:
        for counts, what, colour, style in (
            (measures.ratings_by_movie, "movies", BLUE, "-"),
            (measures.ratings_by_user, "users", ORANGE, "--"),
        ):
            held = np.cumsum(np.sort(counts.to_numpy())[::-1]) / counts.sum()
            places = np.unique(np.linspace(0, len(held) - 1, 400).astype(int))
            axes.plot((places + 1) / len(held), held[places], color=colour, linestyle=style, label=what)
        axes.plot([0, 1], [0, 1], color="#555555", linewidth=0.8, label="if all were equal")
        axes.set(xlabel="share of movies or users, most ratings first", ylabel="share of ratings")
        axes.legend()

    return drawn(draw, "Share of the ratings held by the most rated movies and by the busiest users")


def movies_by_year(measures: Measures) -> str:
    """Return movies by the year in their title."""
    counts = measures.movies_by_year

    def draw(axes: Any) -> None:
        axes.bar(counts.index, counts.to_numpy(), width=1.0, color=BLUE)
        axes.set(xlabel="year in the title", ylabel="movies")

    return drawn(draw, "Bars of movies by the year in their title")


def genres(measures: Measures) -> str:
    """Return movies by genre."""
    counts: pd.Series[int] = measures.movies_by_genre.sort_values()

    def draw(axes: Any) -> None:
        axes.barh(counts.index.astype(str), counts.to_numpy(), color=BLUE)
        axes.set(xlabel="movies")
        axes.tick_params(axis="y", labelsize=8)
        axes.grid(visible=False, axis="y")

    return drawn(draw, f"Bars of movies by genre; most frequent: {counts.index[-1]}", height=1 + len(counts) / 5)
