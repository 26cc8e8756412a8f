"""The runbook's commands: shells read them, their variables are set, and the programs understand them."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from infra.control.settings import Settings
from infra.control.variables import environment
from infra.monitoring.board.dashboards import selectors
from serving.publications.__main__ import build_parser
from tests.monitoring.test_dashboards import exposed
from tests.monitoring.test_rules import sections_of_the_runbook

BLOCKS = {
    f"{name}-{number}": block
    for name, section in sections_of_the_runbook().items()
    for number, block in enumerate(re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
}
# The person's own, and what a block sets by itself.
OTHERS = {"DAG", "token"}


def scripts(block: str) -> list[str]:
    """Return the Python programs that stand in a block."""
    here = re.findall(r"<<'END'\n(.*?)^END$", block, re.MULTILINE | re.DOTALL)
    return [*here, *re.findall(r"python -c '\n?(.*?)'", block, re.DOTALL)]


@pytest.mark.parametrize("name", BLOCKS)
def test_a_shell_reads_the_commands_and_python_the_programs_in_them(name: str) -> None:
    ended = subprocess.run(["bash", "-n"], input=BLOCKS[name], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    for script in scripts(BLOCKS[name]):
        compile(script, name, "exec")


def test_every_variable_of_the_commands_is_one_of_the_platform_s(tmp_path: Path) -> None:
    known = environment(Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)}))
    text = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{?([A-Za-z_0-9]+)", "".join(BLOCKS.values())))
    used |= set(re.findall(r"\$(MARQUEE_[A-Z_0-9]+)", text))
    assert used - set(known) - OTHERS == set()


def publication_commands() -> list[str]:
    text = "\n".join(sections_of_the_runbook().values())
    found = re.findall(r"(?:-m serving\.publications) ([^|`\n]+)", text)
    return sorted({command.strip() for command in found})


@pytest.mark.parametrize("command", publication_commands())
def test_the_store_s_program_understands_each_command(command: str) -> None:
    words = shlex.split(command.replace("$", ""))
    # `rollback` and `unpin` stand in sentences that name them alone.
    if words[-1] == "--help" or words in (["rollback"], ["unpin"]):
        words = [*words, "--help"]
        with pytest.raises(SystemExit) as ended:
            build_parser().parse_args(words)
        assert ended.value.code == 0
    else:
        build_parser().parse_args(words)


@pytest.mark.parametrize("name", BLOCKS)
def test_what_the_programs_ask_prometheus_for_is_exposed(name: str) -> None:
    for script in scripts(BLOCKS[name]):
        queries = re.findall(r"query = '([^']+)'", script)
        queries += [
            text for found in re.findall(r"for query in \(([^)]+)\)", script) for text in re.findall('"(.+?)"', found)
        ]
        for query in queries:
            assert {selector.metric for selector in selectors(query)} - exposed() == set()


def test_the_fixes_of_the_sentiment_s_alerts_are_whole_commands() -> None:
    sections = {name: text for name, text in sections_of_the_runbook().items() if re.match("sentiment|feedback", name)}
    assert len(sections) == 5
    for name, text in sections.items():
        commands = re.findall(r"`([^`\n]+)`", text.partition("**Fix.**")[2])
        assert not [command for command in commands if "..." in command or command.startswith("rollback")], name
