"""Which users' ratings an export has, and whether it may be kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

_USER: Final = re.compile(rb"^(\d+),", re.MULTILINE)


def naming_others_than(known: Collection[int]) -> Callable[[Path], str | None]:
    """Return a function that says why an export with other users may not be kept."""
    users = set(known)
    return lambda export: None if users_of(export) <= users else "it has ratings of an account that is deleted"


def users_of(export: Path) -> set[int]:
    """Return the users whose ratings an export has, also where it is not whole."""
    ratings = export / "ratings.csv"
    return {int(user) for user in _USER.findall(ratings.read_bytes())} if ratings.exists() else set()
