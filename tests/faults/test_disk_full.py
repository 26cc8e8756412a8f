"""A drill in which a serving node's disk fills up while it pulls a publication."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from generated_publication import write_exports
from serving_load import served

from serving.publications.building.build import build_publication
from serving.publications.store import PublicationStore
from tests.faults.checker import Outcome, Reader, not_one_publication
from tests.faults.conftest import needs_root
from tests.faults.faults import small_disk
from tests.stack import REPOSITORY

DAYS = ("20261101T030000", "20261102T030000")
USERS = range(1, 301)


def publications(command: str, store: Path, day: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "serving.publications", command]
    return subprocess.run(
        [*program, "--store", str(store), "--publication", day, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


@needs_root
def test_a_full_publication_folder_keeps_what_is_live_and_takes_the_next_when_there_is_room(
    tmp_path: Path, judge: Callable[[Outcome], None]
) -> None:
    for version, day in enumerate(DAYS):
        exports = write_exports(tmp_path / f"exports-{day}", len(USERS), 100, version)
        size = build_publication(exports, {}, day, tmp_path / day).size_bytes
    outcome = Outcome("publication folder full", f"store on a tmpfs of {int(size * 1.5) >> 20} MiB, two publications")
    with small_disk(tmp_path / "disk", str(int(size * 1.5))) as disk:
        store = PublicationStore(disk / "store")
        source = ("--from", str(tmp_path))
        assert publications("pull", store.root, DAYS[0], *source).returncode == 0
        assert publications("activate", store.root, DAYS[0]).returncode == 0
        command = [sys.executable, "-m", "serving.recommendations.server"]
        with (
            served(command, {"MARQUEE_PUBLICATION_STORE": str(store.root)}) as server,
            Reader(server.address, store.root, USERS, pause=0.02) as reader,
        ):
            refused = publications("pull", store.root, DAYS[1], *source)
            left_live, left = store.live(), store.publications()
            subprocess.run(["mount", "-o", f"remount,size={size * 4}", disk], check=True)
            pulled = publications("pull", store.root, DAYS[1], *source)
            activated = publications("activate", store.root, DAYS[1])
        outcome.wrong[1] = reader.wrong()
        outcome.wrong[4] = not_one_publication(store, DAYS[1])
    if (left_live, left) != (DAYS[0], [DAYS[0]]):
        outcome.wrong[4] += f"; after the refusal {left} were there and {left_live} live"
    outcome.wrong[5] = "" if (pulled.returncode, activated.returncode) == (0, 0) else pulled.stderr + activated.stderr
    message = refused.stderr.strip()
    explained = refused.returncode == 1 and len(message.splitlines()) == 1 and "space" in message
    outcome.wrong[6] = "" if explained else message
    outcome.note = f"{reader.summary()}; message: {message}"
    judge(outcome)
