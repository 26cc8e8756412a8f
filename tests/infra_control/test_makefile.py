"""What make hands on to the programs."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.control.settings import REPOSITORY


def make(folder: Path, *arguments: str, **environ: str) -> str:
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("MARQUEE_", "MAKE"))}
    command = ["make", "-s", "-C", str(folder), *arguments]
    return subprocess.run(command, env=variables | environ, check=True, capture_output=True, text=True).stdout


def test_the_state_folder_of_env_file_is_where_programs_are_taken_from(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    shutil.copytree(REPOSITORY / "infra" / "control", tmp_path / "infra" / "control")
    (tmp_path / ".env").write_text("MARQUEE_STATE=elsewhere # another disk\n", encoding="ascii")
    printed = make(tmp_path, "-n", "lint", "audit", "bench-engines")
    software = f"{tmp_path}/elsewhere/software"
    assert f"{software}/venv/bin/python -m ruff check ." in printed
    assert f"{software}/uv/bin/uv venv" in printed
    assert f"--results {tmp_path}/elsewhere/engines.jsonl" in printed
    assert ".marquee" not in printed
    assert f"{tmp_path}/other/software/venv/bin/python -m ruff" in make(
        tmp_path, "-n", "lint", MARQUEE_STATE=f"{tmp_path}/other"
    )


AWKWARD = "a `touch ran` b; touch ran \"'c"


@pytest.mark.parametrize(
    ("command", "end"),
    [
        (["rollback", f"TO={AWKWARD}", f"REASON={AWKWARD}"], ["rollback", "--to", AWKWARD, "--reason", AWKWARD]),
        (["rollback"], ["rollback"]),
        (["pin", f"TO={AWKWARD}"], ["pin", "--publication", AWKWARD]),
        (["unpin", f"REASON={AWKWARD}"], ["unpin", "--reason", AWKWARD]),
        (
            ["diff", f"A={AWKWARD}", "B=b", f"USER={AWKWARD}"],
            ["diff", "--a", AWKWARD, "--b", "b", "--user", AWKWARD],
        ),
        (["rebuild", f"PUBLICATION={AWKWARD}"], ["sh", AWKWARD]),
        (["restore", f"BACKUP={AWKWARD}"], ["restore", AWKWARD]),
        (["logs", f"SERVICE={AWKWARD}", "FOLLOW=yes"], ["logs", AWKWARD, "--follow"]),
        (
            ["run", f"DATASET={AWKWARD}", f"ARCHIVE={AWKWARD}"],
            ["infra.pipeline", "run", "--dataset", AWKWARD, "--archive", AWKWARD],
        ),
    ],
)
def test_what_a_person_gives_is_one_argument_and_never_the_shells(
    tmp_path: Path, command: list[str], end: list[str]
) -> None:
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    control = tmp_path / "control"
    control.write_text("#!/usr/bin/env python3\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n", encoding="ascii")
    control.chmod(0o755)
    printed = make(tmp_path, *command, "CONTROL=./control", MARQUEE_STATE="state")
    assert json.loads(printed)[-len(end) :] == end
    assert not (tmp_path / "ran").exists()
