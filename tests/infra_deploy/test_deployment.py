"""Versions go live, or the one before runs again; the ledger says which."""

import fcntl
import json
from pathlib import Path
from typing import Any

import pytest

from infra.deploy.environments.deployment import deploy, roll_back
from infra.deploy.environments.environment import Environment
from infra.release.errors import ReleaseError
from infra.release.package import folder_of
from tests.infra_deploy.conftest import Place


def ledger(environment: Environment) -> list[dict[str, Any]]:
    return [json.loads(line) for line in environment.ledger.read_text(encoding="utf-8").splitlines()]


def ended(environment: Environment) -> list[tuple[str, str]]:
    """Return commit and result of each deployment that ended."""
    return [(entry["commit"], entry["result"]) for entry in ledger(environment) if entry["result"] != "started"]


def steps(environment: Environment) -> list[str]:
    return (environment.folder / "state" / "log").read_text(encoding="utf-8").splitlines()


def test_a_good_version_goes_live_and_the_next_one_is_backed_up_before_it(place: Place) -> None:
    first = place.version("1")
    deploy(place.staging, first, "the first")
    assert place.answers(place.staging) == "1"
    second = place.version("2")
    deploy(place.staging, second, "a change")
    assert place.answers(place.staging) == "2"
    assert place.staging.live == second
    assert ended(place.staging) == [(first, "live"), (second, "live")]
    assert steps(place.staging) == [
        *("1 install", "1 up", "1 serve", "1 exec"),
        *("1 backup", "1 down", "2 install", "2 up", "2 serve", "2 exec"),
    ]
    last = ledger(place.staging)[-1]
    assert last["before"] == first
    assert last["why"] == "a change"
    assert last["who"]


@pytest.mark.parametrize(
    ("behaviour", "step", "cause"),
    [
        ("mute", "start", "`up` of"),
        ("broken", "smoke tests", "`exec` of"),
        ("slow", "smoke tests", "`exec` of"),
        ("install", "install", "`install` of"),
    ],
)
def test_a_version_that_fails_is_undone_and_the_one_before_answers_again(
    place: Place, behaviour: str, step: str, cause: str
) -> None:
    first = place.version("1")
    deploy(place.staging, first, "")
    bad = place.version("2", behaviour)
    with pytest.raises(ReleaseError, match=f"It failed at {step}: {cause} {bad[:12]}.* {first[:12]} runs again"):
        deploy(place.staging, bad, "")
    assert place.answers(place.staging) == "1"
    assert place.staging.live == first
    assert ended(place.staging)[-1] == (bad, "undone")


def test_a_backup_that_fails_stops_nothing(place: Place) -> None:
    first = place.version("1", "backup")
    deploy(place.staging, first, "")
    with pytest.raises(ReleaseError, match="back up"):
        deploy(place.staging, place.version("2"), "")
    assert place.staging.live == first
    assert place.answers(place.staging) == "1"


def test_a_first_version_that_fails_leaves_nothing_running(place: Place) -> None:
    with pytest.raises(ReleaseError, match="Nothing runs, as before"):
        deploy(place.staging, place.version("1", "broken"), "")
    assert place.answers(place.staging) is None
    assert place.staging.live is None


@pytest.mark.parametrize("step", ["backup", "install", "exec"])
def test_after_a_kill_at_any_step_the_next_deployment_begins_from_the_version_before(place: Place, step: str) -> None:
    first = place.version("1")
    deploy(place.staging, first, "")
    second = place.version("2")
    killed = place.program("deploy", "--environment", "staging", "--version", second, KILL_DEPLOYMENT_AT=step)
    assert killed.returncode == -9
    assert ledger(place.staging)[-1]["result"] == "started"
    assert place.staging.live == first
    deploy(place.staging, second, "once more")
    assert place.answers(place.staging) == "2"
    assert ended(place.staging) == [(first, "live"), (second, "undone"), (second, "live")]


def test_production_gets_only_what_was_live_in_staging(place: Place) -> None:
    commit = place.version("1")
    with pytest.raises(ReleaseError, match="has not passed in staging"):
        deploy(place.production, commit, "")
    assert not place.production.ledger.exists()
    deploy(place.staging, commit, "")
    deploy(place.production, commit, "")
    assert (place.answers(place.staging), place.answers(place.production)) == ("1", "1")


def test_a_version_that_failed_in_staging_does_not_reach_production(place: Place) -> None:
    commit = place.version("1", "broken")
    with pytest.raises(ReleaseError, match="smoke tests"):
        deploy(place.staging, commit, "")
    with pytest.raises(ReleaseError, match="has not passed in staging"):
        deploy(place.production, commit, "")


def add_a_byte(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n")


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("source.tar", "has other bytes than its manifest says"),
        ("manifest.json", "is not by the key"),
        ("manifest.json.sig", "is not by the key"),
    ],
)
def test_a_package_of_other_bytes_is_refused_before_anything_stops(place: Place, file: str, why: str) -> None:
    first, second = place.version("1"), place.version("2")
    deploy(place.staging, first, "")
    add_a_byte(folder_of(place.state, second) / file)
    with pytest.raises(ReleaseError, match=why):
        deploy(place.staging, second, "")
    assert place.answers(place.staging) == "1"
    assert ended(place.staging) == [(first, "live")]


def test_a_package_that_is_away_is_refused_with_the_command_that_makes_it(place: Place) -> None:
    commit = place.version("1")
    (folder_of(place.state, commit) / "manifest.json").unlink()
    with pytest.raises(ReleaseError, match=f"make package VERSION={commit[:12]}"):
        deploy(place.staging, commit, "")


def test_a_rollback_goes_to_the_version_before_and_is_in_the_ledger(place: Place) -> None:
    first, second = place.version("1"), place.version("2")
    deploy(place.staging, first, "")
    with pytest.raises(ReleaseError, match="No other version was live"):
        roll_back(place.staging, "")
    deploy(place.staging, second, "")
    assert roll_back(place.staging, "slow lists") == first
    assert place.answers(place.staging) == "1"
    assert ledger(place.staging)[-1]["why"] == "slow lists"


def test_one_deployment_to_an_environment_at_a_time_and_both_environments_at_once(place: Place) -> None:
    commit = place.version("1")
    deploy(place.staging, commit, "")
    with (place.staging.folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ReleaseError, match="Another deployment to staging is going"):
            deploy(place.staging, commit, "")
        deploy(place.production, commit, "")


def test_the_list_shows_both_environments_with_the_cause_of_what_was_undone(place: Place) -> None:
    commit = place.version("1")
    deploy(place.staging, commit, "for the list")
    with pytest.raises(ReleaseError):
        deploy(place.staging, place.version("2", "mute"), "a bad day")
    listed = place.program("list").stdout.splitlines()
    assert [line.split()[1:4] for line in listed[1:3]] == [
        ["staging", commit[:12], "started"],
        ["staging", commit[:12], "live"],
    ]
    assert "a bad day (start: `up` of" in listed[-1]


def test_a_wrong_version_is_named(place: Place) -> None:
    place.version("1")
    refused = place.program("deploy", "--environment", "staging", "--version", "v9")
    assert refused.returncode == 1
    assert refused.stderr == (
        "deploy: There is no version 'v9' in this checkout. Give a tag, a branch or a commit that `git log` shows.\n"
    )
