"""What make hands on to the programs."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.control.settings import REPOSITORY
from tests.infra_control.rubbish import RUBBISH


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


AWKWARD = "-a `touch ran` $(touch ran) $(shell touch ran) b; touch ran \"'c$$HOME\n#d"


@pytest.mark.parametrize(
    ("command", "end"),
    [
        (["rollback", f"TO={AWKWARD}", f"REASON={AWKWARD}"], ["rollback", f"--to={AWKWARD}", f"--reason={AWKWARD}"]),
        (["rollback"], ["rollback"]),
        (["pin", f"TO={AWKWARD}"], ["pin", f"--publication={AWKWARD}"]),
        (["unpin", f"REASON={AWKWARD}"], ["unpin", f"--reason={AWKWARD}"]),
        (
            ["diff", f"A={AWKWARD}", "B=b", f"USER={AWKWARD}"],
            ["diff", f"--a={AWKWARD}", "--b=b", f"--user={AWKWARD}"],
        ),
        (["rebuild", f"PUBLICATION={AWKWARD}"], ["sh", AWKWARD]),
        (["restore", f"BACKUP={AWKWARD}"], ["restore", "--", AWKWARD]),
        (["logs", f"SERVICE={AWKWARD}", "FOLLOW=yes"], ["logs", "--follow", "--", AWKWARD]),
        (
            ["run", f"DATASET={AWKWARD}", f"ARCHIVE={AWKWARD}"],
            ["infra.pipeline", "run", f"--dataset={AWKWARD}", f"--archive={AWKWARD}"],
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
    printed = make(tmp_path, *command, "CONTROL=./control")
    assert json.loads(printed.splitlines()[-1])[-len(end) :] == end
    assert not (tmp_path / "ran").exists()


def test_another_folders_makefile_runs_there(tmp_path: Path) -> None:
    for folder, command in (
        (tmp_path, ["-f", f"{REPOSITORY}/Makefile"]),
        (REPOSITORY, ["-f", f"{REPOSITORY}/Makefile"]),
    ):
        printed = subprocess.run(
            ["make", "-s", *command, "status", "logs", "SERVICE=none", "-k"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "MARQUEE_STATE": str(tmp_path / "state")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "supervisord does not run. Start the platform with `make up`." in printed.stdout
        assert "There is no service 'none'." in printed.stderr
        assert "No module named" not in printed.stderr
    assert "List the commands" in make(tmp_path, "-f", f"{REPOSITORY}/Makefile")


def test_a_shell_full_of_other_programs_variables_changes_no_target(tmp_path: Path) -> None:
    (tmp_path / "bashrc").write_text("echo from BASH_ENV; set -u; cd /\n", encoding="ascii")
    state = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MARQUEE_STATE": str(tmp_path / "state")}
    answers = [
        subprocess.run(
            ["make", "-s", "status"], cwd=REPOSITORY, env=state | given, capture_output=True, text=True, check=False
        )
        for given in ({}, RUBBISH | {"BASH_ENV": str(tmp_path / "bashrc")})
    ]
    assert {answer.stdout for answer in answers} == {"supervisord does not run. Start the platform with `make up`.\n"}
    # make itself names a locale that the machine lacks on some systems; no Python, Java or shell of ours does.
    assert answers[1].stderr == answers[0].stderr


@pytest.mark.parametrize(
    ("target", "given", "absent"),
    [
        ("clean", {"CONFIRM": "yes"}, "--yes"),
        ("run", {"DATASET": "of-another-project", "ARCHIVE": "x.zip"}, "--dataset"),
        ("rollback", {"TO": "x", "REASON": "y"}, "--to"),
        ("diff", {"USER": "root"}, "--user"),
        ("logs", {"FOLLOW": "yes"}, "--follow"),
        ("bench-engines", {"ROWS": "5"}, "--rows"),
        ("lock", {"UPGRADE": "yes"}, "--upgrade"),
    ],
)
def test_a_variable_of_the_shell_is_no_argument_of_a_target(
    tmp_path: Path, target: str, given: dict[str, str], absent: str
) -> None:
    state = {"MARQUEE_STATE": str(tmp_path)}
    assert absent not in make(REPOSITORY, "-n", target, **state, **given)
    assert absent in make(REPOSITORY, "-n", target, *(f"{name}={value}" for name, value in given.items()), **state)


def test_explore_gets_its_arguments_from_makes_command_line(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    control = tmp_path / "control"
    control.write_text("#!/usr/bin/env python3\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n", encoding="ascii")
    control.chmod(0o755)
    for given, end in (
        ([], ["sh", "movielens-embedded"]),
        ([f"DATASET={AWKWARD}", f"ARCHIVE={AWKWARD}"], ["sh", AWKWARD, f"--archive={AWKWARD}"]),
    ):
        printed = make(tmp_path, "explore", *given, "CONTROL=./control", MARQUEE_STATE="state").splitlines()[-1]
        assert json.loads(printed)[-len(end) :] == end


def test_a_shell_below_exec_gets_arguments_as_its_words_since_exec_passes_no_variables_on() -> None:
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    scripts = re.findall(r"exec -- sh -c '(.*?)'", text, re.DOTALL)
    read = {name for script in scripts for name in re.findall(r"\$\$\{?([A-Z_]+)", script)}
    assert len(scripts) > 6
    assert {name for name in read if not name.startswith("MARQUEE_")} == set()


def test_targets_run_one_after_another_even_with_j() -> None:
    printed = make(REPOSITORY, "-n", "-j8", "down", "status", MARQUEE_STATE="state").splitlines()
    assert [line.rsplit(" ", 1)[1] for line in printed if "infra.control" in line] == ["down", "status"]
    assert ".NOTPARALLEL:" in (REPOSITORY / "Makefile").read_text(encoding="utf-8")
