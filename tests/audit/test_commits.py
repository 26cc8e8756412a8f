"""A commit's message is `area: what` in 72 characters, and a body that says why."""

from pathlib import Path

import pytest

from infra.audit.commits import faults, main

GOOD = "model: keep the neighbours that change scores most\n\nnDCG@10 is .398; the 100 strongest gave .372.\n"


@pytest.mark.parametrize(
    "message", [GOOD, "serving/web, accounts: one way to log\n\nThere were two.\n# a comment of git's\n"]
)
def test_a_good_message_has_no_fault(message: str) -> None:
    assert faults(message) == []


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("model: " + "x" * 66 + "\n\nWhy.\n", "The subject has 73 characters: 72 at most."),
        ("Neighbours are kept\n\nWhy.\n", "The subject is not `area: what`, such as `serving: retry a busy store`."),
        ("model: keep it.\n\nWhy.\n", "The subject ends with a full stop: leave it out."),
        ("model: keep it\nWhy.\n", "The second line is not empty: it separates the subject from the body."),
        ("model: keep it\n", "There is no body: say why the change is made."),
        ("model: keep it\n\n# only comments\n", "There is no body: say why the change is made."),
    ],
)
def test_each_fault_has_its_sentence(message: str, fault: str) -> None:
    assert faults(message) == [fault]


def test_the_hook_refuses_a_message_by_its_exit_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "COMMIT_EDITMSG"
    file.write_text(GOOD, encoding="utf-8")
    assert main(["--message", str(file)]) == 0
    file.write_text("Keep it\n", encoding="utf-8")
    assert main(["--message", str(file)]) == 1
    assert "There is no body" in capsys.readouterr().out


def test_every_commit_since_the_rule_keeps_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0, capsys.readouterr().out
