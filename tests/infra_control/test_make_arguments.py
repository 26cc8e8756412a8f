"""Rubbish in every argument of every target of make: refused in a sentence, without a trace, and no shell reads it.

The targets and their arguments are found in the Makefile, so that a new one can't be forgotten.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.control.given.arguments import TABLE, check_arguments
from infra.control.given.errors import SettingsError
from infra.control.settings import REPOSITORY
from tests.infra_control.test_every_setting import RUBBISH

MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
# make's own, and what the environment of every shell has.
NOT_ARGUMENTS = {"MAKEFILE_LIST", "CURDIR", "MARQUEE_STATE", "HOME", "USER_FROM", "NAME", "PWD", "PATH"}


def recipes() -> dict[str, str]:
    """Return the recipe of each target, with the text of the variables that it uses."""
    blocks = re.findall(r"^([a-z0-9-]+):(?!=| export).*\n((?:\t.*\n|#.*\n)+)", MAKEFILE, re.MULTILINE)
    texts = dict(re.findall(r"^([A-Z_]+) [:?]?= ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE))
    found = {}
    for target, recipe in blocks:
        text = recipe
        for _ in range(3):
            text = re.sub(r"\$\(([A-Z_]+)\)", lambda match: texts.get(match[1], match[0]), text)
        found[target] = text
    return found


def arguments_of(target: str, text: str) -> set[str]:
    """Return the arguments that a recipe takes: variables that it reads and that the Makefile does not set."""
    named = re.search(rf"^{target}: .*## .*", MAKEFILE, re.MULTILINE)
    shown = re.findall(r"\b([A-Z]+)=", named[0].partition("make ")[2]) if named else []
    read = re.findall(r"\$\(value ([A-Z_]+)\)|\$\(([A-Z_]+)\)|\$\$\{?([A-Z_]+)\b", text)
    set_here = set(re.findall(r"(?:^|: export )([A-Z_]+) :?=", MAKEFILE, re.MULTILINE)) | set(
        re.findall(r"(?<![$\w])([A-Z_]+)=", text)
    )
    names = {name for group in read for name in group if name} | set(shown)
    return {name for name in names if not name.startswith("MARQUEE_")} - (set_here - set(shown)) - NOT_ARGUMENTS


RECIPES = recipes()
ARGUMENTS = {target: names for target, text in RECIPES.items() if (names := arguments_of(target, text))}


def checked_by(target: str) -> dict[str, str]:
    """Return the arguments that the recipe checks first, each with the variable that holds it."""
    words = [word for line in re.findall(r"@.* given (.*)", RECIPES[target]) for word in line.split()]
    return {word.partition("=")[0]: word.partition("=")[2] or word for word in words}


def test_the_makefile_is_understood() -> None:
    assert len(RECIPES) > 35
    expected = {
        "logs": {"SERVICE", "FOLLOW"},
        "run": {"DATASET", "ARCHIVE", "MAPPING", "SOURCE", "QUERY", "SINCE"},
        "watch-run": {"RUN", "DAG"},
        "stop-run": {"RUN", "DAG"},
        "sentiment": {"CORPUS", "TEXT", "LABEL", "LANGUAGE", "EMBEDDED"},
        "sentiment-rollback": {"TO", "REASON"},
        "explore": {"DATASET", "ARCHIVE", "MAPPING"},
        "explore-reviews": {"CORPUS", "TEXT", "LABEL", "LANGUAGE"},
        "inspect": {"ARCHIVE", "MAPPING", "SOURCE", "QUERY"},
        "clean": {"CONFIRM"},
        "restore": {"BACKUP"},
        "rollback": {"TO", "REASON"},
        "pin": {"TO", "REASON"},
        "unpin": {"REASON"},
        "diff": {"A", "B", "USER"},
        "rebuild": {"PUBLICATION"},
        "bench-serving": {"USERS"},
        "bench-engines": {"ROWS"},
        "bench-warehouse": {"ROWS"},
        "bench-pipeline": {"ROWS"},
        "bench-scale": {"ROWS", "EXECUTORS"},
        "bench-splits": {"SEEDS"},
        "bench-ml-1m": {"ARCHIVE", "SEEDS"},
        "bench-sentiment-quality": {"SETS"},
        "audit": {"UNREACHABLE"},
        "load": {"USERS", "SECONDS"},
        "load-jmeter": {"SECONDS"},
        "load-reviews": {"USERS", "SECONDS"},
        "lock": {"UPGRADE"},
        "node-down": {"CONFIRM"},
        "deploy-kubernetes": {"ENV", "VERSION", "REGISTRY"},
        "test-fast": {"TESTS"},
        "test-workflows": {"TESTS"},
        "package": {"VERSION"},
        "images": {"VERSION"},
        "audit-images": {"VERSION", "UNREACHABLE"},
        "publish-images": {"VERSION", "REGISTRY"},
        "release": {"VERSION", "DRY_RUN"},
        "deploy": {"ENV", "VERSION", "REASON"},
        "rollback-deploy": {"ENV", "REASON"},
        "stop-deployment": {"ENV"},
        "bare-repository": {"FOLDER"},
        **{f"cluster-{command}": {"INVENTORY"} for command in ("up", "status", "run", "test", "upgrade", "down")},
        **{f"cluster-{command}": {"INVENTORY", "WORKER"} for command in ("add", "remove", "replace")},
    }
    assert expected == ARGUMENTS


@pytest.mark.parametrize("target", ARGUMENTS)
def test_a_recipe_checks_each_of_its_arguments_before_all_else(target: str) -> None:
    assert set(checked_by(target)) == ARGUMENTS[target]
    assert set(ARGUMENTS[target]) <= set(TABLE)
    assert " given " in RECIPES[target].splitlines()[0]


def test_no_argument_is_in_the_text_that_make_or_a_shell_reads() -> None:
    for name in {name for names in ARGUMENTS.values() for name in names}:
        assert f"$({name})" not in MAKEFILE, name
        assert f"${{{name}}}" not in MAKEFILE.replace(f"$${{{name}", ""), name


MORE_RUBBISH = {
    "parent": "../..",
    "root": "/",
    "backtick": "`touch ran`",
    "make's shell": "$(shell touch ran)",
    "pipe": "x|touch ran",
    "redirect": "x>ran",
    "Hangul": "가나다",
    "emoji": "😀",
    "glob": "*",
    "tilde": "~",
    "backslash": "\\",
    "list": "1 2",
    "hash": "#",
}
ALL_RUBBISH = RUBBISH | MORE_RUBBISH
# Names of publications, services and data sets, of which the program knows whether they exist.
PLAIN = {"word", "zero", "over all ports", "exponent", "underscore", "no number", "infinity", "huge", "leading zero"}
NEVER = {"blanks", "newline", "carriage return", "NUL", "escape", "not UTF-8", "invisible", "reversed", "long"}
TAKEN = {
    "DATASET": PLAIN - {"no number", "infinity"} | {"fraction", "short address"},
    "SERVICE": {"word"},
    **dict.fromkeys(("TO", "A", "B", "PUBLICATION", "SOURCE"), PLAIN | {"fraction", "short address"}),
    **dict.fromkeys(
        ("ARCHIVE", "BACKUP", "CORPUS", "FOLDER", "MAPPING"),
        set(ALL_RUBBISH) - NEVER - {"dollar", "shell", "make's shell"},
    ),
    **dict.fromkeys(("REASON", "TEXT", "LABEL", "QUERY", "USER"), set(ALL_RUBBISH) - NEVER),
    "SINCE": set(ALL_RUBBISH) - NEVER - {"IPv6"},
    "INVENTORY": PLAIN | {"fraction", "short address", "parent", "root"},
    "WORKER": PLAIN - {"underscore"} | {"fraction", "short address"},
    "RUN": PLAIN | {"fraction", "short address", "tilde", "option", "colon", "negative", "IPv6"},
    "USERS": {"over all ports"},
    "SECONDS": {"over all ports"},
    "ROWS": {"over all ports", "list"},
    "SEEDS": {"zero", "over all ports", "list"},
    "EXECUTORS": {"zero", "list"},
    "VERSION": PLAIN | {"fraction", "short address"},
    "REGISTRY": PLAIN - {"underscore", "no number", "infinity"} | {"fraction", "short address"},
    **{key: set() for key in ("FOLLOW", "CONFIRM", "ENV", "UPGRADE", "UNREACHABLE", "SETS", "TESTS", "DRY_RUN")},
    **{key: set() for key in ("LANGUAGE", "EMBEDDED", "DAG")},
}


@pytest.mark.parametrize("name", TABLE)
def test_rubbish_is_refused_in_a_sentence_that_names_the_argument_and_what_is_allowed(name: str) -> None:
    messages = {}
    for kind, value in ALL_RUBBISH.items():
        with contextlib.suppress(SettingsError):
            check_arguments([name], {name: value})
            continue
        with pytest.raises(SettingsError) as raised:
            check_arguments([name], {name: value})
        messages[kind] = str(raised.value)
    for message in messages.values():
        assert message.startswith(f"{name}=")
        assert TABLE[name].words in message
        assert message.endswith("Correct it in the command.")
        assert message.isprintable()
        assert len(message) < 500
    assert set(ALL_RUBBISH) - set(messages) == TAKEN[name]
    check_arguments([name], {name: ""})
    check_arguments([name], {})


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what the commands need, whose state has the Python of these tests and no running service."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copy(REPOSITORY / "Makefile", folder)
    ignored = shutil.ignore_patterns("__pycache__", ".marquee", ".git", "node_modules")
    for name in ("infra", "serving", "dags", "tests/bench", "requirements"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    for environment in ("venv", "serving-venv", "audit-venv", "load-venv", "sentiment-venv"):
        (folder / ".marquee/software" / environment / "bin").mkdir(parents=True)
        (folder / ".marquee/software" / environment / "bin/python").write_text(
            f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8"
        )
        (folder / ".marquee/software" / environment / "bin/python").chmod(0o755)
    # What installs or checks the machine, which tests must not do.
    control = folder / "control.sh"
    control.write_text(
        f'#!/bin/sh\ncase "$1" in install | preflight) exit 0 ;; esac\nexec {sys.executable} -m infra.control "$@"\n',
        encoding="utf-8",
    )
    control.chmod(0o755)
    (folder / ".marquee/software/uv/bin").mkdir(parents=True)
    (folder / ".marquee/software/uv/bin/uv").symlink_to("/bin/true")
    return folder


def run_make(checkout: Path, *words: str | bytes) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MARQUEE_", "MAKE"))}
    # Ports at which nothing listens.
    return subprocess.run(
        [b"make", b"-s", b"CONTROL=./control.sh", *(os.fsencode(word) for word in words)],
        cwd=checkout,
        env=kept | {"MARQUEE_PORT_OFFSET": "21000"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )


def assert_a_sentence(ended: subprocess.CompletedProcess[str], checkout: Path) -> None:
    assert ended.returncode != 0, ended
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "syntax error" not in ended.stderr
    sentences = [
        line for line in (ended.stderr + ended.stdout).splitlines() if line and not line.startswith("make: ***")
    ]
    assert any(line.endswith(".") and " " in line for line in sentences), ended
    assert not (checkout / "ran").exists()


WORST = "-a $(touch ran) `touch ran` $(shell touch ran); touch ran '\"\n#\\ $HOME 가"


@pytest.mark.parametrize(
    ("target", "name"), [(target, name) for target in ARGUMENTS for name in sorted(ARGUMENTS[target])]
)
def test_rubbish_to_make_ends_in_a_sentence_and_reaches_no_shell(checkout: Path, target: str, name: str) -> None:
    ended = run_make(checkout, target, f"{name}={WORST}")
    assert_a_sentence(ended, checkout)
    assert f"marquee: {name}=" in ended.stderr


# Values that pass the check and name nothing that exists, and values that are missing.
PLAUSIBLE = [
    ["logs"],
    ["logs", "SERVICE=no-such-service"],
    ["logs", "SERVICE=hiveserver2"],
    ["restore"],
    ["restore", "BACKUP=~/no-such-folder"],
    ["restore", "BACKUP=" + "x" * 3000],
    ["restore", "BACKUP=-x"],
    ["restore", "BACKUP=/etc/passwd"],
    ["run", "DATASET=no-such-set"],
    ["run", "ARCHIVE=~/no-such.zip"],
    ["run", "ARCHIVE=" + "x" * 3000],
    ["run", "ARCHIVE=-x '\"; touch ran"],
    ["explore", "DATASET=no-such-set"],
    ["explore", "DATASET=ml-latest-small", "ARCHIVE=~/no such.zip"],
    ["explore", "DATASET=ml-latest-small", "ARCHIVE=/etc/passwd"],
    ["inspect"],
    ["inspect", "ARCHIVE=~/no such.csv"],
    ["inspect", "ARCHIVE=-x '; touch ran $(touch ran)", "MAPPING=-x"],
    ["inspect", "ARCHIVE=/etc/passwd", "MAPPING=no-such.toml"],
    ["rollback"],
    ["rollback", "TO=20260101T000000", "REASON=-x '; touch ran $(touch ran)"],
    ["pin"],
    ["pin", "TO=20260101T000000"],
    ["pin", "TO=1.5"],
    ["unpin", "REASON=가 $(touch ran)"],
    ["diff"],
    ["diff", "A=20260101T000000", "B=20260102T000000", "USER=9223372036854775807"],
    ["diff", "A=20260101T000000", "B=20260102T000000", "USER=tt,1/2 \u00fc?"],
    ["rebuild"],
    ["rebuild", "PUBLICATION=20260101T000000"],
    ["clean", "CONFIRM=no"],
    ["status"],
    ["backup"],
    ["demo"],
    ["deploy-kubernetes"],
    ["deploy-kubernetes", "ENV=staging"],
    ["deploy-kubernetes", "ENV=minikube", "VERSION=0.0.0", "REGISTRY=127.0.0.1:1/none"],
    ["inspect", "ARCHIVE=Makefile", "MAPPING=Makefile"],
    ["explore", "ARCHIVE=Makefile", "MAPPING=Makefile"],
    ["run", "DATASET=own", "ARCHIVE=Makefile"],
    ["run", "DATASET=own", "SOURCE=shop", "QUERY=SELECT 1", "SINCE=id:5"],
    ["inspect", "SOURCE=shop", "QUERY=SELECT '$(touch ran)'"],
    ["watch-run"],
    ["watch-run", "RUN=manual__2026", "DAG=tune_als"],
    ["stop-run"],
    ["stop-run", "RUN=~.x", "DAG=build_recommendations"],
    ["sentiment"],
    [
        "sentiment",
        "CORPUS=~/no such.csv",
        "TEXT=-x '; touch ran $(touch ran)",
        "LABEL=가",
        "LANGUAGE=ko",
        "EMBEDDED=no",
    ],
    ["explore-reviews", "CORPUS=~/no such.csv"],
    ["explore-reviews", "CORPUS=Makefile", "TEXT=-x '; touch ran $(touch ran)", "LABEL=가", "LANGUAGE=ko"],
    ["sentiment-rollback"],
    ["sentiment-rollback", "TO=20260101T000000", "REASON=-x"],
    ["package", "VERSION=no-such-tag"],
    ["images", "VERSION=no-such-tag"],
    ["audit-images", "VERSION=no-such-tag", "UNREACHABLE=warn"],
    ["publish-images"],
    ["publish-images", "REGISTRY=127.0.0.1:1/none", "VERSION=no-such-tag"],
    ["release"],
    ["release", "VERSION=no-such-tag"],
    ["release", "VERSION=0.0.0", "DRY_RUN=no"],
    ["deploy"],
    ["deploy", "ENV=minikube"],
    ["rollback-deploy", "ENV=minikube"],
    ["deploy", "ENV=staging", "VERSION=no-such-tag", "REASON=-x '; touch ran $(touch ran)"],
    ["rollback-deploy"],
    ["stop-deployment"],
    ["stop-deployment", "ENV=minikube"],
    ["rollback-deploy", "ENV=production", "REASON=가"],
    ["bare-repository"],
    ["bare-repository", "FOLDER=/etc/passwd"],
    ["bare-repository", "FOLDER=/proc/1"],
    ["bare-repository", "FOLDER=-x/" + "x" * 3000],
    ["bare-repository", "FOLDER=infra"],
    ["node-status"],
    ["test-fast", "TESTS=tests/no_such"],
    ["bench-engines", "ROWS=1 2"],
    ["bench-warehouse", "ROWS=1"],
    ["bench-pipeline", "ROWS=1"],
    ["audit", "UNREACHABLE=warn"],
]


@pytest.mark.parametrize("words", PLAUSIBLE, ids=lambda words: " ".join(words)[:40])
def test_what_passes_the_check_and_exists_nowhere_ends_in_a_sentence_too(checkout: Path, words: list[str]) -> None:
    if words[0] == "clean":
        (checkout / ".marquee/instances/default").mkdir(parents=True, exist_ok=True)
    assert_a_sentence(run_make(checkout, *words), checkout)


# What works without a running platform goes on to its work with the values above.
NOT_TRIED = {"bench-serving", "bench-scale", "bench-sentiment-quality", "bench-splits", "bench-ml-1m"} | {
    *("lock", "node-down", "load", "load-jmeter", "load-reviews", "test-workflows"),
    # These install Ansible first. tests/machines has what an unknown inventory ends in.
    *("cluster-up", "cluster-status", "cluster-run", "cluster-test", "cluster-down", "cluster-upgrade"),
    *("cluster-add", "cluster-remove", "cluster-replace"),
}


def test_each_target_with_arguments_is_tried_with_plausible_ones() -> None:
    assert set(ARGUMENTS) - {words[0] for words in PLAUSIBLE} == NOT_TRIED


def test_a_folder_with_hooks_of_its_own_is_no_bare_repository(checkout: Path) -> None:
    (checkout / "project/hooks").mkdir(parents=True)
    ended = run_make(checkout, "bare-repository", "FOLDER=project")
    assert f"hooks: {checkout / 'project'} holds other files. Name a new folder or a bare repository." in ended.stderr
    assert [path.name for path in (checkout / "project").iterdir()] == ["hooks"]


def test_bytes_that_are_no_text_are_refused(checkout: Path) -> None:
    ended = run_make(checkout, "pin", b"TO=\xff\xfe\x80")
    assert_a_sentence(ended, checkout)
    assert "marquee: TO='\\udcff\\udcfe\\udc80' is not a publication's id" in ended.stderr


def test_a_dollar_in_a_setting_that_make_gets_stays_one(checkout: Path) -> None:
    (checkout / "Makefile.echo").write_text(
        f"include {checkout}/Makefile\necho:\n\t@printenv MARQUEE_AIRFLOW_PASSWORD\n", encoding="utf-8"
    )
    ended = run_make(checkout, "-f", "Makefile.echo", "echo", "MARQUEE_AIRFLOW_PASSWORD=a$b$(shell touch ran)$$c")
    assert ended.stdout == "a$b$(shell touch ran)$$c\n"
    assert not (checkout / "ran").exists()


def test_settings_that_cannot_be_read_stop_every_target_that_does_something(checkout: Path) -> None:
    (checkout / ".env").write_text("MARQUEE_API_PORT=x\n", encoding="ascii")
    try:
        for target in ("run", "logs", "status", "down", "backup", "publications", "lock-jars", "state"):
            words = [] if target != "logs" else ["SERVICE=gateway"]
            if target in RECIPES:
                ended = run_make(checkout, target, *words)
                assert_a_sentence(ended, checkout)
                assert "marquee: MARQUEE_API_PORT='x' is not a port" in ended.stderr
    finally:
        (checkout / ".env").unlink()
