import pytest
from train_als import arguments, settings_of

NEEDED = ["--batch-id", "b", "--model-path", "m", "--tracking-uri", "t"]


def test_a_wrong_option_is_not_blamed_on_settings_that_were_not_given() -> None:
    with pytest.raises(SystemExit, match=r"^An option is not usable\. rank is 0 and max-iter is 6\. Both must be 1 or"):
        settings_of(arguments().parse_args([*NEEDED, "--rank", "0"]))
    with pytest.raises(SystemExit, match=r"^--settings .*, or another option, is not usable\. rank is 0 and"):
        settings_of(arguments().parse_args([*NEEDED, "--settings", '{"rank": 0}']))


def test_each_setting_is_an_option_with_its_default_and_a_help_text() -> None:
    text = " ".join(arguments().format_help().split())
    assert "--first-visit-weight FIRST_VISIT_WEIGHT" in text
    assert "weight of a first visit's ratings in popularity and neighbours (default: 0.25)" in text
