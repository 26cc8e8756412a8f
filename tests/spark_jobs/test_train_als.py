import pytest
from train_als import arguments, settings_of

NEEDED = ["--batch-id", "b", "--model-path", "m", "--tracking-uri", "t"]


def test_a_wrong_option_is_not_blamed_on_settings_that_were_not_given() -> None:
    with pytest.raises(SystemExit, match=r"^An option is not usable\. rank is 0\. It must be 1 or more, and"):
        settings_of(arguments().parse_args([*NEEDED, "--rank", "0"]))
    with pytest.raises(SystemExit, match=r"^--settings .*, or another option, is not usable\. rank is 0\. It must"):
        settings_of(arguments().parse_args([*NEEDED, "--settings", '{"rank": 0}']))


def test_each_setting_is_an_option_with_its_default_and_a_help_text() -> None:
    text = " ".join(arguments().format_help().split())
    assert "--first-visit-weight FIRST_VISIT_WEIGHT" in text
    assert "weight of a first visit's ratings in popularity and neighbours (default: 0.25)" in text


@pytest.mark.parametrize("text", ['{"rank": 8.0}', '{"rank": 8e0}', '{"rank": 8}'])
def test_a_whole_number_of_json_is_one_however_it_is_written(text: str) -> None:
    settings = settings_of(arguments().parse_args([*NEEDED, "--settings", text]))
    assert (settings.rank, type(settings.rank)) == (8, int)


@pytest.mark.parametrize(
    "text",
    [
        *('{"seed": 1180591620717411303424}', '{"rank": 8.5}', '{"alpha": NaN}', '{"alpha": Infinity}', "[1]", "1"),
        *(
            '{"alpha": -Infinity}',
            '{"alpha": 1e999}',
            '{"rank": true}',
            '{"rank": "8"}',
            '{"rank": null}',
            "[" * 100_000,
        ),
        *('{"alpha": 1' + "0" * 400 + "}", '{"rank": -1}', '{"seed": -1}', '{"rnak": 8}', "{", ""),
    ],
    ids=lambda text: text[:20],
)
def test_settings_out_of_bounds_are_one_sentence(text: str) -> None:
    with pytest.raises(SystemExit, match=r"^--settings .*, or another option, is not usable\. "):
        settings_of(arguments().parse_args([*NEEDED, "--settings", text]))
