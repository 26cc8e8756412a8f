"""The model card of a promoted model: its kind, data, accuracy and limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from evaluation.record import CANDIDATE, EXPLICIT_ALS, EvaluationRecord, pooled_mean, rows_by_scorer
from evaluation.untimed import AT_RANDOM, FUTURE_NOT_HIDDEN

SHOWN = (
    *("ndcg", "precision", "recall", "map", "mrr", "hit_rate", "coverage", "novelty", "diversity", "exposure_gini"),
    *("ndcg_tail", "stratified_recall", "serendipity", "recent_top_share", "miscalibration", "overlap"),
)


def model_card(record: EvaluationRecord, decision: Mapping[str, Any]) -> str:
    """Return the card as Markdown, from an evaluation and the decision on it."""
    k = record["k"]
    rows = rows_by_scorer(record)
    pairs = sum(row["test_users"] for row in next(iter(rows.values())))
    users = len(set(record["ndcg_user_ids"]))
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
        f"## Accuracy on {_windows(record)}, lists of {k}",
        "",
        f"{users} users, {pairs} pairs of user and window{_span(record)}.",
        "",
        "| metric | " + " | ".join(rows) + " |",
        "|---|" + "---|" * len(rows),
    ]
    for metric in SHOWN:
        means = [pooled_mean(of_scorer, metric) for of_scorer in rows.values()]
        if None not in means:
            lines.append(f"| {metric} | " + " | ".join(f"{mean:.4f}" for mean in means) + " |")
    lines += ["", f"| nDCG@{k} of the model against | mean difference | interval |", "|---|---|---|"]
    for name, interval in decision["intervals"].items():
        lines.append(f"| {name} | {interval['mean']:+.4f} | {interval['low']:+.4f} to {interval['high']:+.4f} |")
    lines += ["", "| users by ratings before | users | nDCG |", "|---|---|---|"]
    for name, users_of_slice in record["ndcg_by_activity"][CANDIDATE].items():
        lines.append(f"| {name.replace('_', ' ')} | {users_of_slice['users']} | {users_of_slice['mean']:.4f} |")
    lines += _concentration(record) + _explicit(record)
    lines += [
        "",
        "## Limits",
        "",
        f"- Lists hold few movies: the {k} best of all users together cover "
        f"{pooled_mean(rows[CANDIDATE], 'coverage') or 0:.1%} of the catalogue in a window.",
        *([f"- {FUTURE_NOT_HIDDEN.capitalize()}. Nothing decays."] if record.get("split") == AT_RANDOM else []),
        "- Users without ratings get the recent popular list. A movie without ratings is never recommended.",
        "- The intervals come from drawing users with all their windows, and are as wide as the few returning users make them.",
        "",
        "## Settings",
        "",
        *(f"- {name}: {value}" for name, value in record["settings"].items()),
    ]
    return "\n".join(lines) + "\n"


def _concentration(record: EvaluationRecord) -> list[str]:
    """Return the section on how alike the lists are, empty when it was not measured."""
    slices = record.get("concentration", {})
    if not slices:
        return []
    names = ("movies", "coverage", "exposure_gini", "overlap", "recent_top_share", "novelty", "miscalibration")
    lines = [
        "",
        f"## How alike the lists are, first {record['k']} movies, by how much their users have rated",
        "",
        f"| users | number | {' | '.join(names)} |",
        "|---|" + "---|" * (len(names) + 1),
    ]
    for name, measures in slices.items():
        cells = [f"{measures[key]:.4g}" for key in names]  # type: ignore[literal-required]
        lines.append(f"| {name.replace('_', ' ')} | {measures['users']} | {' | '.join(cells)} |")
    return lines


def _explicit(record: EvaluationRecord) -> list[str]:
    """Return the section on explicit ALS, empty when it was not measured."""
    explicit = record.get(EXPLICIT_ALS, {})
    if "rmse" not in explicit:
        return []
    newest = max(rows_by_scorer(record)[CANDIDATE], key=lambda row: row["window"])
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


def _windows(record: EvaluationRecord) -> str:
    return "random slices" if record.get("split") == AT_RANDOM else "windows that follow the training data"


def _span(record: EvaluationRecord) -> str:
    """Return the first and last day of the windows; random slices have none."""
    if record.get("split") == AT_RANDOM:
        return ""
    rows = record["windows"]
    return f", {_day(min(row['test_from'] for row in rows))} to {_day(max(row['test_until'] for row in rows))}"


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
