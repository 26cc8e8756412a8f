"""Which exports are kept: the newest ones, and none that is out of date.

An export carries rows to one batch's snapshot, which then has them for good. Without an export, a rerun of the batch
makes it again from the rows of now.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

KEPT: Final = 14
_BATCH: Final = re.compile(r"[0-9]{8}T[0-9]{6}")
# What a killed program left: an export half written or half removed, and the files that ingest joins to a snapshot.
_LEFT_BEHIND: Final = re.compile(r"\.[0-9]{8}T[0-9]{6}\.(partial|removed)|\.joining-.*")
# Longer than any task runs: a younger folder may be in use.
_IN_USE_SECONDS: Final = 86_400


def drop_exports(output: Path, own: str, fault_of: Callable[[Path], str | None], keep: int) -> dict[str, str]:
    """Remove exports beyond the newest, and those that `fault_of` gives a reason for.

    `keep` exports stay: that of the batch `own`, and the newest of the others. Return why each was removed, by batch. The
    caller holds the folder's lock. A removed export leaves its name at once, so that a killed run leaves no half of one.
    """
    for folder in list(output.iterdir()):
        young = folder.name.startswith(".joining-") and folder.stat().st_mtime > time.time() - _IN_USE_SECONDS
        if _LEFT_BEHIND.fullmatch(folder.name) and not young:
            shutil.rmtree(folder)
    present = sorted((folder.name for folder in output.iterdir() if _BATCH.fullmatch(folder.name)), reverse=True)
    others = [batch for batch in present if batch != own]
    reasons = dict.fromkeys(others[keep - 1 :], f"only {keep} exports are kept")
    for batch in present:
        if batch not in reasons and (fault := fault_of(output / batch)):
            reasons[batch] = fault
    for batch in reasons:
        removed = output / f".{batch}.removed"
        (output / batch).rename(removed)
        shutil.rmtree(removed)
    return reasons
