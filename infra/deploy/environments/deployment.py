"""Bring a version to an environment, and back to the one before where a step fails.

The versions of one environment share its data and its ports, so the old one stops before the new one starts.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator

from infra.deploy.environments import ledger
from infra.deploy.environments.environment import Environment
from infra.release.errors import ReleaseError
from infra.release.package import unpack, verified_manifest

_SMOKE = ("exec", "--", "python3", "-m", "infra.deploy.environments.smoke")


@contextlib.contextmanager
def _alone(environment: Environment) -> Iterator[None]:
    environment.folder.mkdir(parents=True, exist_ok=True)
    with (environment.folder / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ReleaseError(
                f"Another deployment to {environment.name} is going. Wait for its end; `make deployments` shows it."
            ) from None
        yield


def _check_promotion(environment: Environment, commit: str) -> None:
    staging = Environment("staging", environment.state)
    if environment.name == "production" and not ledger.was_live(staging.ledger, commit):
        raise ReleaseError(
            f"{commit[:12]} has not passed in staging, so production does not get it. "
            f"Run `make deploy ENV=staging VERSION={commit[:12]}` first."
        )


def _steps(environment: Environment, commit: str, before: str | None) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the name and the work of each step, in order."""
    yield "unpack", lambda: unpack(environment.state, commit, environment.release(commit))
    if before:
        yield "back up", lambda: environment.control(before, "backup")
        yield "stop the old version", lambda: environment.control(before, "down")
    yield "install", lambda: environment.control(commit, "install")
    yield "start", lambda: environment.control(commit, "up")
    yield "smoke tests", lambda: environment.control(commit, *_SMOKE)


def deploy(environment: Environment, commit: str, why: str) -> None:
    """Make a version live; where a step fails, start the one before again.

    Raises ReleaseError with the step that failed and what runs now.
    """
    with _alone(environment):
        _settle(environment)
        _check_promotion(environment, commit)
        verified_manifest(environment.state, commit)
        before = environment.live
        said = {"environment": environment.name, "commit": commit, "before": before or "", "why": why}
        ledger.record(environment.ledger, ledger.STARTED, **said)
        for name, work in _steps(environment, commit, before if before != commit else None):
            print(f"deploy  {environment.name}: {name} ...", flush=True)
            try:
                work()
            except ReleaseError as error:
                raise ReleaseError(_go_back(environment, said, f"{name}: {error}")) from error
        environment.make_live(commit)
        ledger.record(environment.ledger, ledger.LIVE, **said)


def _go_back(environment: Environment, said: dict[str, str], cause: str) -> str:
    """Start the version before again, record it, and return the sentence for people."""
    failed, before = said["commit"], said["before"]
    print(f"deploy  {environment.name}: {cause} Going back.", flush=True)
    if environment.release(failed).is_dir() and failed != before:
        with contextlib.suppress(ReleaseError):
            environment.control(failed, "down")
    result, now = ledger.UNDONE, f"{before[:12]} runs again." if before else "Nothing runs, as before."
    if before:
        try:
            environment.control(before, "install")
            environment.control(before, "up")
        except ReleaseError as error:
            result, now = ledger.FAILED, f"The version before, {before[:12]}, does not start either: {error}"
    ledger.record(environment.ledger, result, **said, cause=cause)
    return f"{failed[:12]} did not go live in {environment.name}. It failed at {cause} {now}"


def _settle(environment: Environment) -> None:
    """End a deployment that was killed.

    The version before runs again, unless the new one was live already.
    """
    started = ledger.unfinished(environment.ledger)
    if started is None:
        return
    said = {name: started[name] for name in ("environment", "commit", "before", "why")}
    if environment.live == said["commit"] != said["before"]:
        ledger.record(environment.ledger, ledger.LIVE, **said)
        return
    print(f"deploy  {_go_back(environment, said, 'the deployment was killed.')}", flush=True)


def roll_back(environment: Environment, why: str) -> str:
    """Make the version live that was live before, and return its commit.

    Raises ReleaseError.
    """
    lives = [entry["commit"] for entry in ledger.entries(environment.ledger) if entry["result"] == ledger.LIVE]
    earlier = [commit for commit in lives if commit != environment.live]
    if not earlier:
        raise ReleaseError(f"No other version was live in {environment.name}. Deploy the one that you want.")
    deploy(environment, earlier[-1], why)
    return str(earlier[-1])
