"""The check of words and docstrings finds what it is for, and nothing else."""

import subprocess
from pathlib import Path

import pytest

from infra.audit.prose import findings


def written(folder: Path, name: str, text: str) -> list[str]:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return findings(folder, [name])


@pytest.mark.parametrize(
    ("line", "better"),
    [
        ("The run is made anew.", "1: 'anew': write again."),
        ("# Whoever calls it", "1: 'Whoever': write users, they."),
        ("what he rates", "1: 'he': write they."),
        ("it was mended", "1: 'mended': write fix or repair."),
    ],
)
def test_each_of_the_worst_words_is_found_with_a_better_one(tmp_path: Path, line: str, better: str) -> None:
    assert written(tmp_path, "docs/page.md", line + "\n") == [f"docs/page.md:{better}"]


@pytest.mark.parametrize("line", ["the recommendation", "renewed", "besides", "this", "she said", "amendment"])
def test_a_word_that_only_holds_one_of_them_is_left_alone(tmp_path: Path, line: str) -> None:
    assert written(tmp_path, "README.md", line + "\n") == []


def test_a_docstring_may_begin_with_80_characters_and_no_more(tmp_path: Path) -> None:
    text = 'def a():\n    """Return {}."""\n'
    assert written(tmp_path, "serving/a.py", text.format("x" * 72)) == []
    (found,) = written(tmp_path, "serving/a.py", text.format("x" * 73))
    assert found == "serving/a.py:1: the docstring's first line has 81 characters: 80 at most."


def test_recorded_answers_and_the_licence_are_not_looked_at(tmp_path: Path) -> None:
    assert written(tmp_path, "tests/contracts/recorded_answers/a.md", "anew\n") == []
    assert written(tmp_path, "LICENSE", "anew\n") == []


def test_the_repository_itself_is_clean() -> None:
    done = subprocess.run(["python3", "-m", "infra.audit.prose"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "prose: nothing found\n")
