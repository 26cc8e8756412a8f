"""The search for settings: the settings that it tries, its proposal."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import optuna
from recommender.settings import TrainingSettings


def suggested(trial: optuna.Trial) -> TrainingSettings:
    """Return the settings of a trial."""
    return TrainingSettings(
        alpha=trial.suggest_float("alpha", 0.5, 8, log=True),
        reg_param=trial.suggest_float("reg_param", 0.1, 1, log=True),
        rank=trial.suggest_categorical("rank", [32, 64]),
        max_iter=6,
        confidence_half_life_days=trial.suggest_float("confidence_half_life_days", 180, 2000, log=True),
        profile_half_life_days=trial.suggest_float("profile_half_life_days", 15, 730, log=True),
        neighbour_ridge=trial.suggest_float("neighbour_ridge", 30, 500, log=True),
        neighbour_weight=trial.suggest_float("neighbour_weight", 5, 200, log=True),
        genre_weight=trial.suggest_float("genre_weight", 0.05, 2, log=True),
        year_weight=trial.suggest_float("year_weight", 0.05, 2, log=True),
        prior_half_life_days=trial.suggest_float("prior_half_life_days", 45, 365, log=True),
        personal_weight=trial.suggest_float("personal_weight", 1, 10, log=True),
        gain_power=trial.suggest_float("gain_power", 0, 1),
        first_visit_days=trial.suggest_float("first_visit_days", 7, 180, log=True),
        first_visit_weight=trial.suggest_float("first_visit_weight", 0.05, 1, log=True),
    )


def proposal(study: optuna.Study, now: TrainingSettings, in_use: float) -> dict[str, Any]:
    """Return the settings to use, and both means.

    These are the best trial's settings if they beat those in use, else those in use.
    """
    better = study.best_value > in_use
    settings = suggested(optuna.trial.FixedTrial(study.best_params)) if better else now  # type: ignore[arg-type]
    return {
        "model_settings": asdict(replace(settings, seed=now.seed, largest_system=now.largest_system)),
        "ndcg": max(study.best_value, in_use),
        "ndcg_in_use": in_use,
        "differs": better,
    }
