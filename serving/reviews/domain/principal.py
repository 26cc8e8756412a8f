"""Who asks: an account of the accounts service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Principal:
    """A signed-in account, as the accounts service describes it."""

    user_id: int
    name: str
    role: str

    @property
    def is_staff(self) -> bool:
        """Return whether the account may hide any review."""
        return self.role == "admin"
