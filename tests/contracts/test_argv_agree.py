"""The commands that the DAG runs, recorded in tests/dags/recorded_commands, are understood by the programs."""

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RECORDED = Path(__file__).resolve().parents[1] / "dags" / "recorded_commands"
WAREHOUSE = [
    *("ratings", "movies", "tags", "links", "users", "quarantine", "row_accounting", "movie_genres"),
    *("movie_statistics", "ratings_by_year", "popular_by_genre", "user_activity", "movie_ratings_by_year"),
]
TOP_N = [
    *("recommendations", "similar_movies", "popular_movies", "movie_factors", "movie_neighbours"),
    *("discoveries", "discovery_prices"),
]


def recorded(task_id: str) -> list[list[str]]:
    """The commands of a task, each the arguments after its program."""
    commands = [block.splitlines() for block in (RECORDED / f"{task_id}.txt").read_text(encoding="utf-8").split("\n\n")]
    return [arguments_of(command) for command in commands]


def arguments_of(command: list[str]) -> list[str]:
    modules = ("serving.publications", "serving.reviews.corpora", "serving.reviews.training")
    (start,) = [at for at, part in enumerate(command) if part.endswith(".py") or part in modules]
    return command[start + 1 :]


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse; what the program would refuse fails the test with the program's own words."""
    try:
        return parser.parse_args(arguments)
    except SystemExit as error:
        raise AssertionError(f"{parser.prog} refuses {arguments}") from error


def spark_parser(job: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = importlib.import_module(job).arguments()
    return parser


@pytest.mark.parametrize("job", ["train_als", "recommend_top_n"])
def test_a_spark_job_understands_its_command(job: str) -> None:
    (arguments,) = recorded(job)
    options = parse(spark_parser(job), arguments)
    assert options.batch_id == "20261123T190000"
    work = f"hdfs:///marquee/models/20261123T190000/_attempts/{job}/work-2-0199-cafe"
    assert options.result == f"{work}/{job}.json"
    assert (options.model_path if job == "train_als" else options.warehouse) == work


@pytest.mark.parametrize("name", ["rank", "max_iter", "reg_param", "alpha", "seed"])
def test_the_forms_defaults_are_the_jobs_own(name: str) -> None:
    (arguments,) = recorded("train_als")
    options = parse(spark_parser("train_als"), arguments)
    assert getattr(options, name) == spark_parser("train_als").get_default(name)


@pytest.mark.parametrize(("task_id", "position"), [("decide_promotion", 0), ("publish", 2), ("record_refusal", 1)])
def test_the_gate_understands_its_command_and_is_applied_only_after_the_decision(task_id: str, position: int) -> None:
    options = parse(spark_parser("decide_promotion"), recorded(task_id)[position])
    assert options.apply is (task_id != "decide_promotion")


@pytest.mark.parametrize(
    ("task_id", "position", "command"),
    [("publish", 0, "pull"), ("publish", 1, "activate"), ("record_refusal", 0, "refuse")],
)
def test_the_publication_store_understands_its_commands(task_id: str, position: int, command: str) -> None:
    from serving.publications.__main__ import build_parser

    options = parse(build_parser(), recorded(task_id)[position])
    assert (options.command, options.publication, options.actor) == (command, "20261123T190000", "airflow")


def test_the_publication_store_understands_how_the_dag_builds() -> None:
    from marquee.operators.publication import build_argv

    from serving.publications.__main__ import build_parser

    argv = build_argv("20261123T190000", Path("exports"), Path("lineage.json"), Path("out"))
    options = parse(build_parser(), arguments_of(argv))
    assert (options.command, options.batch_id, options.output) == ("build", "20261123T190000", Path("out"))


@pytest.mark.parametrize(("task_id", "tables"), [("validate_warehouse", WAREHOUSE), ("validate_top_n", TOP_N)])
def test_validate_understands_its_command(task_id: str, tables: list[str]) -> None:
    from expectations.drift import Limits
    from expectations.validate import parse_arguments

    (arguments,) = recorded(task_id)
    options = parse_arguments(arguments)
    assert options.tables == tables
    assert options.dataset == "movielens-embedded"
    limits = (options.drift_rows_warning, options.drift_rows_error, options.drift_psi_warning, options.drift_psi_error)
    assert Limits(*limits) == Limits()


@pytest.mark.parametrize(
    ("job", "name"),
    [
        ("mr_clean_ratings", "MRCleanRatings"),
        ("mr_clean_movies", "MRCleanMovies"),
        ("mr_clean_links", "MRCleanLinks"),
    ],
)
def test_a_cleaning_job_understands_its_command(job: str, name: str) -> None:
    factory: Callable[..., Any] = getattr(importlib.import_module(job), name)
    (arguments,) = recorded(job)
    tag = "mapreduce.job.tags=marquee-20261123t190000-x"
    options = factory(args=[*arguments, "--output-dir", "hdfs:///x", "-D", tag]).options
    assert (options.layout, options.encoding, options.runner) == ("csv", "utf-8", "hadoop")
    assert options.jobconf == {"mapreduce.job.tags": "marquee-20261123t190000-x"}


def test_ingest_takes_what_the_dag_gives_it() -> None:
    import inspect

    from marquee.ingest.pipeline import ingest

    given = {"client", "dataset", "batch_id", "cache_dir", "archive", "feedback"}
    assert set(inspect.signature(ingest).parameters) == given


def test_the_export_of_ratings_understands_its_command() -> None:
    from marquee import settings, tasks

    from serving.accounts.export import arguments

    _, _, module, *command = tasks.export_feedback("20261123T190000")
    assert module == "serving.accounts.export"
    given = parse(arguments(), command)
    assert (given.output, given.batch_id, given.own_data) == (settings.FEEDBACK, "20261123T190000", None)
    _, _, _, *of_books = tasks.export_feedback("20261123T190000", "my-books")
    assert parse(arguments(), of_books).own_data == "my-books"


def test_the_export_of_labelled_texts_understands_its_command() -> None:
    from marquee import sentiment_tasks, settings

    from serving.reviews.export import build_parser

    _, _, module, *command = sentiment_tasks.export_feedback("20261123T190000")
    assert module == "serving.reviews.export"
    given = parse(build_parser(), command)
    assert (given.output, given.batch_id) == (settings.REVIEW_FEEDBACK, "20261123T190000")


def test_the_corpora_understand_how_the_dag_writes_rows_and_splits() -> None:
    from marquee.sentiment_tasks import rows_argv

    from serving.reviews.corpora.__main__ import build_parser

    params = {"embedded": True, "corpus": "/data/-a.csv", "text": "-c", "label": "stars", "language": "ko"}
    rows = parse(build_parser(), arguments_of(rows_argv(params, "/x")))
    assert (rows.command, rows.corpus, rows.text, rows.label) == ("rows", ["embedded", "/data/-a.csv"], "-c", "stars")
    assert (rows.language, rows.output) == ("ko", Path("/x"))
    (command,) = recorded("split_reviews")
    split = parse(build_parser(), command)
    assert (split.command, split.rows, split.seed) == ("split", Path("WORK/reviews"), 1)


def test_the_training_understands_its_commands() -> None:
    from serving.reviews.training.__main__ import build_parser

    (command,) = recorded("train_model")
    train = parse(build_parser(), command)
    assert (train.command, train.batch, train.output) == (
        "train",
        Path("WORK/labelled_reviews"),
        Path("WORK/sentiment"),
    )
    assert (train.seed, train.accounting["rows"], train.tag[0]) == (1, 101500, "batch_id=20261123T190000")
    champion = parse(build_parser(), [*command, "--champion", "/m", "--champion-sha256", "ab"])
    assert champion.champion == Path("/m")
    promote = parse(build_parser(), recorded("publish_model")[2])
    assert (promote.command, promote.registered_version) == ("promote", "4")


@pytest.mark.parametrize(
    ("task_id", "position", "command"),
    [("publish_model", 0, "pull"), ("publish_model", 1, "activate"), ("record_model_refusal", 0, "refuse")],
)
def test_the_store_of_models_understands_its_commands(task_id: str, position: int, command: str) -> None:
    from serving.publications.__main__ import build_parser

    options = parse(build_parser(), recorded(task_id)[position])
    assert (options.command, options.publication, options.actor) == (command, "20261123T190000", "airflow")


def test_the_store_understands_how_a_model_is_built_and_validate_its_tables() -> None:
    from expectations.validate import parse_arguments
    from serving.publications.__main__ import build_parser

    (command,) = recorded("build_model_publication")
    built = parse(build_parser(), command)
    assert (built.command, built.model, built.output) == (
        *("build-model", Path("WORK/sentiment/model.joblib"), Path("WORK/publication")),
    )
    (command,) = recorded("validate_reviews")
    options = parse_arguments(command)
    assert options.tables == ["labelled_reviews", "review_quarantine", "review_accounting"]
    assert options.dataset == "mine+nsmc"


def test_the_job_of_reviews_understands_its_command() -> None:
    from mr_clean_reviews import MRCleanReviews

    (command,) = recorded("mr_clean_reviews")
    options = MRCleanReviews(args=[*command, "--output-dir", "hdfs:///x"]).options
    assert (options.layout, options.runner) == ("json_lines", "hadoop")


def test_a_training_that_fails_for_good_says_so_with_the_same_status_everywhere() -> None:
    from marquee.operators.program import FAILED_FOR_GOOD

    from serving.reviews.corpora import __main__ as corpora
    from serving.reviews.training import __main__ as training

    assert FAILED_FOR_GOOD == corpora.FAILED_FOR_GOOD == training.FAILED_FOR_GOOD
