"""Test that only the current try puts its output in place, wherever tries are stopped."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hdfs import HdfsError
from marquee.cluster.attempts import Attempt, SupersededError

from tests.dags.memory_hdfs import MemoryHdfs

FOLDER = "/attempts/load/B"
TARGETS = {table: f"/warehouse/{table}/batch_id=B" for table in ("ratings", "movies", "tags")}
# Of three tables with an earlier batch: four changes each, and the end of the folder.
CHANGES_IN_PLACE = 13
OLD = {f"{target}/rows": f"old {table}" for table, target in TARGETS.items()}


class Killed(BaseException):
    """Stand for a kill: no handler may catch it."""


@pytest.fixture
def hdfs() -> MemoryHdfs:
    return with_an_earlier_batch()


def with_an_earlier_batch() -> MemoryHdfs:
    made = MemoryHdfs()
    for path, text in OLD.items():
        made.put(path, text)
    return made


def attempt(hdfs: Any, name: str) -> Attempt:
    return Attempt(hdfs, logging.getLogger("test"), FOLDER, name, TARGETS)


def batch(hdfs: MemoryHdfs) -> dict[str, str]:
    return hdfs.files("/warehouse")


def written_by(name: str) -> dict[str, str]:
    """Return the batch that a try writes: its data set has no tags."""
    return {f"{TARGETS[table]}/rows": f"{table} of {name}" for table in ("movies", "ratings")}


def write(hdfs: MemoryHdfs, current: Attempt) -> None:
    for table in ("ratings", "movies"):
        hdfs.put(f"{current.work}/{table}/rows", f"{table} of {current.name}")


def publish(current: Attempt) -> None:
    for table in ("ratings", "movies"):
        current.collect(table, f"{current.work}/{table}")
    current.collect_empty("tags")
    current.commit()


def whole_try(hdfs: MemoryHdfs, name: str) -> None:
    current = attempt(hdfs, name)
    current.begin()
    write(hdfs, current)
    publish(current)


def changes_of_a_try() -> int:
    hdfs, changes = with_an_earlier_batch(), []
    hdfs.before_change = lambda name, path: changes.append(name)
    whole_try(hdfs, "1-a")
    return len(changes)


def interrupt(at: int, act: Callable[[], None]) -> Callable[[str, str], None]:
    """Return a hook that acts once before the n-th change, outside its own count."""
    left = at

    def hook(name: str, path: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            act()

    return hook


def stop_here() -> None:
    raise Killed


def test_a_try_replaces_every_part_and_leaves_nothing_else(hdfs: MemoryHdfs) -> None:
    whole_try(hdfs, "1-a")
    assert batch(hdfs) == written_by("1-a")
    assert hdfs.list(TARGETS["tags"]) == []
    assert hdfs.list(FOLDER) == []


@pytest.mark.parametrize("at", range(changes_of_a_try()))
def test_a_try_that_is_killed_at_any_call_leaves_a_batch_that_the_next_try_replaces(hdfs: MemoryHdfs, at: int) -> None:
    hdfs.before_change = interrupt(at, stop_here)
    with pytest.raises(Killed):
        whole_try(hdfs, "1-a")
    hdfs.before_change = lambda name, path: None
    committed = any(name.startswith("complete-") for name in hdfs.list(FOLDER)) if hdfs.status(FOLDER, False) else False
    if not committed:
        assert batch(hdfs) in (OLD, written_by("1-a"))
    current = attempt(hdfs, "2-b")
    current.begin()
    assert batch(hdfs) == (written_by("1-a") if committed else batch(hdfs))
    write(hdfs, current)
    publish(current)
    assert batch(hdfs) == written_by("2-b")
    assert hdfs.list(FOLDER) == []


@pytest.mark.parametrize("at", range(changes_of_a_try()))
def test_two_killed_tries_are_no_worse_than_one(at: int) -> None:
    for again_at in range(changes_of_a_try()):
        hdfs = with_an_earlier_batch()
        for name, moment in (("1-a", at), ("2-b", again_at)):
            hdfs.before_change = interrupt(moment, stop_here)
            with suppress(Killed):
                whole_try(hdfs, name)
        hdfs.before_change = lambda name, path: None
        whole_try(hdfs, "3-c")
        assert batch(hdfs) == written_by("3-c"), again_at
        assert hdfs.list(FOLDER) == [], again_at


@pytest.mark.parametrize("at", range(1, changes_of_a_try()))
def test_a_try_that_sleeps_at_any_call_while_the_next_one_works_changes_nothing_afterwards(
    hdfs: MemoryHdfs, at: int
) -> None:
    hdfs.before_change = interrupt(at, lambda: whole_try(hdfs, "2-b"))
    with suppress(SupersededError, HdfsError):
        whole_try(hdfs, "1-a")
    assert batch(hdfs) == written_by("2-b")


@pytest.mark.parametrize("at", range(1, changes_of_a_try()))
def test_a_try_that_wakes_in_the_middle_of_the_next_one_does_not_spoil_it(hdfs: MemoryHdfs, at: int) -> None:
    later = attempt(hdfs, "2-b")

    def begin_later() -> None:
        later.begin()
        write(hdfs, later)

    hdfs.before_change = interrupt(at, begin_later)
    with suppress(SupersededError, HdfsError):
        whole_try(hdfs, "1-a")
    hdfs.before_change = lambda name, path: None
    publish(later)
    assert batch(hdfs) == written_by("2-b")


@pytest.mark.parametrize("sleeps_at", range(changes_of_a_try() - 1 - CHANGES_IN_PLACE, changes_of_a_try() - 1))
def test_a_committed_try_that_wakes_while_the_next_one_finishes_it_takes_no_table_away(sleeps_at: int) -> None:
    for wakes_at in range(3 + CHANGES_IN_PLACE):
        hdfs = with_an_earlier_batch()
        begin_while_another_wakes(hdfs, sleeps_at, wakes_at)
        assert batch(hdfs) == written_by("1-a"), wakes_at


def begin_while_another_wakes(hdfs: MemoryHdfs, sleeps_at: int, wakes_at: int) -> None:
    """Begin a second try; the first sleeps at one of its calls until one of the second's."""
    asleep, awake, ended = (threading.Event() for _ in range(3))

    def sleep() -> None:
        asleep.set()
        assert awake.wait(5)

    def first_try() -> None:
        with suppress(SupersededError, HdfsError):
            whole_try(hdfs, "1-a")
        ended.set()

    def wake() -> None:
        awake.set()
        assert ended.wait(5)

    in_first, in_next = interrupt(sleeps_at, sleep), interrupt(wakes_at, wake)
    first = threading.Thread(target=first_try)
    hdfs.before_change = lambda name, path: (in_first if threading.current_thread() is first else in_next)(name, path)
    first.start()
    assert asleep.wait(5)
    attempt(hdfs, "2-b").begin()
    awake.set()
    first.join()


def test_what_a_program_writes_after_its_try_was_revoked_stays_unread(hdfs: MemoryHdfs) -> None:
    late, later = attempt(hdfs, "1-a"), attempt(hdfs, "2-b")
    late.begin()
    later.begin()
    write(hdfs, late)
    write(hdfs, later)
    with pytest.raises(SupersededError, match="Try 1-a was stopped, or a later try of the task has begun"):
        publish(late)
    publish(later)
    assert batch(hdfs) == written_by("2-b")
    assert hdfs.list(FOLDER) == []


def test_a_task_that_was_stopped_commits_nothing(hdfs: MemoryHdfs) -> None:
    current = attempt(hdfs, "1-a")
    current.begin()
    write(hdfs, current)
    current.abandon()
    with pytest.raises(SupersededError):
        publish(current)
    with pytest.raises(SupersededError):
        current.check()
    assert batch(hdfs) == OLD


def test_a_try_that_revoked_another_is_not_revoked_by_that_ones_end(hdfs: MemoryHdfs) -> None:
    first, second = attempt(hdfs, "1-a"), attempt(hdfs, "2-b")
    first.begin()
    second.begin()
    first.abandon()
    second.check()


def test_an_output_that_is_missing_is_named_and_nothing_is_replaced(hdfs: MemoryHdfs) -> None:
    current = attempt(hdfs, "1-a")
    current.begin()
    with pytest.raises(HdfsError, match="work-1-a/ratings cannot become"):
        publish(current)
    assert batch(hdfs) == OLD
