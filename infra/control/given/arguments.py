"""Checks the arguments of make's targets before anything is done with them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.control.given.kinds import Setting, checked


def _read_table() -> dict[str, Setting]:
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {name: Setting.from_row(name, "", {"default": "", **row}) for name, row in rows.items()}


TABLE = _read_table()


def check_arguments(words: Sequence[str], environ: Mapping[str, str]) -> None:
    """Check arguments of make, whose values the environment holds.

    An empty value counts as not given. A word is an argument's name, or NAME=VARIABLE where its value comes in another
    variable. Raises SettingsError for a value that is not allowed.
    """
    for word in words:
        name, _, variable = word.partition("=")
        if value := environ.get(variable or name):
            checked(TABLE[name], value, "the command")
