"""The promotion gate: may the candidate go live? A pure decision over the numbers of one evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from ratings import FloatArray, IntArray

CANDIDATE = "candidate"
CHAMPION = "champion"
POPULARITY = "popularity"
RECENT_POPULARITY = "recent_popularity"
# The record's user ids, beside the nDCG of each pair of user and window.
USER_IDS = "ndcg_user_ids"
# The record's reason why the champion has no results in it although there is one; None or missing: none is needed.
CHAMPION_NOT_COMPARED = "champion_not_compared"


@dataclass(frozen=True)
class Interval:
    """Mean of paired differences over all pairs of user and window, with a two-sided bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Rule:
    """What the gate asks for. Differences are in nDCG@k, shares between 0 and 1."""

    margin: float = 0.0
    # Against recent popularity; a negative one asks only that the candidate is not worse by more than that.
    recent_popularity_margin: float = 0.0
    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 20261123
    # Below this many test users, however many windows each was seen in, an interval says little: the gate abstains and nothing goes live.
    least_test_users: int = 30
    # Against the champion the candidate need not win, but must not lose more than this.
    champion_tolerance: float = 0.005
    coverage_loss: float = 0.10
    # A batch with this share of its ratings from one user, or that lost this share of the champion's ratings, is not trusted:
    # accuracy on its own windows cannot show what is wrong with it. MovieLens's busiest users have up to .03.
    one_user_share: float = 0.05
    ratings_loss: float = 0.10


@dataclass(frozen=True)
class Decision:
    """The verdict ('promote', 'refuse' or 'abstain'), why, and the numbers it rests on."""

    verdict: str
    reasons: list[str]
    intervals: dict[str, Interval] = field(default_factory=dict)


def paired_bootstrap(
    differences: FloatArray, user_ids: IntArray, confidence: float, resamples: int, seed: int
) -> Interval:
    """Return the percentile bootstrap interval of the mean difference; the seed makes it repeatable.

    `differences` runs over the pairs of user and window, `user_ids` beside it says whose each is. What is drawn is users, each with
    all his pairs: one person's windows resemble one another, and to draw them apart would make the interval too narrow (cluster
    bootstrap: Davison and Hinkley 1997, section 3.8; Field and Welsh 2007). Raises ValueError when there are no differences.
    """
    if len(differences) == 0:
        raise ValueError("there are no paired differences: the windows have no test users")
    _, user_at = np.unique(user_ids, return_inverse=True)
    sums, pairs = np.bincount(user_at, differences), np.bincount(user_at)
    generator = np.random.default_rng(seed)
    means = np.empty(resamples)
    for at in range(resamples):
        drawn = generator.integers(len(sums), size=len(sums))
        means[at] = sums[drawn].sum() / pairs[drawn].sum()
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(differences.mean()), float(low), float(high))


def decide(
    ndcg_per_user: Mapping[str, Sequence[float]],
    user_ids: Sequence[int],
    coverage: Mapping[str, float],
    candidate: str,
    baselines: Sequence[str],
    champion: str | None,
    rule: Rule,
) -> Decision:
    """Return whether the candidate may be promoted.

    `ndcg_per_user` gives each scorer's nDCG for the same pairs of test user and window in the same order, `user_ids` whose pair each
    is; `coverage` each scorer's share of the catalogue. `champion` names the champion's scorer, None when there is no champion yet.
    """
    own = np.asarray(ndcg_per_user[candidate], dtype=np.float64)
    whose = np.asarray(user_ids, dtype=np.int64)
    users = len(np.unique(whose))
    if users < rule.least_test_users:
        return Decision(
            "abstain",
            [f"only {users} test users, {rule.least_test_users} are needed for an interval that means anything"],
        )
    intervals: dict[str, Interval] = {}
    against: list[str] = []
    for name in [*baselines, *([champion] if champion else [])]:
        differences = own - np.asarray(ndcg_per_user[name], dtype=np.float64)
        interval = paired_bootstrap(differences, whose, rule.confidence, rule.resamples, rule.seed)
        intervals[name] = interval
        needed = {champion: -rule.champion_tolerance, RECENT_POPULARITY: rule.recent_popularity_margin}.get(
            name, rule.margin
        )
        # An exact tie with the champion (the same settings on the same data) is no loss; a tie with a baseline is no win.
        enough = interval.low >= needed if name == champion else interval.low > needed
        if not enough:
            measured = f"{interval.mean:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]"
            against.append(f"against {name} nDCG differs by {measured}: the low end must exceed {needed:+.4f}")
    if champion and coverage[candidate] < (1 - rule.coverage_loss) * coverage[champion]:
        against.append(
            f"coverage {coverage[candidate]:.3f} is more than {rule.coverage_loss:.0%} below the champion's {coverage[champion]:.3f}"
        )
    if against:
        return Decision("refuse", against, intervals)
    beaten = ", ".join([*baselines, *([champion] if champion else [])])
    return Decision("promote", [f"beats or matches what it must: {beaten}"], intervals)


def distrust(record: Mapping[str, Any], rule: Rule) -> list[str]:
    """Return what makes a batch unfit to be published whatever its model's accuracy; nothing for a sound one."""
    reasons = []
    if record["largest_user_share"] > rule.one_user_share:
        reasons.append(
            f"one user gave {record['largest_user_share']:.1%} of the batch's ratings, at most {rule.one_user_share:.0%} are "
            "trusted: look for spam"
        )
    before = record.get("champion_ratings")
    if before and record["ratings"] < (1 - rule.ratings_loss) * before:
        reasons.append(
            f"the batch has {record['ratings']} ratings, the champion's had {before:.0f}: look for what is missing"
        )
    return reasons


def decide_on_record(record: Mapping[str, Any], rule: Rule) -> Decision:
    """Return the decision on what evaluation.json holds; one of an earlier version, without user ids, says too little: abstain.

    A champion that was not compared changes no verdict, and is told among the reasons of any.
    """
    per_user = record["ndcg_per_user"]
    latest: dict[str, float] = {}
    for row in record["windows"]:
        latest[row["scorer"]] = float(row["metrics"]["coverage"])
    champion = CHAMPION if CHAMPION in per_user else None
    if USER_IDS in record:
        baselines = [POPULARITY, RECENT_POPULARITY]
        decision = decide(per_user, record[USER_IDS], latest, CANDIDATE, baselines, champion, rule)
    else:
        decision = Decision(
            "abstain", ["the evaluation does not say which user each nDCG is of: train and evaluate again"]
        )
    if doubts := distrust(record, rule):
        kept = decision.reasons if decision.verdict != "promote" else []
        decision = Decision("refuse", doubts + kept, decision.intervals)
    if why := record.get(CHAMPION_NOT_COMPARED):
        return replace(decision, reasons=[*decision.reasons, f"the champion was not compared: {why}"])
    return decision
