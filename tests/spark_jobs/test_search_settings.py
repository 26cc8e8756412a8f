from dataclasses import asdict

import optuna
import pytest
from evaluation.proposals import proposal, suggested
from promotion.champion import Champion
from recommender.settings import TrainingSettings
from search_settings import settings_in_use
from train_als import arguments, settings_of


@pytest.fixture
def study() -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=1))
    study.optimize(lambda trial: suggested(trial).gain_power, n_trials=3)
    return study


def test_the_best_trial_is_proposed_where_it_beats_the_settings_in_use(study: optuna.Study) -> None:
    found = proposal(study, TrainingSettings(seed=5, largest_system=7_000), in_use=-1.0)
    assert found["differs"] is True
    assert found["model_settings"]["gain_power"] == study.best_value
    assert (found["model_settings"]["seed"], found["model_settings"]["largest_system"]) == (5, 7_000)


def test_the_settings_in_use_are_proposed_where_no_trial_beats_them(study: optuna.Study) -> None:
    found = proposal(study, TrainingSettings(), in_use=2.0)
    assert (found["differs"], found["model_settings"], found["ndcg"]) == (False, asdict(TrainingSettings()), 2.0)


def test_a_proposal_is_what_train_als_takes_as_settings() -> None:
    options = ["--batch-id", "b", "--model-path", "m", "--tracking-uri", "t", "--rank", "9"]
    given = settings_of(arguments().parse_args([*options, "--settings", '{"neighbour_ridge": 80.5}']))
    assert (given.rank, given.neighbour_ridge) == (9, 80.5)
    with pytest.raises(SystemExit, match="unexpected keyword argument 'ridge'"):
        settings_of(arguments().parse_args([*options, "--settings", '{"ridge": 1}']))


def test_where_the_champion_was_saved_by_an_earlier_version_the_default_settings_replace_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    earlier = Champion("3", None, "als version 3 was logged by another version of this code.")
    assert settings_in_use(earlier) == TrainingSettings()
    assert "The default settings replace the champion's. als version 3 was logged" in capsys.readouterr().err
    assert settings_in_use(Champion("4", TrainingSettings(rank=9))) == TrainingSettings(rank=9)
