"""No argument of any command ends in a traceback, whatever it is."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from serving.publications.__main__ import build_parser, main
from serving.publications.commands import arguments

RUBBISH = (
    *(str(2**63), str(2**70), "-1", "0", "1.0", "1e3", "1_000", "+1", " 1", "1 ", "\u0661\u0662", "NaN", "inf", "True"),
    *("9" * 5000, "x" * 5000, "\x00", "\ud800", "", "\n", "2026112\u0661T190000", "0001-01-01T00:00:00+23:59"),
    *("9999-12-31T23:59:59-23:59", "0x10", "1/2", "--", "../../x", "'", "{value}", "%s"),
)
COMMANDS: dict[str, argparse.ArgumentParser] = next(
    action.choices for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction)
)


def values_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments that take a value."""
    return [action for action in parser._actions if action.nargs != 0]


def test_every_value_is_checked_where_it_comes_in() -> None:
    checks = (arguments.line, arguments.path, arguments.kind)
    for name, parser in COMMANDS.items():
        for action in values_of(parser):
            number = getattr(action.type, "__qualname__", "").startswith("whole_number.")
            assert number or action.type in checks, (name, action.dest)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_no_argument_ends_in_a_traceback(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {}
    for action in values_of(COMMANDS[command]):
        if action.required:
            is_path = action.metavar in ("DIR", "FILE", "URL", "URL_OR_DIR")
            given[action.option_strings[0]] = str(tmp_path / "x") if is_path else "20261123T190000"
    for action in values_of(COMMANDS[command]):
        for rubbish in RUBBISH:
            # In the test's own folder and nowhere else.
            value = str(tmp_path / f"x{rubbish}") if action.type is arguments.path and "/" not in rubbish else rubbish
            if action.type is arguments.path and "/" in rubbish:
                continue
            options = given | {action.option_strings[0]: value}
            try:
                status = main([command, *(f"{name}={each}" for name, each in options.items())])
            except SystemExit as error:
                status = int(str(error.code))
            printed = capsys.readouterr()
            assert status in (0, 1, 2, 3), (action.dest, rubbish[:40])
            assert status == 0 or printed.err.strip(), (action.dest, rubbish[:40])
            assert len(printed.err) < 5000


@pytest.mark.parametrize("number", [text for text in RUBBISH if text != "--"])
def test_a_number_out_of_bounds_is_refused_by_name(
    number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["prune", "--store", str(tmp_path), f"--keep={number}"])
    assert "argument --keep: " in (said := capsys.readouterr().err)
    assert "is not a whole number from 1 to 10000." in said
