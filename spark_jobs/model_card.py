"""The model card of a promoted model: what it is, what it was learned from, how good it is, and where it fails."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from promotion import USER_IDS

SHOWN = ("ndcg", "precision", "recall", "map", "mrr", "hit_rate", "coverage", "novelty", "diversity", "exposure_gini")


def model_card(record: Mapping[str, Any], decision: Mapping[str, Any]) -> str:
    """Return the card as Markdown, from evaluation.json's content and the decision on it."""
    k = record["k"]
    scorers = list(dict.fromkeys(row["scorer"] for row in record["windows"]))
    pairs = sum(row["test_users"] for row in record["windows"] if row["scorer"] == scorers[0])
    users = len(set(record[USER_IDS]))
    lines = [
        f"# {decision['model_name']} version {decision['model_version']}",
        "",
        f"Recommends movies from what people rated. Batch {record['batch_id']}: {record['ratings']:,} ratings of "
        f"{record['movies']:,} movies by {record['users']:,} users. Decision: **{decision['verdict']}**, "
        f"{'; '.join(decision['reasons'])}.",
        "",
        "Implicit ALS factors, linear item neighbours (EASE, with genres and years of release) and recent popularity of returning "
        "users, blended for each user; "
        "the formula is in docs/model.md. Stars are not used, only what was rated and when.",
        "",
        f"## Accuracy on windows that follow the training data, lists of {k}",
        "",
        f"{users} users, {pairs} pairs of user and window, "
        f"{_day(min(row['test_from'] for row in record['windows']))} to {_day(max(row['test_until'] for row in record['windows']))}.",
        "",
        "| metric | " + " | ".join(scorers) + " |",
        "|---|" + "---|" * len(scorers),
    ]
    for metric in SHOWN:
        means = [_pooled(record, scorer, metric) for scorer in scorers]
        if None not in means:
            lines.append(f"| {metric} | " + " | ".join(f"{mean:.4f}" for mean in means) + " |")
    lines += ["", f"| nDCG@{k} of the model against | mean difference | interval |", "|---|---|---|"]
    for name, interval in decision["intervals"].items():
        lines.append(f"| {name} | {interval['mean']:+.4f} | {interval['low']:+.4f} to {interval['high']:+.4f} |")
    lines += ["", "| users by ratings before | users | nDCG |", "|---|---|---|"]
    for name, part in record["ndcg_by_activity"]["candidate"].items():
        lines.append(f"| {name.replace('_', ' ')} | {part['users']} | {part['mean']:.4f} |")
    lines += _explicit(record)
    lines += [
        "",
        "## Limits",
        "",
        f"- Lists hold few movies: the {k} best of all users together cover "
        f"{_pooled(record, 'candidate', 'coverage') or 0:.1%} of the catalogue in a window.",
        "- Somebody without ratings gets what is popular of late; a movie without ratings is never recommended.",
        "- The intervals come from drawing users with all their windows, and are as wide as the few returning users make them.",
        "",
        "## Settings",
        "",
        *(f"- {name}: {value}" for name, value in record["settings"].items()),
    ]
    return "\n".join(lines) + "\n"


def _explicit(record: Mapping[str, Any]) -> list[str]:
    """Return what explicit ALS reached in the newest window beside the model; nothing where it was not measured."""
    explicit = record.get("explicit_als", {})
    if "rmse" not in explicit:
        return []
    newest = max((row for row in record["windows"] if row["scorer"] == "candidate"), key=lambda row: row["window"])
    lines = [
        "",
        "## Explicit ALS, for comparison",
        "",
        f"In the newest window it predicts stars with RMSE {explicit['rmse']:.3f} and MAE {explicit['mae']:.3f}. Its lists there, "
        "and the model's:",
        "",
        "| metric | explicit ALS | candidate |",
        "|---|---|---|",
    ]
    for metric in ("ndcg", "precision", "recall"):
        lines.append(f"| {metric} | {explicit[metric]:.4f} | {newest['metrics'][metric]:.4f} |")
    return lines


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def _pooled(record: Mapping[str, Any], scorer: str, metric: str) -> float | None:
    """Return the metric's mean over all pairs of user and window; None where it was not measured."""
    rows = [row for row in record["windows"] if row["scorer"] == scorer]
    if any(metric not in row["metrics"] for row in rows):
        return None
    weights = sum(row["test_users"] for row in rows)
    return float(sum(row["metrics"][metric] * row["test_users"] for row in rows) / weights)
