"""A bench is compared with its last run under the same conditions."""

import json
from pathlib import Path

import pytest
from history import compare_and_keep


def test_a_first_run_has_nothing_to_compare_with_and_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "benches" / "serving.jsonl"
    assert compare_and_keep(history, {"of hello-world": 0.97}, {"users": 20})
    assert "there is none" in capsys.readouterr().out
    assert json.loads(history.read_text())["figures"] == {"of hello-world": 0.97}


@pytest.mark.parametrize(("now", "good"), [(0.97, True), (0.76, True), (0.74, False)])
def test_a_figure_below_three_quarters_of_the_last_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], now: float, good: bool
) -> None:
    history = tmp_path / "serving.jsonl"
    compare_and_keep(history, {"of hello-world": 1.0}, {"users": 20})
    assert compare_and_keep(history, {"of hello-world": now}, {"users": 20}) is good
    shown = capsys.readouterr().out
    assert f"| of hello-world | 1.000 | {now:.3f} | {now:.2f} |" in shown
    assert ("Below 0.75 of the last run: of hello-world" in shown) is not good


def test_other_conditions_and_unfinished_lines_are_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "serving.jsonl"
    compare_and_keep(history, {"of hello-world": 0.5}, {"users": 20})
    compare_and_keep(history, {"of hello-world": 5.0}, {"users": 40})
    with history.open("a") as file:
        file.write('{"at": "2026-11-2\n')
    assert compare_and_keep(history, {"of hello-world": 0.5}, {"users": 20})
    assert "| of hello-world | 0.500 | 0.500 | 1.00 |" in capsys.readouterr().out
