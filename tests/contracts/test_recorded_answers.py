"""Both APIs and the pages answer as they were recorded, to the byte.

The recordings are in recorded_answers/. To record again, delete a file there, run the test twice, and read the difference.
recorded_applications.py is the only file of the recording that imports the product. `pytest -s` prints how many answers were
compared.
"""

from __future__ import annotations

import difflib
import json
import re
import sqlite3
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.recorded_applications import accounts_application, exporter_metrics, recommendation_application
from tests.contracts.recording import accounts_api, accounts_pages, recommendations
from tests.contracts.recording.accounts_service import SECRET
from tests.contracts.recording.exchanges import Asker, Exchange, Recorder, fixed_clock
from tests.contracts.recording.publications import (
    DATABASE,
    FIRST,
    PLAIN,
    SECOND,
    THIRD,
    Store,
    build,
    built_publications,
    without_writer,
)

RECORDED = Path(__file__).with_name("recorded_answers")
REPOSITORY = Path(__file__).resolve().parents[2]
FILES = (
    *("recommendations_api", "recommendations_pages", "recommendations_states"),
    *("accounts_api", "accounts_pages", "accounts_states"),
)
# Kinds of problem that need a setting or a load of their own: tests/serving/test_recommendations.py has them.
ELSEWHERE = {"too-many-requests"}
_KIND = re.compile(r"docs#problem-([a-z-]+)")

Recordings = dict[str, dict[str, Exchange]]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of stores and databases, and of those bodies of now that are compared by their SHA-256."""
    return tmp_path_factory.mktemp("recorded")


@pytest.fixture(scope="module")
def answers(work: Path, templates_compiled_once: None) -> Recordings:
    """Everything that the applications answer now, by file and request."""
    with fixed_clock() as tick:
        built = built_publications(work)
        # Four minutes of activations and arrivals before the last one: see Store.
        store = Store(work / "store", built, PLAIN, FIRST, SECOND, THIRD).activate(FIRST, THIRD)
        recorders = {name: Recorder(tick) for name in FILES}
        recommendations.record_api(recorders["recommendations_api"], store)
        recommendations.record_pages(recorders["recommendations_pages"], store)
        recommendations.record_states(recorders["recommendations_states"], work / "states", built)
        accounts_api.record_api(recorders["accounts_api"], work / "accounts")
        accounts_pages.record_pages(recorders["accounts_pages"], work / "accounts-pages", store)
        accounts_pages.record_states(recorders["accounts_states"], work / "accounts-states")
        recommendations.record_discoveries(recorders["recommendations_api"], store)
        for recorder in recorders.values():
            for title, text in recorder.long_bodies.items():
                (work / re.sub(r"\W+", "-", title)).write_text(text, encoding="utf-8")
    return {name: recorder.exchanges for name, recorder in recorders.items()}


def written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def one_line(name: str, value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1 if isinstance(value, list) and name == "answer" else None)


def compact(recorded: dict[str, Any]) -> str:
    """Return JSON with a line for each member of an exchange, and for each line of a page."""
    entries = []
    for title, entry in recorded.items():
        text = written(entry).rstrip()
        if "headers" in entry:
            rows = [f" {json.dumps(name)}: {one_line(name, value)}" for name, value in entry.items()]
            text = "{\n" + ",\n".join(rows) + "}"
        entries.append(f"{json.dumps(title, ensure_ascii=False)}: {text}")
    return "{\n" + ",\n".join(entries) + "\n}\n"


def recording(name: str, now: Any) -> Any:
    """Return what was recorded; where nothing was, record what is answered now and fail."""
    path = RECORDED / f"{name}.json"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(compact(now), encoding="utf-8")
        pytest.fail(f"{path.name} did not exist and was recorded: read it, then run again.")
    return json.loads(path.read_text(encoding="utf-8"))


def difference(title: str, before: Any, now: Any) -> str:
    """Return the difference of one answer, headed by its request."""
    lines = difflib.unified_diff(
        written(before).splitlines(), written(now).splitlines(), "recorded", "answered now", lineterm="", n=2
    )
    return "\n".join([title, *lines])


def same(before: Any, now: Any) -> bool:
    """Say whether two answers have the same text: 1 is not 1.0, and the order of members counts."""
    return written(before) == written(now)


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    names = [*before, *(name for name in now if name not in before)]
    return [
        difference(name, before.get(name), now.get(name)) for name in names if not same(before.get(name), now.get(name))
    ]


@pytest.mark.parametrize("name", FILES)
def test_answers_are_those_that_were_recorded(answers: Recordings, name: str, work: Path) -> None:
    found = differences(recording(name, answers[name]), answers[name])
    summary = f"{len(found)} of {len(answers[name])} differ from {name}.json; long bodies of now are in {work}:"
    assert not found, "\n\n".join([summary, *found])


def test_the_comparison_is_of_200_answers_or_more(answers: Recordings) -> None:
    equal = compared = 0
    for name in FILES:
        before = recording(name, answers[name])
        compared += len(before)
        equal += sum(same(before[title], answers[name].get(title)) for title in before)
    print(f"\ncompared {compared} answers: {equal} equal")
    assert compared >= 200
    assert equal == compared


def described(answers: Recordings, tmp_path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return both APIs' descriptions, with the name that the recordings' files begin with."""
    database = f"sqlite:///{tmp_path / 'none.sqlite'}"
    api = Asker(Recorder(lambda: None), recommendation_application(tmp_path))
    service = accounts_application(database, MARQUEE_ACCOUNTS_SECRET=SECRET)
    accounts = Asker(Recorder(lambda: None), service)
    return [
        ("recommendations", json.loads(api.ask("GET /openapi.json").text)),
        ("accounts", json.loads(accounts.ask("GET /accounts/openapi.json").text)),
    ]


def test_every_operation_was_asked_with_success_and_every_kind_of_problem_was_answered(
    answers: Recordings, tmp_path: Path
) -> None:
    for service, document in described(answers, tmp_path):
        exchanges = {title: each for name in FILES if name.startswith(service) for title, each in answers[name].items()}
        done = {tuple(title.split(" ")[:2]) for title, exchange in exchanges.items() if exchange["status"][0] in "23"}
        missing = []
        for path, operations in document["paths"].items():
            form = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
            for method, operation in operations.items():
                asked = any(
                    verb == method.upper() and form.fullmatch(address.partition("?")[0]) for verb, address in done
                )
                missing += [] if asked else [operation["operationId"]]
        assert missing == []
        kinds = set(_KIND.findall(json.dumps(document["paths"])))
        seen = {kind for each in exchanges.values() for kind in _KIND.findall(json.dumps(each["answer"]))}
        assert kinds - seen - ELSEWHERE == set()


def test_a_publication_has_the_bytes_that_were_recorded(tmp_path: Path) -> None:
    found: dict[str, Any] = {}
    for publication in (PLAIN, THIRD):
        folder = build(tmp_path, publication, 3, whole=publication == THIRD)
        content = (folder / DATABASE).read_bytes()
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert manifest.pop("sha256") == sha256(content).hexdigest()
        found[publication] = {
            "sha256 without SQLite's version": sha256(without_writer(content)).hexdigest(),
            f"sha256 by SQLite {sqlite3.sqlite_version}": sha256(content).hexdigest(),
            "manifest": manifest,
        }
    before = recording("publications", found)
    for publication, now in found.items():
        # The version of SQLite that is here need not be the one that was recorded.
        known = {name: value for name, value in now.items() if name in before[publication]}
        kept = {name: value for name, value in before[publication].items() if name in now}
        assert same(known, kept), difference(publication, before[publication], now)
        assert "sha256 without SQLite's version" in known


def test_exported_ratings_are_those_that_were_recorded(tmp_path: Path) -> None:
    with fixed_clock():
        now = accounts_pages.exported_ratings(tmp_path / "accounts")
    found = differences(recording("exported_ratings", now), now)
    assert not found, "\n\n".join(found)


SERVED_METRICS = """
import sys, pathlib
from werkzeug.test import Client
sys.path.insert(0, "tests/contracts")
import recorded_applications as applications
folder = pathlib.Path(sys.argv[2])
if sys.argv[1] == "accounts":
    made = applications.accounts_application(f"sqlite:///{folder}/none.sqlite", MARQUEE_ACCOUNTS_SECRET="x" * 32)
else:
    made = applications.recommendation_application(folder)
sys.stdout.reconfigure(encoding="utf-8")
print(Client(made).get("/accounts/metrics" if sys.argv[1] == "accounts" else "/metrics").get_data(as_text=True))
"""


def descriptions(text: str) -> list[str]:
    """Return the lines of /metrics that say which metrics of ours there are."""
    return sorted(line for line in text.splitlines() if re.match("# (HELP|TYPE) marquee_", line))


def test_the_metrics_are_those_that_were_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    now = {"batch_exporter": descriptions(exporter_metrics())}
    for service in ("recommendations", "accounts"):
        # In a process of its own: the library keeps the metrics of all that a process imports together.
        program = [sys.executable, "-c", SERVED_METRICS, service, str(tmp_path)]
        done = subprocess.run(program, cwd=REPOSITORY, capture_output=True, encoding="utf-8", check=True)
        now[service] = descriptions(done.stdout)
    found = differences(recording("metrics", now), now)
    assert not found, "\n\n".join(found)
