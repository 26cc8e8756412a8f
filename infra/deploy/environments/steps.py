"""The steps of a deployment: to the free slot, over the switch, and back."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from infra.deploy.environments import ledger
from infra.deploy.environments.environment import Environment
from infra.deploy.environments.migrations import adds, check_migrations
from infra.deploy.environments.parts import Part
from infra.deploy.environments.software import installing, software_of
from infra.deploy.environments.trial import SMOKE, Trial
from infra.deploy.environments.watch import ENOUGH, Request, measure, summary, too_slow, watch
from infra.deploy.environments.whole_run import run_whole_dag, stop_runs
from infra.release.errors import ReleaseError
from infra.release.package import unpack

# What a backup says at its end (infra/control/backup/commands.py).
_WRITTEN = re.compile(r"backup  written: (.+)$")
# The version before is measured for a tenth of the watch, and for so many seconds at least where the watch has as many.
_SHORTEST_MEASURE = 3.0
# A version is slow where two watches said so, each compared with what the version before then answered to the same visitors.
_CONFIRMED = 2
_MOST_WATCHES = 4


@dataclass
class Deployment:
    """One version on its way to the free slot of an environment."""

    environment: Environment
    commit: str
    before: Part | None
    new: Part
    measured: list[list[Request]] = field(default_factory=list)
    watched: str = ""
    # A rollback goes to a version that ran before, and does not wait for a run.
    rollback: bool = False
    ran: str = ""
    backup: Path | None = None
    tried: str = ""

    @property
    def seen(self) -> dict[str, str]:
        """Return the figures for the ledger."""
        found = {"watched": self.watched, "run": self.ran, "tried": self.tried}
        return {name: value for name, value in found.items() if value}

    @property
    def data(self) -> Part:
        """Return the part with PostgreSQL and the gateway."""
        return self.environment.part("data")

    @property
    def batch(self) -> Part | None:
        """Return the batch side, None where the environment has none."""
        wanted = self.data.settings["MARQUEE_DEPLOY_BATCH"] == "yes"
        return self.environment.part("batch") if wanted else None

    @property
    def gateway(self) -> str:
        """Return the address that visitors know."""
        return self._address(self.data)

    def _address(self, part: Part) -> str:
        settings, own = part.settings, part.variables(None)
        offset = int(own.get("MARQUEE_PORT_OFFSET", settings["MARQUEE_PORT_OFFSET"]))
        port = int(own.get("MARQUEE_GATEWAY_PORT", settings["MARQUEE_GATEWAY_PORT"])) + offset
        return f"{settings.gateway_scheme}://{settings.host('gateway')}:{port}"

    @property
    def seconds(self) -> int:
        """Return how long the watch takes."""
        return self.data.settings.number("DEPLOY_WATCH_SECONDS")

    def steps(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """Yield the name and the work of each step before the version is live, in order."""
        release = self.environment.release(self.commit)
        yield "unpack", lambda: unpack(self.environment.state, self.commit, release)
        yield "check migrations", self._check_migrations
        yield "install", self._install
        yield "start PostgreSQL and the gateway", self._start_data
        if self.before:
            yield "back up", self._back_up
        if self.before and self.before.commit and adds(release, self.environment.release(self.before.commit)):
            yield "try the version before on a migrated copy", self._try_before
        yield "migrate", lambda: self.new.control("migrate")
        yield "start", lambda: self.new.control("up")
        yield "smoke tests", lambda: self.new.control(*SMOKE)
        if self.before:
            yield "measure the version before", self._measure
        yield "switch", self._switch
        if self.before:
            yield "watch", self._watch
        if self.batch:
            yield "start the batch side", lambda: self._start_batch(self.new)
        if self.environment.name == "staging":
            if self.batch and not self._without_run:
                yield "run the whole DAG", self._run_whole_dag
            else:
                self.ran = f"not run: {self._without_run}"

    def last_steps(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """Yield what follows once the version is live and there is no way back."""
        yield "contract", lambda: self.new.control("migrate", MARQUEE_MIGRATIONS="all")
        if self.before:
            yield "stop the version before", self.before.stop

    @property
    def _without_run(self) -> str:
        """Return why staging does not run the whole DAG, or nothing."""
        if not self.batch:
            return "there is no batch side (MARQUEE_DEPLOY_BATCH=no)"
        if self.data.settings["MARQUEE_DEPLOY_RUN"] == "no":
            return "MARQUEE_DEPLOY_RUN=no"
        return "this is a rollback" if self.rollback else ""

    def _run_whole_dag(self) -> None:
        seconds = self.data.settings.number("DEPLOY_RUN_SECONDS")
        self.ran = run_whole_dag(self.environment.part("batch"), self.new, seconds)
        ran = {"environment": self.environment.name, "commit": self.commit, "run": self.ran}
        ledger.record(self.environment.ledger, ledger.RAN, **ran)

    def _check_migrations(self) -> None:
        live = self.environment.release(self.before.commit) if self.before and self.before.commit else None
        check_migrations(self.environment.release(self.commit), live)

    def _install(self) -> None:
        # A deployment that was killed may have left something.
        self.new.stop()
        Trial(self.environment).end()
        software = software_of(self.environment.state, self.environment.release(self.commit))
        self.new.place(self.commit, software)
        with installing(software):
            self.new.control("install")

    def _start_data(self) -> None:
        if self.data.serves(self.before or self.new):
            return
        version = self.before or self.new
        self.data.stop()
        self.data.place(version.commit or self.commit, (version.state / "software").readlink())
        self.data.control("up", slot=version)

    def _back_up(self) -> None:
        code = self.before.state / "release" if self.before else None
        part = "" if self.batch else "data"
        status, lines = self.data.follow("backup", slot=self.before, code=code, MARQUEE_PART=part)
        written = [found[1] for line in lines if (found := _WRITTEN.match(line))]
        if status != 0 or not written:
            raise ReleaseError(f"`backup` ended with status {status}.")
        self.backup = Path(written[-1])

    def _try_before(self) -> None:
        if self.before and self.backup:
            self.tried = Trial(self.environment).run(self.before, self.new, self.backup)

    def _measure(self) -> None:
        least = min(_SHORTEST_MEASURE, self.seconds)
        self.measured.append(measure(self.gateway, self.log, max(least, self.seconds / 10)))

    @property
    def log(self) -> Path:
        """Return the gateway's log."""
        return self.data.instance / "logs" / "gateway.log"

    def _switch(self) -> None:
        self.lead_to(self.new)

    def lead_to(self, slot: Part) -> None:
        """Let the gateway lead to a slot, with the configuration of its version."""
        self.data.control("reload-gateway", slot=slot, code=slot.state / "release")

    def _watch(self) -> None:
        if self.before is None:
            return
        old = self._address(self.before), self.before.instance / "logs" / "gateway.log"
        confirmed = 0
        for _ in range(_MOST_WATCHES):
            seen = watch(self.gateway, self.log, old, self.seconds, self.measured)
            self.watched = f"{summary(self.measured[-1])} before; {summary(seen.after)} after"
            print(f"deploy  {self.environment.name}: {self.watched}", flush=True)
            if seen.failed:
                raise ReleaseError(f"{seen.failed}.")
            if not seen.slow:
                return
            # The version before takes the visitors again, now that the machine is as busy as it is.
            print(f"deploy  {self.environment.name}: {seen.slow}. The version before is measured again.", flush=True)
            self.lead_to(self.before)
            self._measure()
            confirmed += bool(too_slow(self.measured, seen.meanwhile, seen.warm, ENOUGH))
            if confirmed == _CONFIRMED:
                raise ReleaseError(f"{seen.slow}.")
            self.lead_to(self.new)
        self.watched += "; slow at times, as the version before is on a machine that is so busy"

    def _start_batch(self, version: Part) -> None:
        batch = self.environment.part("batch")
        batch.stop()
        batch.place(version.commit or self.commit, (version.state / "software").readlink())
        batch.control("up", slot=version)

    def go_back(self) -> None:
        """Let the version before serve, and stop the new one.

        Raises ReleaseError where the version before does not start.
        """
        if self.before:
            if not self.before.serves():
                self.before.control("up")
            if not self.data.serves(self.before):
                self._start_data()
            self.lead_to(self.before)
        if self.batch and self.batch.commit == self.commit:
            if self.environment.name == "staging":
                stop_runs(self.batch, self.new)
            if self.before and self.before.commit != self.commit:
                self._start_batch(self.before)
            else:
                self.batch.stop()
        for left in (self.new.stop, Trial(self.environment).end):
            with contextlib.suppress(ReleaseError):
                left()
