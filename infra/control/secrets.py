"""The instance's secrets: each is one file that only its owner can read."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from infra.control.settings import Settings, SettingsError


def token() -> str:
    """Return a new random password."""
    return secrets.token_urlsafe(24)


def fernet_key() -> str:
    """Return a new key of the form that Airflow encrypts connections with."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def secret(settings: Settings, name: str, chosen: str = "", make: Callable[[], str] = token) -> str:
    """Return the chosen secret, else the one that this instance keeps.

    The instance's secret is made at its first use. Raises SettingsError if its file is empty.
    """
    if chosen:
        return chosen
    path = settings.instance / "secrets" / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        private_write(path, make())
    kept = path.read_text(encoding="utf-8").strip()
    if not kept:
        raise SettingsError(
            f"{path} is empty. Put the secret back from a backup, or delete the file: a new secret is then made."
        )
    return kept


def private_write(path: Path, text: str) -> None:
    """Write a file that may hold a password: only its owner can read it.

    The file is replaced as a whole, so that a full disk leaves the old one as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
