"""Bring a version to an environment next to the one that serves, and let the gateway lead to it.

The version before stops only after the watch. Where a step fails until then, the gateway leads to it again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from infra.control.locks import take_lock
from infra.deploy.environments import ledger
from infra.deploy.environments.environment import Environment
from infra.deploy.environments.steps import Deployment
from infra.deploy.environments.trial import Trial
from infra.release.errors import ReleaseError
from infra.release.package import verified_manifest


@contextlib.contextmanager
def _alone(environment: Environment) -> Iterator[None]:
    environment.folder.mkdir(parents=True, exist_ok=True)
    with (environment.folder / "lock").open("ab") as lock:
        if not take_lock(lock):
            raise ReleaseError(
                f"Another deployment to {environment.name} is going. Wait for its end; `make deployments` shows it."
            )
        yield


def _check_promotion(environment: Environment, commit: str) -> str:
    """Return what production was allowed to do without, for the ledger.

    Raises ReleaseError for a version that has not passed in staging.
    """
    staging = Environment("staging", environment.state)
    if environment.name == "production" and not ledger.was_live(staging.ledger, commit):
        raise ReleaseError(
            f"{commit[:12]} has not passed in staging, so production does not get it. "
            f"Run `make deploy ENV=staging VERSION={commit[:12]}` first."
        )
    # What was live in production before had passed then, and a rollback must not wait.
    if (
        environment.name == "staging"
        or ledger.ran(staging.ledger, commit)
        or ledger.was_live(environment.ledger, commit)
    ):
        return ""
    if environment.part("data").settings["MARQUEE_DEPLOY_WITHOUT_RUN"] == "no":
        raise ReleaseError(
            f"{commit[:12]} went live in staging without a run of the whole DAG, so production does not get it. "
            f"Deploy it to staging with the batch side and MARQUEE_DEPLOY_RUN=yes, or allow it by "
            f"MARQUEE_DEPLOY_WITHOUT_RUN=yes in {environment.folder / '.env'}."
        )
    return "not run in staging, which MARQUEE_DEPLOY_WITHOUT_RUN=yes allows"


def deploy(environment: Environment, commit: str, why: str, *, rollback: bool = False) -> None:
    """Make a version live; where a step fails, the version before serves on.

    Raises ReleaseError with the step that failed and what serves now.
    """
    with _alone(environment):
        _settle(environment)
        allowed = _check_promotion(environment, commit)
        verified_manifest(environment.state, commit)
        before = environment.live_slot
        going = Deployment(environment, commit, before, environment.free_slot, ran=allowed, rollback=rollback)
        said = {"environment": environment.name, "commit": commit, "before": environment.live or "", "why": why}
        said["slot"] = going.new.name
        ledger.record(environment.ledger, ledger.STARTED, **said)
        for name, work in going.steps():
            _announce(environment, name)
            try:
                work()
            except ReleaseError as error:
                raise ReleaseError(_go_back(going, said, f"{name}: {error}")) from error
        environment.make_live(going.new)
        _finish(going, said)


def _announce(environment: Environment, step: str) -> None:
    print(f"deploy  {environment.name}: {step} ...", flush=True)


def _finish(going: Deployment, said: dict[str, str]) -> None:
    """Do what is left once the version is live.

    Raises ReleaseError where a step fails. The version is live all the same.
    """
    failed = []
    for name, work in going.last_steps():
        _announce(going.environment, name)
        try:
            work()
        except ReleaseError as error:
            failed.append(f"{name}: {error}")
    more = going.seen
    if failed:
        more["cause"] = " ".join(failed)
    ledger.record(going.environment.ledger, ledger.LIVE, **said, **more)
    if failed:
        raise ReleaseError(
            f"{going.commit[:12]} is live in {going.environment.name}, and this failed after the switch: {more['cause']} "
            "Fix the cause and deploy the version again."
        )


def _go_back(going: Deployment, said: dict[str, str], cause: str) -> str:
    """Let the version before serve, record it, and return the sentence for people."""
    failed, before = said["commit"], said["before"]
    print(f"deploy  {going.environment.name}: {cause} Going back.", flush=True)
    result, now = ledger.UNDONE, f"{before[:12]} serves on." if before else "Nothing serves, as before."
    try:
        going.go_back()
    except ReleaseError as error:
        result, now = ledger.FAILED, f"The version before, {before[:12]}, does not start either: {error}"
    more = going.seen
    ledger.record(going.environment.ledger, result, **said, **more, cause=cause)
    return f"{failed[:12]} did not go live in {going.environment.name}. It failed at {cause} {now}"


def _settle(environment: Environment) -> None:
    """End a deployment that was killed.

    It goes on if the version had passed the watch, and else back.
    """
    started = ledger.unfinished(environment.ledger)
    if started is None:
        return
    said = {name: started.get(name, "") for name in ("environment", "commit", "before", "why", "slot")}
    live = environment.live_slot
    if live is not None and live.name == said["slot"]:
        _announce(environment, "what a killed deployment left")
        _finish(Deployment(environment, said["commit"], environment.free_slot, live, ran=started.get("run", "")), said)
        return
    going = Deployment(environment, said["commit"], live, environment.free_slot)
    print(f"deploy  {_go_back(going, said, 'the deployment was killed.')}", flush=True)


def roll_back(environment: Environment, why: str) -> str:
    """Make the version live that was live before, and return its commit.

    Raises ReleaseError.
    """
    lives = [entry["commit"] for entry in ledger.entries(environment.ledger) if entry["result"] == ledger.LIVE]
    earlier = [commit for commit in lives if commit != environment.live]
    if not earlier:
        raise ReleaseError(f"No other version was live in {environment.name}. Deploy the one that you want.")
    deploy(environment, earlier[-1], why, rollback=True)
    return str(earlier[-1])


def stop(environment: Environment) -> None:
    """Stop all of an environment and keep its data. Raises ReleaseError."""
    with _alone(environment):
        Trial(environment).end()
        for part in environment.parts:
            part.stop()
