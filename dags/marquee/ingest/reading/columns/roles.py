"""Give each column of a table its role, and say which roles are guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from marquee.ingest.reading.columns.names import WEIGHTS, plain, words_of
from marquee.ingest.reading.columns.profiles import Column

MOST_EVENTS = 30


@dataclass(frozen=True)
class Role:
    """Hold a column's role and whether it is sure; ``why`` says what speaks for it."""

    column: Column
    sure: bool
    why: str


def find_roles(columns: list[Column]) -> dict[str, Role]:
    """Return the column of each role that the table has."""
    free = [column for column in columns if column.present and not column.is_index]
    roles: dict[str, Role] = {}
    for role in ("user", "item", "value", "time", "event", "title", "genres", "year"):
        named = sorted(
            (column for column in free if column.known_as and column.known_as[0] == role),
            key=lambda column: (column.share_missing > 0.5, column.known_as[1] if column.known_as else 0),
        )
        fitting = [column for column in named if FITS[role](column)]
        if fitting:
            chosen = fitting[0]
            roles[role] = Role(chosen, sure=True, why="its name and its values")
            free.remove(chosen)
    if not any(column.known_as for column in columns):
        # A list of words with a heading has two columns too; pairs of ids without one are pairs.
        if len(free) > 2 or all(column.name.isdecimal() for column in columns):
            _by_values(free, roles)
    else:
        _by_partial_names(free, roles)
    return roles


def _is_value(column: Column) -> bool:
    return column.share_numbers >= 0.5


def _is_event(column: Column) -> bool:
    return 1 <= column.distinct <= MOST_EVENTS and column.share_numbers < 0.5 and column.share_missing < 0.1


def _has_names_of_events(column: Column) -> bool:
    """Return whether words are those of shops and players, or few enough."""
    words = {plain(value) for value in column.present}
    return bool(words & WEIGHTS.keys()) or column.distinct * 50 <= len(column.present)


def _is_year(column: Column) -> bool:
    return column.share_numbers >= 0.5 or column.unit is not None


FITS: dict[str, Callable[[Column], bool]] = {
    "user": lambda column: True,
    "item": lambda column: True,
    "value": _is_value,
    "time": lambda column: column.unit is not None,
    "event": _is_event,
    "title": lambda column: column.share_numbers < 0.9,
    "genres": lambda column: column.share_numbers < 0.9,
    "year": _is_year,
}


def _by_partial_names(free: list[Column], roles: dict[str, Role]) -> None:
    """Guess from parts of unusual names, such as `cust_no`."""
    parts = {
        "user": ("user", "cust", "member", "visitor", "client", "reviewer", "person", "account"),
        "item": (
            "item",
            "movie",
            "film",
            "book",
            "product",
            "prod",
            "video",
            "game",
            "song",
            "artist",
            "article",
            "sku",
        ),
        "value": ("rating", "score", "star", "vote"),
        "time": ("time", "date"),
    }
    for role, words in parts.items():
        if role in roles:
            continue
        for column in free:
            if words_of(column.name) & set(words) and FITS[role](column):
                roles[role] = Role(column, sure=False, why=f"its name has to do with {role}")
                free.remove(column)
                break


def _by_values(free: list[Column], roles: dict[str, Role]) -> None:
    """Guess from values alone, for a file without names."""
    varying = [column for column in free if column.distinct > 1 or len(column.values) < 3]

    def take(role: str, column: Column, why: str) -> None:
        roles[role] = Role(column, sure=False, why=why)
        varying.remove(column)

    timed = [column for column in varying if column.unit is not None]
    if timed:
        take("time", timed[0], "its values are times")
    # A user and an item come first in nearly all files without a header.
    ids = [column for column in varying if column.place < len(varying) + 2]
    if ids:
        take("user", ids[0], "it is the first column")
    numbers = [column for column in varying if _is_value(column)]
    events = [column for column in varying if _is_event(column) and _has_names_of_events(column)]
    if events and len(varying) > 1:
        take("event", min(events, key=lambda column: column.distinct), "it has few different words")
    others = [column for column in varying if column not in numbers[-1:] or len(varying) == 1]
    if others:
        complete = [column for column in others if column.share_missing < 0.01] or others
        take("item", complete[0], "it is the first of the others")
    numbers = [column for column in varying if _is_value(column)]
    if numbers:
        take("value", numbers[0], "its values are numbers")
