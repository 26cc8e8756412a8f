"""An environment's folders: its ledger, its versions, and the parts of the platform that run there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.deploy.environments.parts import SLOTS, Part
from infra.release.errors import ReleaseError

# With these no port is wanted twice, by an environment's parts, by the other's, or by a platform that is worked on. The environment's
# .env may move them.
OFFSETS = {"staging": 2500, "production": 5200}


@dataclass(frozen=True)
class Environment:
    """`staging` or `production` below the state folder."""

    name: str
    state: Path

    @property
    def folder(self) -> Path:
        """Return the folder of all that belongs to the environment."""
        return self.state / "environments" / self.name

    @property
    def ledger(self) -> Path:
        """Return the ledger's file."""
        return self.folder / "ledger.jsonl"

    def release(self, commit: str) -> Path:
        """Return the folder of a version's files."""
        return self.folder / "releases" / commit

    def part(self, name: str) -> Part:
        """Return a part: `data`, `batch`, or a slot for the APIs."""
        return Part(self.folder, self.name, OFFSETS[self.name], name)

    @property
    def parts(self) -> Iterator[Part]:
        """Yield the parts, in the order in which they stop."""
        yield from map(self.part, ("batch", *SLOTS, "data"))

    @property
    def live_slot(self) -> Part | None:
        """Return the slot that the gateway leads to, None before the first version.

        Raises ReleaseError for an environment that an earlier program made, which had no slots.
        """
        link = self.folder / "current"
        if not link.is_symlink():
            return None
        if link.readlink().name not in SLOTS:
            raise ReleaseError(
                f"{link} leads to {link.readlink()}, and no slot: an earlier program deployed it. Run `make down` in that folder "
                f"with MARQUEE_STATE={self.folder / 'state'} and MARQUEE_INSTANCE={self.name}. Then delete the link and deploy."
            )
        return self.part(link.readlink().name)

    @property
    def free_slot(self) -> Part:
        """Return the slot for the next version."""
        live = self.live_slot
        return self.part(next(name for name in SLOTS if live is None or name != live.name))

    @property
    def live(self) -> str | None:
        """Return the commit that is live, None before the first."""
        return self.live_slot.commit if self.live_slot else None

    def make_live(self, slot: Part) -> None:
        """Let `current` name a slot, by one rename."""
        new = self.folder / "current.new"
        new.unlink(missing_ok=True)
        new.symlink_to(slot.name)
        new.replace(self.folder / "current")
