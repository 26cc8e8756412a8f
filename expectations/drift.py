"""How far a batch's rows have moved from an earlier batch's: in number, and in distribution.

A suite declares under ``meta.drift`` which columns are looked at, by name, each as ``values`` (every value is a bin of
its own) or ``quantiles`` (ten bins, cut where a tenth of the reference's rows lies between). What is compared is the
profile that was kept of the earlier batch, so that its rows are not read again.

The measure is the population stability index, sum((p - q) ln(p / q)) over the bins, p and q the shares of the two
batches: N. Siddiqi, 2006, *Credit Risk Scorecards*, chapter 8, with its usual reading (below .1 no shift, above .25 a
significant one). Half a row is added to each bin, so that an empty one has a logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

QUANTILE_BINS = 10


@dataclass(frozen=True)
class Limits:
    """Where drift becomes a warning and where an error: relative change of the row count, and PSI."""

    rows_warning: float = 0.1
    rows_error: float = 0.5
    psi_warning: float = 0.1
    psi_error: float = 0.25


def profile(frame: pd.DataFrame, declared: Mapping[str, str]) -> dict[str, Any]:
    """Return ``rows`` and, by column, its bins: {"edges": [...] or absent, "counts": [...] or {value: count}}."""
    columns: dict[str, Any] = {}
    for name, kind in declared.items():
        known = frame[name].dropna()
        if kind == "values":
            columns[name] = {"counts": _counts_of_values(known)}
        elif kind == "quantiles":
            tenths = np.arange(1, QUANTILE_BINS) / QUANTILE_BINS
            edges = [float(edge) for edge in np.unique(np.quantile(known, tenths))] if len(known) else []
            columns[name] = {"edges": edges, "counts": _counts_between(known, edges)}
        else:
            raise ValueError(f"Drift of {name!r} is declared as {kind!r}, not values or quantiles; correct the suite.")
    return {"rows": len(frame), "columns": columns}


def _counts_of_values(known: pd.Series[Any]) -> dict[str, int]:
    return {
        str(value): int(count) for value, count in sorted(known.value_counts().items(), key=lambda pair: str(pair[0]))
    }


def _counts_between(known: pd.Series[Any], edges: Sequence[float]) -> list[int]:
    bins = np.searchsorted(np.asarray(edges, dtype=float), known.to_numpy(dtype=float), side="left")
    return [int(count) for count in np.bincount(bins, minlength=len(edges) + 1)]


def population_stability_index(reference: Sequence[int], current: Sequence[int]) -> float:
    """Return the PSI of two lists of counts over the same bins."""
    bins = len(reference)
    total = sum(reference) + bins / 2, sum(current) + bins / 2
    index = 0.0
    for before, now in zip(reference, current, strict=True):
        q, p = (before + 0.5) / total[0], (now + 0.5) / total[1]
        index += (p - q) * math.log(p / q)
    return index


def compare(reference: Mapping[str, Any], frame: pd.DataFrame) -> dict[str, Any]:
    """Return ``rows`` (relative change of their number) and ``psi`` by column, of ``frame`` against a profile.

    A column is left out where one of the two has no value in it, or where ``frame`` lacks it, since the suite changed.
    """
    psi = {}
    for name, bins in reference["columns"].items():
        if name not in frame.columns:
            continue
        known = frame[name].dropna()
        before = bins["counts"]
        if "edges" in bins:
            pairs = (before, _counts_between(known, bins["edges"]))
        else:
            now = _counts_of_values(known)
            values = sorted({*before, *now})
            pairs = ([before.get(value, 0) for value in values], [now.get(value, 0) for value in values])
        if all(sum(counts) for counts in pairs):
            psi[name] = round(population_stability_index(*pairs), 6)
    rows = reference["rows"]
    return {"rows": round((len(frame) - rows) / max(rows, 1), 6), "psi": psi}


def judge(moved: Mapping[str, Any], batch_id: str, limits: Limits) -> dict[str, list[dict[str, Any]]]:
    """Return what exceeds a limit, as ``failed`` and ``warnings``, in the form of a failed expectation."""
    found: dict[str, list[dict[str, Any]]] = {"failed": [], "warnings": []}

    def note(measure: str, what: str, value: float, warning: float, error: float) -> None:
        if abs(value) <= min(warning, error):
            return
        severity, limit = ("failed", error) if abs(value) > error else ("warnings", warning)
        found[severity].append(
            {
                "expectation": f"{measure}_close_to_batch_{batch_id}",
                "kwargs": {"limit": limit},
                "why": f"{what} moved by {value:+.3f} against the batch before; where the source was meant to change so "
                "much, raise MARQUEE_DRIFT_* in .env and clear the task.",
                "unexpected": None,
                "observed": value,
                "examples": [],
            }
        )

    note("row_count", "The number of rows", moved["rows"], limits.rows_warning, limits.rows_error)
    for column, value in moved["psi"].items():
        note(f"distribution_of_{column}", f"The distribution of {column}", value, limits.psi_warning, limits.psi_error)
    return found
