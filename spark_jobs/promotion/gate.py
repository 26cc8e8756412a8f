"""The promotion gate, which decides from one evaluation whether a model goes live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from evaluation.concentration import EVERYBODY
from evaluation.record import CANDIDATE, CHAMPION, GATE_BASELINES, RECENT_POPULARITY, EvaluationRecord
from evaluation.untimed import AT_RANDOM, FUTURE_NOT_HIDDEN
from recommender.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class Interval:
    """Mean of paired differences, with a two-sided bootstrap interval.

    The mean is over all pairs of user and window.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Rule:
    """The gate's conditions; differences are in nDCG@k, and shares between 0 and 1."""

    margin: float = 0.0
    # The margin against recent popularity. With a negative one, the candidate may be worse by at most that much.
    recent_popularity_margin: float = 0.0
    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 20261123
    # With fewer test users an interval means little, however many windows each of them is in. The gate abstains and nothing goes live.
    least_test_users: int = 30
    # The candidate need not beat the champion, but may not lose more than this.
    champion_tolerance: float = 0.005
    coverage_loss: float = 0.10
    # A batch is not trusted when one user gave more than `one_user_share` of its ratings. It is not trusted either
    # when it has lost more than `ratings_loss` of the champion's ratings. Accuracy on its own windows cannot show
    # such a defect. MovieLens's busiest users have up to .03.
    one_user_share: float = 0.05
    ratings_loss: float = 0.10
    # The share of a list that the lists of two users may have in common, on average. At 1, no model is refused for it.
    most_overlap: float = 1.0


@dataclass(frozen=True)
class Decision:
    """The verdict, its reasons, and the intervals that decided it.

    The verdict is 'promote', 'refuse' or 'abstain'. `subject` says what the reasons are about: 'data' where nothing is held
    against the model, else 'model'.
    """

    verdict: str
    reasons: list[str]
    intervals: dict[str, Interval] = field(default_factory=dict)
    subject: str = "model"


def paired_bootstrap(
    differences: FloatArray, user_ids: IntArray, confidence: float, resamples: int, seed: int
) -> Interval:
    """Return the percentile bootstrap interval of the mean difference.

    The seed makes it repeatable. `differences` runs over the pairs of user and window, and `user_ids` holds the user
    of each. Users are drawn, each with all their pairs. One person's windows resemble one another: drawn separately,
    they would make the interval too narrow (cluster bootstrap: Davison and Hinkley 1997, section 3.8; Field and Welsh
    2007). Raises ValueError when there are no differences.
    """
    if len(differences) == 0:
        raise ValueError(
            "There are no paired differences, because the windows have no test users. Evaluate on windows with returning users."
        )
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

    `ndcg_per_user` holds each scorer's nDCG for the same pairs of test user and window, in the same order. `user_ids` holds the user of
    each pair, and `coverage` each scorer's share of the catalogue. `champion` is the champion's scorer, None without a champion.
    """
    own = np.asarray(ndcg_per_user[candidate], dtype=np.float64)
    user_of_pair = np.asarray(user_ids, dtype=np.int64)
    users = len(np.unique(user_of_pair))
    if users < rule.least_test_users:
        return Decision(
            "abstain",
            [f"only {users} test users, {rule.least_test_users} are needed for an interval that means anything"],
            subject="data",
        )
    intervals: dict[str, Interval] = {}
    against: list[str] = []
    for name in [*baselines, *([champion] if champion else [])]:
        differences = own - np.asarray(ndcg_per_user[name], dtype=np.float64)
        interval = paired_bootstrap(differences, user_of_pair, rule.confidence, rule.resamples, rule.seed)
        intervals[name] = interval
        needed = {champion: -rule.champion_tolerance, RECENT_POPULARITY: rule.recent_popularity_margin}.get(
            name, rule.margin
        )
        # An exact tie with the champion (the same settings on the same data) is not a loss. A tie with a baseline is not a win.
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


def distrust(record: EvaluationRecord, rule: Rule) -> list[str]:
    """Return the reasons not to publish a batch, whatever its model's accuracy."""
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


def concentrated(record: EvaluationRecord, rule: Rule) -> list[str]:
    """Return the reasons not to publish lists that are too much alike.

    A record of an earlier version of the code does not say how alike they are.
    """
    overlap = record["concentration"][EVERYBODY]["overlap"] / record["k"] if "concentration" in record else 0.0
    if overlap <= rule.most_overlap:
        return []
    return [
        f"the lists of two users share {overlap:.1%} of their movies on average, at most {rule.most_overlap:.1%} are allowed: "
        "lower gain-power, or raise personal-weight"
    ]


def decide_on_record(record: EvaluationRecord, rule: Rule) -> Decision:
    """Return the decision on the content of evaluation.json.

    The gate abstains on a record of an earlier version of the code, without user ids. A champion that was not compared changes no verdict.
    It is named among the reasons of any verdict.
    """
    per_user = record["ndcg_per_user"]
    latest: dict[str, float] = {}
    for row in record["windows"]:
        latest[row["scorer"]] = float(row["metrics"]["coverage"])
    champion = CHAMPION if CHAMPION in per_user else None
    if "ndcg_user_ids" in record:
        user_ids = record["ndcg_user_ids"]
        decision = decide(per_user, user_ids, latest, CANDIDATE, GATE_BASELINES, champion, rule)
    else:
        decision = Decision(
            "abstain", ["the evaluation does not say which user each nDCG is of: train and evaluate again"]
        )
    distrusted, alike = distrust(record, rule), concentrated(record, rule)
    if doubts := [*distrusted, *alike]:
        kept = decision.reasons if decision.verdict != "promote" else []
        subject = "model" if alike or decision.verdict == "refuse" else "data"
        decision = Decision("refuse", doubts + kept, decision.intervals, subject)
    notes = []
    if why := record.get("champion_not_compared"):
        notes.append(f"the champion was not compared: {why}")
    if record.get("split") == AT_RANDOM:
        notes.append(FUTURE_NOT_HIDDEN)
    return replace(decision, reasons=[*decision.reasons, *notes]) if notes else decision
