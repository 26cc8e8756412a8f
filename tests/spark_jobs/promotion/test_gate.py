import numpy as np
import pytest
from promotion.gate import Rule, decide, decide_on_record, paired_bootstrap

RULE = Rule(resamples=200)
BASELINES = ["popularity", "recent_popularity"]


def scores(**means: float) -> dict[str, list[float]]:
    noise = np.random.default_rng(1).normal(0, 0.01, 100)
    return {name: (mean + noise).tolist() for name, mean in means.items()}


def verdict(per_user: dict[str, list[float]], coverage: dict[str, float] | None = None, rule: Rule = RULE) -> str:
    champion = "champion" if "champion" in per_user else None
    users = range(len(per_user["candidate"]))
    return decide(
        per_user, users, coverage or dict.fromkeys(per_user, 0.1), "candidate", BASELINES, champion, rule
    ).verdict


def test_a_candidate_that_beats_both_baselines_is_promoted() -> None:
    assert verdict(scores(candidate=0.2, popularity=0.1, recent_popularity=0.15)) == "promote"


def test_a_tie_with_recent_popularity_is_refused() -> None:
    assert verdict(scores(candidate=0.2, popularity=0.1, recent_popularity=0.2)) == "refuse"


def test_a_better_mean_whose_interval_holds_zero_is_refused() -> None:
    per_user = scores(candidate=0.2, popularity=0.1, recent_popularity=0.2)
    noise = np.random.default_rng(2).normal(0.0, 1.0, 100)
    per_user["recent_popularity"] = (0.2 - 0.05 - (noise - noise.mean())).tolist()
    assert verdict(per_user) == "refuse"


def test_a_negative_margin_accepts_a_candidate_that_is_not_worse_by_more() -> None:
    close = scores(candidate=0.2, popularity=0.1, recent_popularity=0.205)
    assert verdict(close, rule=Rule(resamples=200, recent_popularity_margin=-0.01)) == "promote"
    assert verdict(close, rule=Rule(resamples=200, recent_popularity_margin=-0.001)) == "refuse"


def test_the_same_as_the_champion_passes_and_clearly_worse_does_not() -> None:
    assert verdict(scores(candidate=0.2, popularity=0.1, recent_popularity=0.1, champion=0.2)) == "promote"
    assert verdict(scores(candidate=0.2, popularity=0.1, recent_popularity=0.1, champion=0.21)) == "refuse"


def test_lost_coverage_is_refused() -> None:
    better = scores(candidate=0.2, popularity=0.1, recent_popularity=0.1, champion=0.15)
    kept = {"candidate": 0.095, "champion": 0.1}
    lost = {"candidate": 0.085, "champion": 0.1}
    assert (verdict(better, kept), verdict(better, lost)) == ("promote", "refuse")


def test_too_few_test_users_abstain_however_many_windows_each_was_seen_in() -> None:
    per_user = scores(candidate=0.2, popularity=0.1, recent_popularity=0.1)
    found = {
        users: decide(
            per_user, np.arange(100) % users, dict.fromkeys(per_user, 0.1), "candidate", BASELINES, None, RULE
        )
        for users in (29, 30)
    }
    assert (found[29].verdict, found[30].verdict) == ("abstain", "promote")
    assert found[29].reasons == ["only 29 test users, 30 are needed for an interval that means anything"]


def test_the_interval_is_repeatable_and_holds_the_mean() -> None:
    differences = np.random.default_rng(3).normal(0.1, 1, 400)
    first, second = (paired_bootstrap(differences, np.arange(400), 0.95, 500, 9) for _ in range(2))
    assert first == second
    assert first.low < first.mean < first.high
    # Half the width is close to 1.96 standard errors.
    assert (first.high - first.low) / 2 == pytest.approx(1.96 * differences.std() / 20, rel=0.15)


def test_a_user_who_was_seen_in_four_windows_says_as_much_as_one() -> None:
    of_user = np.random.default_rng(3).normal(0.1, 1, 400)
    once = paired_bootstrap(of_user, np.arange(400), 0.95, 500, 9)
    four_times = paired_bootstrap(np.tile(of_user, 4), np.tile(np.arange(400), 4), 0.95, 500, 9)
    assert (four_times.low, four_times.high) == pytest.approx((once.low, once.high))
    # Drawn apart, the pairs would make the interval half as wide.
    apart = paired_bootstrap(np.tile(of_user, 4), np.arange(1600), 0.95, 500, 9)
    assert (apart.high - apart.low) / (once.high - once.low) == pytest.approx(0.5, rel=0.15)


def test_the_mean_counts_pairs_and_a_user_without_differences_is_no_user() -> None:
    # Users 5 and 9: three pairs and one. Drawn twice alike, or one of each.
    found = paired_bootstrap(np.array([1.0, 1.0, 1.0, 5.0]), np.array([5, 5, 5, 9]), 0.95, 500, 9)
    assert (found.mean, found.low, found.high) == (2.0, 1.0, 5.0)
    with pytest.raises(ValueError, match="the windows have no test users"):
        paired_bootstrap(np.array([]), np.array([], dtype=int), 0.95, 500, 9)


def record() -> dict[str, object]:
    windows = [{"scorer": s, "metrics": {"coverage": 0.1}} for s in ("candidate", *BASELINES)]
    per_user = scores(candidate=0.2, popularity=0.1, recent_popularity=0.1)
    sizes = {"ratings": 1000, "largest_user_share": 0.02}
    return {"ndcg_per_user": per_user, "ndcg_user_ids": list(range(100)), "windows": windows, **sizes}


def test_a_record_without_a_champion_is_decided_on_the_baselines() -> None:
    assert sorted(decide_on_record(record(), RULE).intervals) == BASELINES


def test_a_record_that_does_not_say_whose_the_values_are_is_no_ground_for_a_promotion() -> None:
    older = {name: value for name, value in record().items() if name != "ndcg_user_ids"}
    decision = decide_on_record(older, RULE)
    assert (decision.verdict, decision.reasons) == (
        "abstain",
        ["the evaluation does not say which user each nDCG is of: train and evaluate again"],
    )
    assert decide_on_record(older | {"largest_user_share": 0.5}, RULE).verdict == "refuse"


def test_a_batch_of_one_user_s_spam_or_with_ratings_missing_is_refused_whatever_its_accuracy() -> None:
    sound = record() | {"champion_ratings": 1100}
    assert decide_on_record(sound, RULE).verdict == "promote"
    spam = decide_on_record(sound | {"largest_user_share": 0.0501}, RULE)
    assert (spam.verdict, spam.reasons) == (
        "refuse",
        ["one user gave 5.0% of the batch's ratings, at most 5% are trusted: look for spam"],
    )
    missing = decide_on_record(sound | {"ratings": 989}, RULE)
    assert (missing.verdict, missing.reasons) == (
        "refuse",
        ["the batch has 989 ratings, the champion's had 1100: look for what is missing"],
    )


def test_a_decision_says_whether_its_reasons_are_about_the_data_alone_or_about_the_model() -> None:
    few, alike = (
        Rule(resamples=200, least_test_users=101),
        record() | {"k": 10, "concentration": {"all": {"overlap": 2.9}}},
    )
    spam = {"largest_user_share": 0.0501}
    assert decide_on_record(record() | spam, RULE).subject == "data"
    assert decide_on_record(record(), few).subject == "data"
    assert decide_on_record(record(), RULE).subject == "model"
    # What is held against the model too is not about the data alone.
    assert decide_on_record(alike | spam, Rule(resamples=200, most_overlap=0.25)).subject == "model"
    worse = Rule(resamples=200, margin=0.9)
    assert decide_on_record(record() | spam, worse).subject == "model"
    assert decide_on_record(record(), worse).subject == "model"


def test_a_champion_that_was_not_compared_is_told_whatever_the_verdict() -> None:
    why = "als version 3 was logged by another version of this code: train the batch again"
    shown = f"the champion was not compared: {why}"
    sound = record() | {"champion_not_compared": why}
    promoted = decide_on_record(sound, RULE)
    assert (promoted.verdict, promoted.reasons) == (
        "promote",
        ["beats or matches what it must: popularity, recent_popularity", shown],
    )
    spam = decide_on_record(sound | {"largest_user_share": 0.0501}, RULE)
    assert (spam.verdict, spam.reasons) == (
        "refuse",
        ["one user gave 5.0% of the batch's ratings, at most 5% are trusted: look for spam", shown],
    )
    few = decide_on_record(sound, Rule(resamples=200, least_test_users=101))
    assert (few.verdict, few.reasons) == (
        "abstain",
        ["only 100 test users, 101 are needed for an interval that means anything", shown],
    )
    compared = decide_on_record(record() | {"champion_not_compared": None}, RULE)
    assert compared.reasons == ["beats or matches what it must: popularity, recent_popularity"]


def test_a_random_split_is_told_whatever_the_verdict() -> None:
    shown = "the ratings have no times: the test rows were drawn at random, so the future was not hidden from the model"
    promoted = decide_on_record(record() | {"split": "random"}, RULE)
    assert (promoted.verdict, promoted.reasons[-1]) == ("promote", shown)
    few = decide_on_record(record() | {"split": "random"}, Rule(resamples=200, least_test_users=101))
    assert (few.verdict, few.reasons[-1]) == ("abstain", shown)
    assert shown not in decide_on_record(record() | {"split": "time"}, RULE).reasons


def test_lists_that_are_too_much_alike_are_refused_where_a_limit_is_set() -> None:
    alike = record() | {"k": 10, "concentration": {"all": {"overlap": 2.9}}}
    limit = Rule(resamples=200, most_overlap=0.25)
    assert decide_on_record(alike, RULE).verdict == "promote"
    refused = decide_on_record(alike, limit)
    assert (refused.verdict, refused.reasons) == (
        "refuse",
        [
            "the lists of two users share 29.0% of their movies on average, at most 25.0% are allowed: "
            "lower gain-power, or raise personal-weight"
        ],
    )
    assert decide_on_record(alike | {"concentration": {"all": {"overlap": 2.5}}}, limit).verdict == "promote"
    # A record of an earlier version does not say it.
    assert decide_on_record(record(), limit).verdict == "promote"
