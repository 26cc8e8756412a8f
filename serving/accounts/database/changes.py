"""The change clock, which numbers every change that an export shows."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import func, literal, update
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.models import ChangeClock


@dataclass(frozen=True)
class Change:
    """A numbered change: its number and its moment in Unix seconds."""

    number: int
    moment: int


def now() -> int:
    """Return the time in Unix seconds."""
    return int(time.time())


def next_change(database: DatabaseSession) -> Change:
    """Return the next change, numbered by the clock.

    Call it first in a transaction. Other transactions that change something wait until this one ends.
    """
    current = literal(now())
    is_sqlite = database.get_bind().dialect.name == "sqlite"
    # The machine's clock may go back, the moment of changes never does.
    moment = func.max(ChangeClock.moment, current) if is_sqlite else func.greatest(ChangeClock.moment, current)
    statement = update(ChangeClock).values(value=ChangeClock.value + 1, moment=moment)
    number, at = database.execute(statement.returning(ChangeClock.value, ChangeClock.moment)).one()
    return Change(number, at)
