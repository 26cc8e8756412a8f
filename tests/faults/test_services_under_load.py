"""Drills that need the running stack and a publication, but no pipeline run."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.control.supervisor import Supervisor
from serving.publications.store import PublicationStore
from tests.faults.checker import SEED, Outcome, Reader, not_one_publication
from tests.faults.conftest import needs_root
from tests.faults.faults import namespace, serve, wait_until
from tests.stack import BATCH, REPOSITORY, Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]
USERS = range(1, 672)
MIB = 1 << 20


def reader_of(stack: Stack, **options: float) -> Reader:
    return Reader(stack.variables["MARQUEE_API_URL"], stack.store(), USERS, **options)  # type: ignore[arg-type]


def writing_datanodes(stack: Stack) -> list[int]:
    """Return the numbers of the DataNodes that hold a block which is being written."""
    data = stack.settings.instance / "data"
    return [
        n
        for n in range(1, stack.settings.number("DATANODES") + 1)
        if list(data.glob(f"datanode{n}/current/BP-*/current/rbw/blk_*"))
    ]


def test_a_datanode_killed_during_a_write_loses_nothing(
    stack: Stack, first_run: str, tmp_path: Path, judge: Callable[[Outcome], None]
) -> None:
    content = random.Random(SEED).randbytes(MIB)
    target = "/marquee-test/written"
    writing = subprocess.Popen(
        ["hdfs", "dfs", "-put", "-f", "-", target], cwd=REPOSITORY, env=stack.variables, stdin=subprocess.PIPE
    )
    assert writing.stdin is not None
    stack.run("hdfs", "dfs", "-mkdir", "-p", "/marquee-test")
    with reader_of(stack) as reader:
        for number in range(256):
            if number == 100:
                wait_until("a block is being written", lambda: len(writing_datanodes(stack)) == 3)
                victim = random.Random(SEED).choice(writing_datanodes(stack))
                name = f"datanode{victim}"
                os.kill(Supervisor(stack.settings).processes()[name]["pid"], signal.SIGKILL)
                killed = time.monotonic()
            writing.stdin.write(content)
        writing.stdin.close()
        status = writing.wait(timeout=300)
        wait_until("the DataNode serves again", lambda: serve(stack, name))
        seconds = time.monotonic() - killed
    outcome = Outcome("DataNode killed", f"kill -9 of {name}, one of three that were writing a file of 256 MiB")
    outcome.seconds = seconds
    outcome.wrong[1] = reader.wrong()
    read_back = tmp_path / "read-back"
    stack.run("hdfs", "dfs", "-get", target, str(read_back))
    same = read_back.read_bytes() == content * 256
    outcome.wrong[3] = "" if status == 0 and same else f"put exited {status}, the same bytes: {same}"
    healthy = wait_until(
        "three replicas of each block",
        lambda: "Under-replicated blocks:\t0" in (report := stack.run("hdfs", "fsck", target)) and "HEALTHY" in report,
        seconds=900,
        pause=2,
    )
    outcome.wrong[5] = ""
    outcome.note = f"{reader.summary()}; all blocks had three replicas {healthy:.0f} s after that"
    stack.run("hdfs", "dfs", "-rm", "-r", "-skipTrash", "/marquee-test")
    judge(outcome)


def serving_workers(main: int) -> set[int]:
    """Return the processes of the API that have a publication open."""
    found: set[int] = set()
    for task in Path(f"/proc/{main}/task").glob("*/children"):
        for child in task.read_text().split():
            with contextlib.suppress(OSError):  # The process has just ended.
                if any(file.readlink().name == "publication.sqlite" for file in Path(f"/proc/{child}/fd").iterdir()):
                    found.add(int(child))
    return found


def test_a_serving_worker_killed_under_load_gives_no_wrong_answer(
    stack: Stack, first_run: str, judge: Callable[[Outcome], None]
) -> None:
    main = Supervisor(stack.settings).processes()["recommendations"]["pid"]
    before = serving_workers(main)
    assert len(before) == stack.settings.number("API_WORKERS")
    victim = random.Random(SEED).choice(sorted(before))
    with reader_of(stack, threads=8, pause=0.0) as reader:
        wait_until("answers come", lambda: reader.answers.total() > 200)
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        seconds = wait_until("the worker is replaced", lambda: len(serving_workers(main) - {victim}) == len(before))
        answered = reader.answers.total()
        wait_until("answers come after that", lambda: reader.answers.total() > answered + 500)
    outcome = Outcome("serving worker killed", f"kill -9 of one of {len(before)} workers under 8 clients' load")
    outcome.seconds = seconds
    outcome.wrong[1] = reader.wrong()
    late = [text for moment, text in reader.refusals if moment > killed + 60]
    outcome.wrong[5] = f"unanswered a minute later: {late[:3]}" if late else ""
    last = max((moment - killed for moment, _ in reader.refusals), default=0.0)
    outcome.note = f"{reader.summary()}, the last one {last:.1f} s after the kill"
    judge(outcome)


@needs_root
def test_a_network_cut_in_the_middle_of_a_pull_leaves_the_store_as_it_was(
    stack: Stack, first_run: str, tmp_path: Path, judge: Callable[[Outcome], None]
) -> None:
    # Two instances' drills may work at once on one machine.
    node = f"mq{os.getpid()}"
    store = PublicationStore(tmp_path / "store")
    source = f"{stack.variables['MARQUEE_WEBHDFS_URL']}/marquee/publications"

    def command(*words: str) -> list[str]:
        return [
            *("ip", "netns", "exec", node, sys.executable, "-m", "serving.publications", *words),
            *("--store", str(store.root), "--publication", BATCH),
        ]

    def pull() -> subprocess.Popen[str]:
        user = stack.variables["MARQUEE_HDFS_USER"]
        words = command("pull", "--from", source, "--user", user)
        return subprocess.Popen(words, cwd=REPOSITORY, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)

    def arrived() -> int:
        return sum(file.stat().st_size for file in store.folder.glob(".pull-*/publication.sqlite"))

    with namespace(node, rate="16mbit") as cable:
        with pull() as pulling:
            wait_until("a part has arrived", lambda: arrived() > 2 * MIB)
            subprocess.run(["ip", "link", "set", cable, "down"], check=True)
            cut = time.monotonic()
            _, message = pulling.communicate(timeout=300)
            noticed = time.monotonic() - cut
        left = sorted(path.name for path in store.folder.iterdir())
        subprocess.run(["ip", "link", "set", cable, "up"], check=True)
        repaired = time.monotonic()
        with pull() as again:
            _, message_again = again.communicate(timeout=300)
        seconds = time.monotonic() - repaired
        subprocess.run(command("activate"), cwd=REPOSITORY, check=True, capture_output=True)
    outcome = Outcome("network cut", "the cable of a serving node's network namespace cut while it pulls from HDFS")
    outcome.seconds = seconds
    outcome.wrong[4] = f"{left} is left" if left else ""
    outcome.wrong[4] += not_one_publication(store, BATCH)
    outcome.wrong[5] = message_again if again.returncode else ""
    message = message.strip()
    explained = pulling.returncode == 1 and len(message.splitlines()) == 1
    outcome.wrong[6] = "" if explained else f"{pulling.returncode}: {message}"
    outcome.note = f"given up {noticed:.0f} s after the cut: {message}"
    judge(outcome)
