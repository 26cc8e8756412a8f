"""Where the checkout and its folders may lie: all that other programs read as something else is refused, and nothing is written."""

import itertools
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from infra.control.given.errors import SettingsError
from infra.control.given.paths import LONGEST, check_place, fault
from infra.control.settings import REPOSITORY, Settings
from infra.control.supervisor import socket_path

REFUSED = {
    "50%": "'%'",
    "a,b": "','",
    "it's": '"\'"',
    'say "x"': "'\"'",
    "a\\b": "'\\\\'",
    "a#b": "'#'",
    "a:b": "':'",
    "a$HOME": "'$'",
    "a;b": "';'",
    "a&b": "'&'",
    "a b": "a blank",
    "a\tb": "'\\t'",
    "a\nb": "'\\n'",
    "a%20b": "'%'",
    "~x": "'~'",
    "a(1)": "'('",
    "a[b]": "'['",
    "a{b}": "'{'",
    "a*b": "'*'",
    "a?b": "'?'",
    "a|b": "'|'",
    "a<b": "'<'",
    "a=b": "'='",
    "a+b": "'+'",
    "a@b": "'@'",
    "a!b": "'!'",
    "a`b`": "'`'",
    "a^b": "'^'",
    "-checkout": "a part that begins with '-'",
    "a\u200bb": "'\\u200b'",
    "a\u00a0b": "'\\xa0'",
    "𠮷": "'𠮷'",
    "😀": "'😀'",
}
TAKEN = [
    "marquee",
    "Marquee-2.0_x",
    "마키",
    "kino-für-alle",
    unicodedata.normalize("NFD", "café"),
    "映画",
    "кино",
    "a--b",
]


def copy_to(folder: Path) -> Path:
    folder.mkdir(parents=True)
    shutil.copy(REPOSITORY / "Makefile", folder)
    shutil.copytree(
        REPOSITORY / "infra" / "control", folder / "infra" / "control", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder


def everything_below(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*") if "__pycache__" not in path.parts}


def variables(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MARQUEE_", "MAKE"))}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"} | more


@pytest.mark.parametrize(("name", "said"), REFUSED.items())
def test_a_clone_in_a_folder_that_programs_read_as_something_else_is_refused(
    tmp_path: Path, name: str, said: str
) -> None:
    checkout = copy_to(tmp_path / name)
    before = everything_below(tmp_path)
    ended = subprocess.run(
        [sys.executable, "-m", "infra.control", "exec", "--", "touch", "ran"],
        cwd=checkout,
        env=variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("marquee: The checkout lies in ")
    assert said in ended.stderr
    assert ended.stderr.endswith(
        "Move it to a folder whose path has only letters, digits, '-', '_', '.' and '/', with no part that begins with '-'.\n"
    )
    assert everything_below(tmp_path) == before


# All that write, or start what writes. `make help` works everywhere.
ENTRIES = [
    "install",
    "up",
    "run",
    "explore",
    "audit",
    "load",
    "lock",
    "lock-jars",
    "bench-quality",
    "test-fast",
    "lint",
]


NAMES = itertools.cycle(["a,b", "50% it's $HOME", "a:b;c", "-x", "a%20b #"])


@pytest.mark.parametrize(("target", "name"), list(zip(ENTRIES, NAMES, strict=False)))
def test_no_target_of_make_writes_in_such_a_clone(tmp_path: Path, name: str, target: str) -> None:
    checkout = copy_to(tmp_path / name)
    before = everything_below(tmp_path)
    ended = subprocess.run(
        ["make", "-s", target], cwd=checkout, env=variables(), capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert ended.stderr.startswith("marquee: The checkout lies in ")
    assert everything_below(tmp_path) == before


def test_help_is_shown_in_any_folder(tmp_path: Path) -> None:
    checkout = copy_to(tmp_path / "50% it's $HOME:#")
    shown = subprocess.run(["make", "help"], cwd=checkout, env=variables(), capture_output=True, text=True, check=True)
    assert "make up" in shown.stdout
    assert shown.stderr == ""


@pytest.mark.parametrize("name", TAKEN)
def test_letters_of_any_script_and_plain_punctuation_are_taken(tmp_path: Path, name: str) -> None:
    checkout = copy_to(tmp_path / name)
    said = subprocess.check_output(
        [sys.executable, "-m", "infra.control", "state"], cwd=checkout, env=variables(), text=True
    )
    assert said == f"{tmp_path}/{name}/.marquee\n"


@pytest.mark.parametrize("setting", ["MARQUEE_STATE", "MARQUEE_BACKUPS", "JAVA_HOME", "MARQUEE_GATEWAY_KEY"])
@pytest.mark.parametrize("name", REFUSED)
def test_every_setting_of_a_path_is_held_to_the_same_rule(tmp_path: Path, setting: str, name: str) -> None:
    value = f"{tmp_path}/{name}"
    if (setting, name) == ("JAVA_HOME", "a+b"):  # as in jdk-17.0.9+9
        assert Settings.load(tmp_path / "none", {setting: value})[setting] == value
        return
    with pytest.raises(SettingsError) as raised:
        Settings.load(tmp_path / "none", {setting: value})
    assert str(raised.value).startswith(f"{setting}=")
    assert "is not a path of letters, digits, '-', '_', '.' and '/', with no part that" in str(raised.value)


def test_a_link_is_judged_by_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "a,b").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a,b")
    for setting in ("MARQUEE_STATE", "MARQUEE_BACKUPS"):
        with pytest.raises(SettingsError) as raised:
            Settings.load(tmp_path / "none", {setting: f"{tmp_path}/link"})
        assert str(raised.value).startswith(f"{setting} is the folder '{tmp_path}/a,b")
        assert "which holds ',': Hadoop, supervisor, nginx or a shell would read that" in str(raised.value)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "software").symlink_to(tmp_path / "a,b")
    with pytest.raises(SettingsError, match=r"/state/software is a link to '.*/a,b', which holds ','"):
        Settings.load(tmp_path / "none", {"MARQUEE_STATE": f"{tmp_path}/state"})
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(SettingsError, match=r"^MARQUEE_STATE='.*/loop' is a link that leads back to itself\."):
        Settings.load(tmp_path / "none", {"MARQUEE_STATE": f"{tmp_path}/loop"})


def test_a_leading_tilde_is_the_home_folder_and_no_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".env").write_text("MARQUEE_STATE=~/marquee\nMARQUEE_ARCHIVE=~/my data.zip\n", encoding="ascii")
    loaded = Settings.load(tmp_path / ".env", {"MARQUEE_BACKUPS": "~"})
    assert loaded.state == tmp_path / "marquee"
    assert loaded["MARQUEE_ARCHIVE"] == f"{tmp_path}/my data.zip"
    assert loaded.backups == tmp_path / "default"
    with pytest.raises(SettingsError, match="MARQUEE_STATE='~nobody-of-that-name/x' is not a path of letters"):
        Settings.load(tmp_path / "none", {"MARQUEE_STATE": "~nobody-of-that-name/x"})


def test_a_relative_state_counts_from_the_repository(tmp_path: Path) -> None:
    assert Settings.load(tmp_path / "none", {"MARQUEE_STATE": "../x"}).state == REPOSITORY.parent / "x"


def test_a_path_too_long_for_commands_is_refused_by_its_bytes() -> None:
    check_place("/" + "x" * (LONGEST - 1), "It is", "Choose one")
    with pytest.raises(SettingsError, match="which has 211 bytes, and commands with many paths would be too long"):
        check_place("/" + "한" * 70, "It is", "Choose one")


def test_the_socket_of_a_path_with_many_bytes_lies_where_it_fits(tmp_path: Path) -> None:
    # 40 characters of Hangul are 120 bytes, and a Unix socket has 107 at most.
    loaded = Settings.load(tmp_path / "none", {"MARQUEE_STATE": "/" + "한" * 40})
    assert len(os.fsencode(socket_path(loaded))) < 100


def test_a_fault_names_what_is_wrong() -> None:
    assert fault("/home/x/marquee") == ""
    assert fault("/a b,c") == "holds a blank, ','"
    assert fault("/a/-b") == "has a part that begins with '-'"
