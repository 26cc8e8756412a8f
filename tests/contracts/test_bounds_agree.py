"""The bounds of the DAGs' parameters are those of the programs, and each side refuses what lies beyond."""

import argparse
import importlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from marquee import parameters
from recommender.settings import bounds

BUILD, TUNE = "build_recommendations", "tune_als"
NEEDED = {
    "train_als": ["--batch-id", "b", "--model-path", "m", "--tracking-uri", "t"],
    "recommend_top_n": ["--batch-id", "b", "--model-version", "1", "--tracking-uri", "t", "--warehouse", "w"],
    "search_settings": ["--batch-id", "b", "--tracking-uri", "t"],
    "decide_promotion": ["--evaluation", "http://x/evaluation.json"],
}
RUBBISH = ["nan", "inf", "-inf", "1e999", "true", "", " ", "x", "1_0", "٣", "9" * 5000, str(2**70), "-" + "9" * 30]


@pytest.fixture(scope="module")
def bag() -> Any:
    """The DAGs, as tests/dags/conftest.py reads them."""
    from tests.dags import conftest

    return conftest.bag.__wrapped__()


def refused(bag: Any, dag: str, name: str, value: Any) -> bool:
    """Return whether Airflow refuses the value of a parameter."""
    from airflow.sdk.definitions.param import Param
    from airflow.sdk.exceptions import ParamValidationError

    try:
        Param(value, **bag.dags[dag].params.get_param(name).schema).resolve()
    except ParamValidationError:
        return True
    return False


def test_each_setting_of_the_model_has_the_bounds_of_the_training() -> None:
    found = {}
    for name, schema in parameters.SETTINGS.items():
        above = "exclusiveMinimum" in schema
        least = schema["exclusiveMinimum" if above else "minimum"]
        found[name] = {"least": least, "most": schema["maximum"], "above": above}
    assert found == bounds()


NUMBERS = [
    (BUILD, "top_n", 1, 1000),
    (BUILD, "similar_n", 1, 500),
    (BUILD, "rank", 1, 512),
    (BUILD, "max_iter", 1, 100),
    (BUILD, "seed", 0, 4_294_967_295),
    (TUNE, "trials", 1, 500),
    (TUNE, "seed", 0, 4_294_967_295),
]


@pytest.mark.parametrize(("dag", "name", "least", "most"), NUMBERS)
def test_a_whole_number_of_a_run_has_bounds(bag: Any, dag: str, name: str, least: int, most: int) -> None:
    assert [refused(bag, dag, name, value) for value in (least, most, float(most))] == [False] * 3
    beyond = [
        least - 1,
        most + 1,
        most + 0.5,
        2**70,
        -(2**70),
        1e308,
        float("nan"),
        float("inf"),
        True,
        None,
        str(most),
    ]
    assert [value for value in [*beyond, [most], {}] if not refused(bag, dag, name, value)] == []


@pytest.mark.parametrize(("name", "most"), [("reg_param", 100), ("alpha", 1000)])
def test_a_fraction_of_a_run_has_bounds(bag: Any, name: str, most: int) -> None:
    assert [refused(bag, BUILD, name, value) for value in (0.001, 1, most)] == [False] * 3
    beyond = [0, -0.001, most + 0.1, 2**70, float("nan"), float("inf"), float("-inf"), True, None, "1", []]
    assert [value for value in beyond if not refused(bag, BUILD, name, value)] == []


@pytest.mark.parametrize("value", [{}, {"rank": 8}, {"rank": 8.0}, {"alpha": 2, "gain_power": 0}])
def test_settings_of_the_model_are_taken(bag: Any, value: Any) -> None:
    assert not refused(bag, BUILD, "model_settings", value)


@pytest.mark.parametrize(
    "value",
    [
        *({"rnak": 8}, {"rank": 513}, {"rank": 0}, {"rank": 8.5}, {"rank": "8"}, {"rank": True}, {"rank": None}),
        *({"alpha": float("nan")}, {"alpha": float("inf")}, {"alpha": 0}, {"gain_power": -1}, {"seed": 2**70}),
        *([], "", 3, None, {"rank": {}}, {"rank": [8]}),
    ],
    ids=repr,
)
def test_settings_that_no_training_takes_are_refused_before_the_run(bag: Any, value: Any) -> None:
    assert refused(bag, BUILD, "model_settings", value)


@pytest.mark.parametrize("value", ["a\nb", "a\n", "\0", "x" * 5000, 3, True, [], float("nan")])
def test_an_archive_that_is_no_path_is_refused(bag: Any, value: Any) -> None:
    assert refused(bag, BUILD, "archive", value)
    assert not refused(bag, BUILD, "archive", "/data/영화 1%.zip")


@pytest.mark.parametrize("value", ["20261123T190000\n", "2026112\uff13T190000", "20261123t190000", "x", 20261123, None])
def test_a_batch_to_search_on_has_the_form_of_a_batch_id(bag: Any, value: Any) -> None:
    assert refused(bag, TUNE, "of_batch", value)
    assert not refused(bag, TUNE, "of_batch", "20261123T190000")


def spark_program(job: str) -> Callable[[str, str], Any]:
    parser: argparse.ArgumentParser = importlib.import_module(job).arguments()

    def read(option: str, text: str) -> Any:
        options = parser.parse_args([*NEEDED[job], f"--{option}={text}"])
        return getattr(options, option.replace("-", "_"))

    return read


PROGRAMS = [
    ("train_als", "k", "1", "1000"),
    ("train_als", "slices", "2", "1000"),
    ("train_als", "first-window", "1", "999"),
    ("recommend_top_n", "top-n", "1", "1000"),
    ("recommend_top_n", "discover-n", "1", "1000"),
    ("recommend_top_n", "similar-n", "1", "500"),
    ("recommend_top_n", "popular-n", "1", "1000"),
    ("search_settings", "trials", "1", "500"),
    ("search_settings", "seed", "0", "4294967295"),
    ("decide_promotion", "margin", "-1", "1"),
    ("decide_promotion", "recent-popularity-margin", "-1", "1"),
    ("decide_promotion", "champion-tolerance", "0", "1"),
    ("decide_promotion", "most-overlap", "0", "1"),
    ("decide_promotion", "least-test-users", "1", "1000000000"),
]


@pytest.mark.parametrize(("job", "option", "least", "most"), PROGRAMS)
def test_a_number_of_a_spark_program_has_bounds_and_the_message_names_both(
    job: str, option: str, least: str, most: str, capsys: pytest.CaptureFixture[str]
) -> None:
    read = spark_program(job)
    assert [read(option, text) for text in (least, most)] == [float(least), float(most)]
    for text in [*RUBBISH, str(int(least) - 1), str(int(most) + 1)]:
        if text == "1_0" and job == "decide_promotion":
            continue
        with pytest.raises(SystemExit, match="2"):
            read(option, text)
        assert f"argument --{option}: {text[:40]!r} is no " in capsys.readouterr().err


@pytest.mark.parametrize("option", ["drift-rows-warning", "drift-rows-error", "drift-psi-warning", "drift-psi-error"])
def test_a_limit_of_drift_has_bounds(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    from expectations.validate import parse_arguments

    given = ["--tables", "ratings", "--batch-id", "b", "--dataset", "d", "--user", "u", "--data-docs", "x"]
    assert parse_arguments([*given, f"--{option}=0.25"])
    for text in ["nan", "inf", "-inf", "-0.1", "1e999", "1000001", "true", "", "x", str(2**70)]:
        with pytest.raises(SystemExit, match="2"):
            parse_arguments([*given, f"--{option}={text}"])
        assert f"argument --{option}: {text[:40]!r} is no number from 0 to 1000000." in capsys.readouterr().err


def test_the_newest_time_of_a_rating_has_bounds_in_both_cleaning_programs(capsys: pytest.CaptureFixture[str]) -> None:
    from cleaning.rows import arguments
    from mr_clean_ratings import MRCleanRatings

    def on_spark(text: str) -> int:
        options = arguments("clean_ratings").parse_args(["x", "--output-dir", "y", f"--latest-timestamp={text}"])
        return int(options.latest_timestamp)

    def on_hadoop(text: str) -> int:
        return int(MRCleanRatings(args=[f"--latest-timestamp={text}"]).options.latest_timestamp)

    refusal = "is no whole number from -62135596800 to 253402300799."
    for read in (on_spark, on_hadoop):
        assert [read(text) for text in ("-62135596800", "0", "253402300799")] == [-62135596800, 0, 253402300799]
        for text in [*RUBBISH, "-62135596801", "253402300800", "1.0"]:
            # mrjob raises what argparse says if a caller gives the arguments, and exits as a program.
            with pytest.raises((SystemExit, ValueError)) as raised:
                read(text)
            assert f"argument --latest-timestamp: {text[:40]!r} {refusal}" in capsys.readouterr().err + str(
                raised.value
            )


def test_a_whole_number_written_with_a_point_reaches_the_programs_without_it() -> None:
    from build_recommendations import LISTS, TRAINING
    from jinja2 import Environment
    from tune_als import SEARCH

    params = {"top_n": 1000.0, "similar_n": 50.0, "rank": 64.0, "max_iter": 6.0, "seed": 1e9, "trials": 20.0}
    shown = [
        Environment(autoescape=True).from_string(text).render(params=params)
        for text in (*LISTS, *TRAINING, *SEARCH)
        if any(f"params.{name} " in text for name in params)
    ]
    assert shown == ["1000", "50", "64", "6", "1000000000", "20", "1000000000"]
    assert json.loads(shown[0]) == 1000
