"""Drills of deployments on a small platform behind a real nginx: each bad version is stopped at its step, and no request is lost."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.deploy.environments.deployment import deploy, roll_back
from infra.release.errors import ReleaseError
from infra.release.package import folder_of
from tests.infra_deploy.conftest import Place, ended, gateway, ledger, steps
from tests.infra_deploy.visitors import visitors

pytestmark = [pytest.mark.deployments, pytest.mark.timeout(600)]

LIST = ["/v1/popular?limit=5", "/health"]


def shown(title: str, figures: object) -> None:
    print(f"\ndrill  {title}: {figures}", flush=True)


@pytest.mark.parametrize(
    ("behaviour", "step", "cause", "may_lose"),
    [
        ("install", "install", "`install` of", 0),
        ("migrate", "migrate", "`migrate` of", 0),
        ("mute", "start", "`up` of", 0),
        ("broken", "smoke tests", "`exec` of", 0),
        ("slow", "smoke tests", "`exec` of", 0),
        # It fails for visitors alone, so some of them see it before it goes.
        ("sick", "watch", "requests failed, more than 1.0%", 60),
        ("tenfold", "watch", "the p99 of /v1/popular is", 0),
    ],
)
def test_a_bad_version_is_stopped_at_its_step_while_the_one_before_serves(
    place: Place, behaviour: str, step: str, cause: str, may_lose: int
) -> None:
    first = place.version("1")
    deploy(place.staging, first, "")
    bad = place.version("2", behaviour)
    file = place.staging.folder / ".env"
    # What is slow or fails for some is seen after a few seconds.
    file.write_text(file.read_text(encoding="ascii").replace("SECONDS=1\n", "SECONDS=4\n"), encoding="ascii")
    said = f"It failed at {step}: .*{cause}.* {first[:12]} serves on"
    with visitors(gateway(place.staging), LIST) as visits, pytest.raises(ReleaseError, match=said):
        deploy(place.staging, bad, "")
    shown(behaviour, visits)
    assert len(visits.lost) <= may_lose
    assert place.answers(place.staging) == "1"
    assert place.staging.live == first
    assert ended(place.staging)[-1] == (bad, "undone")
    assert [line for line in steps(place.staging) if line == "1 serving down"] == []


def test_a_machine_that_gets_busy_after_the_switch_sends_no_good_version_back(place: Place) -> None:
    """The version before is as slow for visitors then, which only a measurement after the suspicion shows."""
    deploy(place.staging, place.version("1"), "")
    second = place.version("2")
    file = place.staging.folder / ".env"
    file.write_text(file.read_text(encoding="ascii").replace("SECONDS=1\n", "SECONDS=4\n"), encoding="ascii")
    (place.staging.folder / "log").write_text("", encoding="ascii")

    def get_busy() -> None:
        while "2 data reload-gateway" not in steps(place.staging):
            time.sleep(0.1)
        (place.staging.folder / "busy").touch()

    with visitors(gateway(place.staging), LIST) as visits, ThreadPoolExecutor(1) as pool:
        busy = pool.submit(get_busy)
        deploy(place.staging, second, "")
        busy.result()
    shown("a machine that gets busy", f"{visits}; {ledger(place.staging)[-1]['watched']}")
    assert visits.lost == []
    assert (place.staging.live, place.answers(place.staging)) == (second, "2")
    # To the new version, back for the measurement, and to the new one again.
    reloads = [line for line in steps(place.staging) if line.endswith("reload-gateway")]
    assert reloads == ["2 data reload-gateway", "1 data reload-gateway", "2 data reload-gateway"]


def test_a_first_version_that_fails_leaves_no_api_running(place: Place) -> None:
    with pytest.raises(ReleaseError, match="Nothing serves, as before"):
        deploy(place.staging, place.version("1", "broken"), "")
    assert place.answers(place.staging) is None
    assert place.staging.live is None


def test_a_backup_that_fails_changes_nothing(place: Place) -> None:
    first = place.version("1", "backup")
    deploy(place.staging, first, "")
    with pytest.raises(ReleaseError, match="back up"):
        deploy(place.staging, place.version("2"), "")
    assert (place.staging.live, place.answers(place.staging)) == (first, "1")
    assert "2 serving migrate" not in steps(place.staging)


STEPS = [
    "unpack",
    "check migrations",
    "install",
    "start PostgreSQL and the gateway",
    "back up",
    "migrate",
    "start",
    "smoke tests",
    "measure the version before",
    "switch",
    "watch",
]


@pytest.mark.parametrize("step", STEPS)
def test_a_deployment_that_is_killed_before_the_version_is_live_goes_back_without_losing_a_request(
    place: Place, step: str
) -> None:
    first, second = place.version("1"), place.version("2")
    deploy(place.staging, first, "")
    with visitors(gateway(place.staging), LIST) as visits:
        assert place.kill_at(step, "deploy", "--environment", "staging", "--version", second)
        assert ledger(place.staging)[-1]["result"] == "started"
        assert place.staging.live == first
        deploy(place.staging, second, "once more")
    shown(f"killed at {step}", visits)
    assert visits.lost == []
    assert place.answers(place.staging) == "2"
    assert ended(place.staging) == [(first, "live"), (second, "undone"), (second, "live")]


@pytest.mark.parametrize("step", ["contract", "stop the version before"])
def test_a_deployment_that_is_killed_after_the_watch_goes_on(place: Place, step: str) -> None:
    first, second = place.version("1"), place.version("2")
    deploy(place.staging, first, "")
    with visitors(gateway(place.staging), LIST) as visits:
        assert place.kill_at(step, "deploy", "--environment", "staging", "--version", second)
        assert place.staging.live == second
        assert place.answers(place.staging) == "2"
        assert roll_back(place.staging, "back again") == first
    shown(f"killed at {step}", visits)
    assert visits.lost == []
    assert ended(place.staging) == [(first, "live"), (second, "live"), (first, "live")]


def test_a_contract_that_fails_is_reported_and_the_version_stays(place: Place) -> None:
    first, second = place.version("1"), place.version("2", "contract")
    deploy(place.staging, first, "")
    with pytest.raises(ReleaseError, match="is live in staging, and this failed after the switch: contract: `migrate`"):
        deploy(place.staging, second, "")
    assert place.answers(place.staging) == "2"
    assert ended(place.staging)[-1] == (second, "live")
    assert "contract" in ledger(place.staging)[-1]["cause"]


def test_staging_and_production_are_deployed_to_at_once(place: Place) -> None:
    first, second = place.version("1"), place.version("2")
    for environment in (place.staging, place.production):
        deploy(environment, first, "")
    deploy(place.staging, second, "")
    third = place.version("3")
    with (
        visitors(gateway(place.staging), LIST) as in_staging,
        visitors(gateway(place.production), LIST) as in_production,
        ThreadPoolExecutor(2) as pool,
    ):
        going = [
            pool.submit(place.program, "deploy", "--environment", name, "--version", commit)
            for name, commit in (("staging", third), ("production", second))
        ]
        assert [each.result().returncode for each in going] == [0, 0]
    shown("both at once", f"staging {in_staging}; production {in_production}")
    assert in_staging.lost == in_production.lost == []
    assert (place.answers(place.staging), place.answers(place.production)) == ("3", "2")


def test_a_version_that_failed_in_staging_does_not_reach_production(place: Place) -> None:
    commit = place.version("1", "broken")
    with pytest.raises(ReleaseError, match="smoke tests"):
        deploy(place.staging, commit, "")
    with pytest.raises(ReleaseError, match="has not passed in staging"):
        deploy(place.production, commit, "")


def test_a_package_of_other_bytes_is_refused_while_the_live_version_serves(place: Place) -> None:
    first, second = place.version("1"), place.version("2")
    deploy(place.staging, first, "")
    archive = folder_of(place.state, second) / "source.tar"
    archive.write_bytes(archive.read_bytes() + b"\n")
    with visitors(gateway(place.staging), LIST) as visits, pytest.raises(ReleaseError, match="has other bytes"):
        deploy(place.staging, second, "")
    assert visits.lost == []
    assert ended(place.staging) == [(first, "live")]


def with_batch(place: Place) -> None:
    file = place.staging.folder / ".env"
    file.write_text(file.read_text(encoding="ascii").replace("BATCH=no", "BATCH=yes"), encoding="ascii")


def test_the_batch_side_follows_the_watch_and_goes_back_where_it_does_not_start(place: Place) -> None:
    with_batch(place)
    first, second = place.version("1"), place.version("2", "batch")
    deploy(place.staging, first, "")
    assert steps(place.staging)[-3:] == ["1 batch up", "1 batch exec", "1 serving migrate"]
    said = "It failed at start the batch side: `up` of"
    with visitors(gateway(place.staging), LIST) as visits, pytest.raises(ReleaseError, match=said):
        deploy(place.staging, second, "")
    assert visits.lost == []
    assert place.answers(place.staging) == "1"
    assert [line for line in steps(place.staging) if " batch " in line] == [
        *("1 batch up", "1 batch exec", "1 batch down"),
        # The second one stops what runs, before the version before starts.
        *("2 batch up", "2 batch exec", "2 batch down", "1 batch up"),
    ]


def test_after_a_restart_of_the_machine_the_next_deployment_starts_what_serves_first(place: Place) -> None:
    first, second = place.version("1"), place.version("2")
    deploy(place.staging, first, "")
    stopped = place.program("stop", "--environment", "staging")
    assert stopped.stdout.endswith("deploy  staging is stopped; its data is kept\n")
    assert place.answers(place.staging) is None
    deploy(place.staging, second, "")
    assert place.answers(place.staging) == "2"
