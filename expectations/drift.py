"""Measure how a batch's rows drifted from an earlier batch: number, distribution.

A suite declares the compared columns under ``meta.drift``, by name. ``values`` makes each value a bin. ``quantiles``
makes ten bins, each with a tenth of the reference's rows. The comparison uses the stored profile of the earlier
batch. It does not read that batch's rows again.

The measure is the population stability index, sum((p - q) ln(p / q)) over the bins, p and q the shares of the two
batches: N. Siddiqi, 2006, *Credit Risk Scorecards*, chapter 8, with its usual reading (below .1 no shift, above .25 a
significant one). Each bin counts half a row more, so that an empty bin has a logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

QUANTILE_BINS = 10
# Of tens of millions of ratings, a copy in floats and their bins would be two more columns.
_COUNTED_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Hold the limits of drift for a warning and for an error.

    They limit the relative change of the row count, and the PSI.
    """

    rows_warning: float = 0.1
    rows_error: float = 0.5
    psi_warning: float = 0.1
    psi_error: float = 0.25


def profile(frame: pd.DataFrame, declared: Mapping[str, str]) -> dict[str, Any]:
    """Return ``rows``, and ``columns`` with the bins of each column.

    Bins have the form {"edges": [...] or absent, "counts": [...] or {value: count}}.
    """
    columns: dict[str, Any] = {}
    for name, kind in declared.items():
        known = _known(frame[name])
        if kind == "values":
            columns[name] = {"counts": _counts_of_values(known)}
        elif kind == "quantiles":
            tenths = np.arange(1, QUANTILE_BINS) / QUANTILE_BINS
            # Rows without times all have their batch's, which tells nothing about another batch.
            varied = known if len(known) and known.min() != known.max() else known[:0]
            edges = [float(edge) for edge in np.unique(np.quantile(varied, tenths))] if len(varied) else []
            columns[name] = {"edges": edges, "counts": _counts_between(varied, edges)}
        else:
            raise ValueError(f"Drift of {name!r} is declared as {kind!r}, not values or quantiles. Correct the suite.")
    return {"rows": len(frame), "columns": columns}


def _known(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return the values that there are, without a copy where all are."""
    return column.dropna() if column.hasnans else column


def _counts_of_values(known: pd.Series[Any]) -> dict[str, int]:
    return {
        str(value): int(count) for value, count in sorted(known.value_counts().items(), key=lambda pair: str(pair[0]))
    }


def _counts_between(known: pd.Series[Any], edges: Sequence[float]) -> list[int]:
    values, limits = known.to_numpy(), np.asarray(edges, dtype=float)
    counts = np.zeros(len(edges) + 1, dtype=np.int64)
    for start in range(0, len(values), _COUNTED_AT_ONCE):
        bins = np.searchsorted(limits, values[start : start + _COUNTED_AT_ONCE].astype(float), side="left")
        counts += np.bincount(bins, minlength=len(counts))
    return counts.tolist()


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
    """Return the relative change of ``rows`` and ``psi`` by column against a profile.

    The result has no column in which either batch lacks values. After a change of the suite, ``frame`` can lack a
    column. The result does not have it either.
    """
    psi = {}
    for name, bins in reference["columns"].items():
        if name not in frame.columns:
            continue
        known = _known(frame[name])
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
    """Return the measures over a limit as failed expectations.

    Their keys are ``failed`` and ``warnings``.
    """
    found: dict[str, list[dict[str, Any]]] = {"failed": [], "warnings": []}

    def note(measure: str, what: str, value: float, warning: float, error: float) -> None:
        if abs(value) <= min(warning, error):
            return
        severity, limit = ("failed", error) if abs(value) > error else ("warnings", warning)
        found[severity].append(
            {
                "expectation": f"{measure}_close_to_batch_{batch_id}",
                "kwargs": {"limit": limit},
                "why": f"{what} moved by {value:+.3f} against the batch before. If the source was meant to change this "
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
