"""Kill a change at each system call that it makes, and fail it at each: readers see the whole old or new state."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from serving.publications.format import PublicationError
from serving.publications.ledger import live_history
from serving.publications.reading.live import LivePublication
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull

from ..conftest import FIRST, SECOND, THIRD
from .test_store import flip_a_bit

# Every function of os that changes or opens files; the code under test reaches the system through these alone, apart
# from plain reading.
CALLS = (
    *("open", "close", "write", "fsync", "rename", "replace", "symlink", "unlink", "mkdir", "rmdir", "ftruncate"),
    *("pread", "fstat", "stat", "lstat", "readlink", "listdir", "scandir", "chmod"),
)
Change = Callable[[PublicationStore], Any]


def run_until_call(change: Callable[[], object], number: int, at_fault: Callable[[], None]) -> bool:
    """Return whether `change`, in a forked process, reached the call with this number.

    That call meets the fault.
    """
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return True
        code = os.WEXITSTATUS(status)
        assert code in (0, 3), f"the change ended with {code}"
        return code == 3
    reached = 0

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal reached
            reached += 1
            if reached == number:
                at_fault()
            return original(*arguments, **named)

        return call

    code = 4
    try:
        for name in CALLS:
            setattr(os, name, watched(getattr(os, name)))
        change()
        code = 0
    except OSError as error:
        code = 3 if error.errno == errno.EIO else 4
    except PublicationError:
        code = 3
    finally:
        # Some faults are tolerated, such as the failing removal of a folder: reached all the same.
        os._exit(3 if code == 0 and reached >= number else code)
    raise AssertionError("not reached")


def stopped_at_each_call(
    store: PublicationStore, tmp_path: Path, change: Change, at_fault: Callable[[], None], more_than: int
) -> Iterator[PublicationStore]:
    """Yield copies of the store whose change met a fault at its first call, its second, and so on.

    The last copy met none. Raises AssertionError unless the change makes more than `more_than` calls.
    """
    reached = True
    for number in count(1):
        if not reached:
            assert number - 1 > more_than, "the faults did not reach the calls"
            return
        copy = PublicationStore(tmp_path / f"copy-{number}")
        shutil.copytree(store.root, copy.root, symlinks=True)
        reached = run_until_call(partial(change, copy), number, at_fault)
        yield copy
        shutil.rmtree(copy.root)


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise OSError(errno.EIO, "Input/output error")


def served(root: Path) -> str:
    """Return the id that a fresh serving process answers from, after checking its answer."""
    live = LivePublication(root)
    publication = live.current()
    assert live.failure is None
    entries = publication.recommendations(1)
    assert entries is not None
    assert [entry[0] for entry in entries] == [3, 2, 4]
    assert publication.publication_id == (FIRST, SECOND, THIRD)[int(entries[0][1] // 10) - 1]
    return publication.publication_id


CHANGES: dict[str, tuple[Change, str]] = {
    "activate": (lambda store: store.activate(THIRD, "ann", "newer"), THIRD),
    "rollback": (lambda store: store.roll_back(None, "ann", "bad"), FIRST),
    "pin": (lambda store: store.pin(THIRD, "ann", "demo"), THIRD),
}


@pytest.mark.parametrize(
    ("name", "fault"),
    [("activate", kill), ("activate", fail), ("rollback", kill), ("pin", kill)],
    ids=["activate-killed", "activate-failing", "rollback-killed", "pin-killed"],
)
def test_a_switch_stopped_at_any_call_leaves_the_old_or_the_new_one_and_can_be_repeated(
    store: PublicationStore, tmp_path: Path, name: str, fault: Callable[[], None]
) -> None:
    change, after = CHANGES[name]
    store.activate(FIRST, "ann", "")
    store.activate(SECOND, "ann", "")
    seen = set()
    for copy in stopped_at_each_call(store, tmp_path, change, fault, more_than=20):
        found = served(copy.root)
        assert found in (SECOND, after)
        seen.add(found)
        # The next change finds a store that works, and a ledger that knows what is live.
        if copy.live() == SECOND or name != "rollback":
            change(copy)
        else:
            copy.record_refusal(THIRD, "ann", "any change settles the ledger")
        assert copy.live() == after
        assert live_history(copy.ledger.entries())[-1] == after
    assert seen == {SECOND, after}


def test_a_prune_killed_at_any_call_leaves_what_serves_and_its_rollback_target(
    store: PublicationStore, tmp_path: Path
) -> None:
    for publication in (FIRST, SECOND, THIRD):
        store.activate(publication, "ann", "")

    def prune(store: PublicationStore) -> object:
        return store.prune(1, "ann", "old")

    for copy in stopped_at_each_call(store, tmp_path, prune, kill, more_than=10):
        assert served(copy.root) == THIRD
        for publication in copy.publications():
            copy.verify(publication)
        prune(copy)
        assert sorted(path.name for path in copy.folder.iterdir()) == [SECOND, THIRD]


@pytest.mark.parametrize("fault", [kill, fail], ids=["killed", "failing"])
def test_a_pull_stopped_at_any_call_leaves_no_half_publication_and_can_be_repeated(
    store: PublicationStore, tmp_path: Path, fault: Callable[[], None]
) -> None:
    source = str(tmp_path / "built")
    number = 0
    reached = True
    while reached:
        number += 1
        copy = PublicationStore(tmp_path / f"copy-{number}")
        reached = run_until_call(lambda copy=copy: pull(copy, source, THIRD, "u", "ann"), number, fault)  # type: ignore[misc]
        for publication in copy.publications():
            copy.verify(publication)
        pull(copy, source, THIRD, "u", "ann")
        assert copy.publications() == [THIRD]
        assert sorted(path.name for path in copy.folder.iterdir()) == [THIRD]
        copy.activate(THIRD, "ann", "")
        shutil.rmtree(copy.root)
    assert number > 20, "the faults did not reach the calls"


@pytest.mark.parametrize("fault", [kill, fail], ids=["killed", "failing"])
def test_a_repair_stopped_at_any_call_leaves_a_store_that_serves_and_can_be_repeated(
    store: PublicationStore, tmp_path: Path, fault: Callable[[], None]
) -> None:
    source = str(tmp_path / "built")
    store.activate(FIRST, "ann", "")
    store.activate(SECOND, "ann", "")
    flip_a_bit(store.path(SECOND) / "publication.sqlite")

    def repair(store: PublicationStore) -> object:
        return pull(store, source, SECOND, "u", "ann")

    for copy in stopped_at_each_call(store, tmp_path, repair, fault, more_than=20):
        assert LivePublication(copy.root).current().publication_id in (FIRST, SECOND)
        repair(copy)
        assert served(copy.root) == SECOND
        assert sorted(path.name for path in copy.path(SECOND).iterdir()) == ["manifest.json", "publication.sqlite"]
        assert "repaired" in [entry.action for entry in copy.ledger.entries()]
