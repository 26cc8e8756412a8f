from dataclasses import asdict
from unittest import mock

import model_registry
import numpy as np
import optuna
import pytest
from factor_model import Settings
from ratings import Ratings
from search_settings import first_half, proposal, settings_in_use, suggested
from train_als import arguments, settings_of


def test_the_search_sees_nothing_of_the_second_half_of_the_timeline() -> None:
    columns = {"user_id": np.arange(8), "movie_id": np.ones(8), "rating": np.ones(8), "rated_at": np.arange(8)[::-1]}
    assert sorted(first_half(Ratings.from_columns(columns)).rated_at.tolist()) == [0, 1, 2, 3]


@pytest.fixture
def study() -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=1))
    study.optimize(lambda trial: suggested(trial).gain_power, n_trials=3)
    return study


def test_the_best_trial_is_proposed_where_it_beats_the_settings_in_use(study: optuna.Study) -> None:
    found = proposal(study, Settings(seed=5), in_use=-1.0)
    assert found["differs"] is True
    assert found["model_settings"]["gain_power"] == study.best_value
    assert found["model_settings"]["seed"] == 5


def test_the_settings_in_use_are_proposed_where_no_trial_beats_them(study: optuna.Study) -> None:
    found = proposal(study, Settings(), in_use=2.0)
    assert (found["differs"], found["model_settings"], found["ndcg"]) == (False, asdict(Settings()), 2.0)


def test_a_proposal_is_what_train_als_takes_as_settings() -> None:
    options = ["--batch-id", "b", "--model-path", "m", "--tracking-uri", "t", "--rank", "9"]
    given = settings_of(arguments().parse_args([*options, "--settings", '{"neighbour_ridge": 80.5}']))
    assert (given.rank, given.neighbour_ridge) == (9, 80.5)
    with pytest.raises(SystemExit, match="unexpected keyword argument 'ridge'"):
        settings_of(arguments().parse_args([*options, "--settings", '{"ridge": 1}']))


def test_where_the_champion_was_saved_by_an_earlier_version_the_default_settings_stand_for_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    earlier = model_registry.ModelFormatError("als version 3 was logged by another version of this code")
    with mock.patch("model_registry.load", side_effect=earlier):
        assert settings_in_use("als", "3") == Settings()
    assert "the default settings stand for the champion's: als version 3 was logged" in capsys.readouterr().err
    with mock.patch("model_registry.load") as load:
        load.return_value.settings = Settings(rank=9)
        assert settings_in_use("als", "4") == Settings(rank=9)


def test_a_champion_that_is_not_what_was_trained_ends_the_search() -> None:
    changed = model_registry.ModelMismatchError("als version 3 holds factors that are not its own")
    with (
        mock.patch("model_registry.load", side_effect=changed),
        pytest.raises(model_registry.ModelMismatchError, match="not its own"),
    ):
        settings_in_use("als", "3")
