"""Let only the current try of a task put its output in place.

A task can have several living tries: one that was marked failed and has not ended yet, one whose worker was lost, and
the retry. Each try writes into folders that carry its own name. All its folders lie in the task's folder of the batch:

- `work-<try>` holds what programs and statements write. A late writer may write there at any time, unread.
- `claim-<try>` belongs to the task's process. The try moves its complete output there.
- `complete-<try>` is the claim under another name. This one rename is the commit.

A try that begins makes its own claim, and then deletes all others. Each later step of another try is a rename from or
into its claim, and HDFS refuses that once the claim is gone. No program makes a claim, so that nothing brings it back.
A try that was killed after its commit has left `complete-<try>`, and the next try finishes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hdfs import HdfsError

from marquee.cluster import hdfs
from marquee.cluster.programs import Log

CLAIM, COMPLETE, WORK = "claim-", "complete-", "work-"


class SupersededError(RuntimeError):
    """Report a try that may not put its output in place any more."""


@dataclass(frozen=True)
class Attempt:
    """One try of a task: its folders and the places that its output replaces.

    `folder` is the task's folder of the batch, `name` is different for each try, and `targets` maps each part of the
    output to the path that it replaces.
    """

    client: Any
    log: Log
    folder: str
    name: str
    targets: Mapping[str, str]

    @property
    def work(self) -> str:
        """Return the folder that the try's programs write to."""
        return f"{self.folder}/{WORK}{self.name}"

    @property
    def _claim(self) -> str:
        return f"{self.folder}/{CLAIM}{self.name}"

    def begin(self) -> None:
        """Revoke all other tries, remove what they left, finish what one committed."""
        self.client.makedirs(self._claim)
        for kind in (CLAIM, WORK):
            for other in self._folders(kind):
                if other != f"{CLAIM}{self.name}":
                    self.client.delete(f"{self.folder}/{other}", recursive=True)
        # From here on no other try can commit, so that this list is complete.
        for left in self._folders(COMPLETE):
            self.log.warning("An earlier try was stopped while it put its output in place. This try finishes that.")
            # Under its old name that try could go on with it.
            taken = f"{self.folder}/{COMPLETE}{self.name}"
            try:
                hdfs.move(self.client, f"{self.folder}/{left}", taken)
            except HdfsError:
                if self.client.status(f"{self.folder}/{left}", strict=False) is not None:
                    raise
                continue  # That try has finished it meanwhile.
            self._put_in_place(taken)

    def check(self) -> None:
        """Raise SupersededError if another try has begun or this one was stopped."""
        if self.client.status(self._claim, strict=False) is None:
            raise SupersededError(
                f"Try {self.name} was stopped, or a later try of the task has begun. Its output is not put in place. "
                "Look at the task's latest try."
            )

    def collect(self, part: str, source: str) -> None:
        """Move a complete part of the output to where no program writes."""
        self._move(source, f"{self._claim}/{part}")

    def collect_empty(self, part: str) -> None:
        """Make a part an empty folder."""
        # Made in the claim, the folder would bring back a claim that is gone.
        self.client.makedirs(f"{self.work}/{part}")
        self.collect(part, f"{self.work}/{part}")

    def commit(self) -> None:
        """Replace the targets by the collected parts; all of them or none."""
        complete = f"{self.folder}/{COMPLETE}{self.name}"
        # A later try's folder is not in this list: that try would have revoked the claim.
        left = self._folders(WORK)
        self._move(self._claim, complete)
        self._put_in_place(complete)
        for name in left:
            self.client.delete(f"{self.folder}/{name}", recursive=True)

    def abandon(self) -> None:
        """Give up the claim, so that this try commits nothing any more."""
        self.client.delete(self._claim, recursive=True)

    def _move(self, source: str, target: str) -> None:
        try:
            hdfs.move(self.client, source, target)
        except HdfsError:
            self.check()
            raise

    def _folders(self, kind: str) -> list[str]:
        return [name for name in self.client.list(self.folder) if name.startswith(kind)]

    def _put_in_place(self, complete: str) -> None:
        """Replace each target whose part is still there; a later try continues it."""
        for part, target in self.targets.items():
            source, replaced = f"{complete}/{part}", f"{complete}/replaced-{part}"
            if self.client.status(source, strict=False) is None:
                continue
            if self.client.status(target, strict=False) is not None:
                self.client.delete(replaced, recursive=True)
                hdfs.move(self.client, target, replaced)
            self.client.makedirs(target.rsplit("/", 1)[0])
            hdfs.move(self.client, source, target)
        self.client.delete(complete, recursive=True)
