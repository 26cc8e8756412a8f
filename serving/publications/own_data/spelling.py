"""Spell ids so that an own id and an id of the accounts service never read alike.

An account's id is ``account:1000000001``. An own id is spelled as it is. Only one that would read as an account's, such as
``account:5``, gets a tilde in front; so does one that would read as such a spelling, such as ``~account:5``.
"""

from __future__ import annotations

import re
from typing import Final

from serving.publications.format import MAX_ID

FIRST_ACCOUNT_NUMBER: Final = 1_000_000_000
_ACCOUNT: Final = re.compile(r"account:([0-9]{1,10})")
_LIKE_AN_ACCOUNT: Final = re.compile(r"~*account:[0-9]+")


def spelled_account(number: int) -> str:
    """Return the id of a user or movie of the accounts service."""
    return f"account:{number}"


def number_of_account(shown: str) -> int | None:
    """Return the number of an id of the accounts service; None for other ids."""
    match = _ACCOUNT.fullmatch(shown)
    number = int(match[1]) if match else 0
    return number if FIRST_ACCOUNT_NUMBER < number <= MAX_ID else None


def spelled(own_id: str) -> str:
    """Return an own id as it is shown."""
    return f"~{own_id}" if _LIKE_AN_ACCOUNT.fullmatch(own_id) else own_id


def own_id_of(shown: str) -> str:
    """Return the own id that is shown so; other texts stay as they are."""
    return shown[1:] if shown.startswith("~") and _LIKE_AN_ACCOUNT.fullmatch(shown) else shown
