"""Versions go live next to the one that serves, or it serves on; the ledger says which. test_drills.py has the long ones."""

import fcntl
from pathlib import Path

import pytest

from infra.deploy.environments.deployment import deploy, roll_back
from infra.release.errors import ReleaseError
from infra.release.package import folder_of
from tests.infra_deploy.conftest import Place, ended, gateway, ledger, steps
from tests.infra_deploy.visitors import visitors

LIST = ["/v1/popular?limit=5", "/health"]


def test_a_second_version_starts_beside_the_first_and_no_request_is_lost_on_the_switch_and_on_the_way_back(
    place: Place,
) -> None:
    first = place.version("1")
    deploy(place.staging, first, "the first")
    assert place.answers(place.staging) == "1"
    assert steps(place.staging) == [
        *("1 serving install", "1 data up", "1 serving migrate", "1 serving up", "1 serving serve", "1 serving exec"),
        *("1 data reload-gateway", "1 serving migrate"),
    ]
    (place.staging.folder / "log").unlink()
    second = place.version("2")
    with visitors(gateway(place.staging), LIST) as visits:
        deploy(place.staging, second, "a change")
        assert place.answers(place.staging) == "2"
        assert roll_back(place.staging, "slow lists") == first
        assert place.answers(place.staging) == "1"
    assert visits.lost == []
    assert visits.statuses.total() > 100
    assert steps(place.staging)[:11] == [
        *(
            "2 serving install",
            "1 data status",
            "1 data backup",
            "2 serving migrate",
            "2 serving up",
            "2 serving serve",
        ),
        *("2 serving exec", "2 data reload-gateway", "2 serving migrate", "1 serving down", "1 serving down"),
    ]
    assert ended(place.staging) == [(first, "live"), (second, "live"), (first, "live")]
    last = ledger(place.staging)[-1]
    assert (last["before"], last["why"]) == (second, "slow lists")
    assert last["who"]
    assert "0.00% failed" in last["watched"]


def test_a_version_that_answers_500_is_undone_and_the_one_before_serves_on(place: Place) -> None:
    first = place.version("1")
    deploy(place.staging, first, "")
    bad = place.version("2", "broken")
    with pytest.raises(ReleaseError, match=f"It failed at smoke tests: `exec` of {bad[:12]}.* {first[:12]} serves on"):
        deploy(place.staging, bad, "a bad day")
    assert place.answers(place.staging) == "1"
    assert place.staging.live == first
    assert ended(place.staging)[-1] == (bad, "undone")
    listed = place.program("list").stdout.splitlines()
    assert [line.split()[1:4] for line in listed[1:3]] == [
        ["staging", first[:12], "started"],
        ["staging", first[:12], "live"],
    ]
    assert "a bad day (smoke tests: `exec` of" in listed[-1]


def test_production_gets_only_what_was_live_in_staging(place: Place) -> None:
    commit = place.version("1")
    with pytest.raises(ReleaseError, match="has not passed in staging"):
        deploy(place.production, commit, "")
    assert not place.production.ledger.exists()
    deploy(place.staging, commit, "")
    with (place.staging.folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ReleaseError, match="Another deployment to staging is going"):
            deploy(place.staging, commit, "")
        deploy(place.production, commit, "")
    assert (place.answers(place.staging), place.answers(place.production)) == ("1", "1")
    with pytest.raises(ReleaseError, match="No other version was live"):
        roll_back(place.production, "")


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
def test_a_package_of_other_bytes_is_refused_before_anything_is_touched(place: Place, file: str, why: str) -> None:
    commit = place.version("1")
    add_a_byte(folder_of(place.state, commit) / file)
    with pytest.raises(ReleaseError, match=why):
        deploy(place.staging, commit, "")
    assert not place.staging.ledger.exists()
    assert place.answers(place.staging) is None


def test_a_package_that_is_away_is_refused_with_the_command_that_makes_it(place: Place) -> None:
    commit = place.version("1")
    (folder_of(place.state, commit) / "manifest.json").unlink()
    with pytest.raises(ReleaseError, match=f"make package VERSION={commit[:12]}"):
        deploy(place.staging, commit, "")


def test_an_environment_of_an_earlier_program_is_refused_with_what_to_do(place: Place) -> None:
    commit = place.version("1")
    (place.staging.folder / "current").symlink_to(f"releases/{commit}")
    with pytest.raises(
        ReleaseError, match=f"leads to releases/{commit}, and no slot: .* Run `make down` in that folder"
    ):
        deploy(place.staging, commit, "")
    assert not place.staging.ledger.exists()


def test_a_wrong_version_is_named(place: Place) -> None:
    place.version("1")
    refused = place.program("deploy", "--environment", "staging", "--version", "v9")
    assert refused.returncode == 1
    assert refused.stderr == (
        "deploy: There is no version 'v9' in this checkout. Give a tag, a branch or a commit that `git log` shows.\n"
    )
