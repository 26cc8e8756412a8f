"""Test what a cleaning task replaces, and what a retry, a failure or a stop does."""

from typing import Any

import pytest
from marquee.cluster.attempts import SupersededError
from marquee.cluster.programs import ProgramError

BATCH = "/marquee/clean/movielens-embedded/20261123T190000"
TAG = "marquee-20261123t190000-mr_clean_ratings"
EARLIER = {f"{BATCH}/ratings/part-00000": "of an earlier run"}


def job(hdfs: Any, text: str = "clean rows") -> Any:
    """Return a program that writes its output, as the job does."""

    def write(argv: list[str]) -> str:
        hdfs.put(f"{argv[argv.index('--output-dir') + 1].removeprefix('hdfs://')}/part-00000", text)
        return ""

    return write


@pytest.fixture(autouse=True)
def earlier(hdfs: Any, killed_tags: list[str]) -> None:
    for path, text in EARLIER.items():
        hdfs.put(path, text)


def test_a_cleaning_job_writes_an_attempt_and_then_replaces_the_runs_directory(
    rendered: Any, context: dict[str, Any], hdfs: Any, programs: Any, killed_tags: list[str]
) -> None:
    task = rendered("mr_clean_ratings")
    commands = programs(task, job(hdfs))
    assert task.execute(context) == {"directory": f"{BATCH}/ratings", "bytes": 10, "files": 1}
    output = f"hdfs://{BATCH}/_attempts/ratings/work-2-0199-cafe/output"
    tags = f"mapreduce.job.tags={TAG},marquee-2-0199-cafe"
    assert commands[0][-5:-1] == ["--output-dir", output, "-D", tags]
    assert hdfs.files() == {f"{BATCH}/ratings/part-00000": "clean rows"}
    assert killed_tags == [TAG]


def test_a_cleaning_job_that_fails_leaves_the_earlier_output(
    rendered: Any, context: dict[str, Any], hdfs: Any, programs: Any
) -> None:
    task = rendered("mr_clean_ratings")
    programs(task, ProgramError("no memory", 1))
    with pytest.raises(ProgramError):
        task.execute(context)
    assert hdfs.files() == EARLIER


def test_a_part_that_the_data_set_lacks_is_skipped_and_what_an_earlier_set_left_is_removed(
    rendered: Any, context: dict[str, Any], hdfs: Any, programs: Any
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    task = rendered("mr_clean_tags")
    hdfs.put(f"{BATCH}/tags/part-00000", "of another data set")
    commands = programs(task)
    with pytest.raises(AirflowSkipException, match="has no file for mr_clean_tags"):
        task.execute(context)
    assert commands == []
    assert hdfs.files() == EARLIER
    assert hdfs.list(f"{BATCH}/_attempts/tags") == []


def test_a_cleaning_job_that_is_stopped_ends_its_own_application_and_publishes_nothing(
    rendered: Any, context: dict[str, Any], hdfs: Any, programs: Any, killed_tags: list[str]
) -> None:
    task = rendered("mr_clean_ratings")

    def stopped(argv: list[str]) -> str:
        killed_tags.clear()
        task.on_kill()
        # The application may have ended just before.
        return str(job(hdfs)(argv))

    programs(task, stopped)
    with pytest.raises(SupersededError):
        task.execute(context)
    assert hdfs.files(f"{BATCH}/ratings") == EARLIER
    # The tag of the task would end the next try's application too.
    assert killed_tags == ["marquee-2-0199-cafe"]


def test_a_late_cleaning_job_cannot_replace_what_the_next_try_wrote(
    rendered: Any, context: dict[str, Any], hdfs: Any, programs: Any
) -> None:
    late, next_try = rendered("mr_clean_ratings"), rendered("mr_clean_ratings")
    next_try.attempt = "3-0200-beef"
    programs(next_try, job(hdfs, "of the next try"))

    def outlived(argv: list[str]) -> str:
        next_try.execute(context)
        return str(job(hdfs, "of the late try")(argv))

    programs(late, outlived)
    with pytest.raises(SupersededError, match="a later try of the task has begun"):
        late.execute(context)
    assert hdfs.files(f"{BATCH}/ratings") == {f"{BATCH}/ratings/part-00000": "of the next try"}
