"""Principals, and what each may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SCOPES: Final = {
    "movies:write": "Add, change and withdraw movies.",
    "ratings:read": "Read everybody's ratings, by change.",
    "users:read": "See which accounts there are.",
}


@dataclass(frozen=True)
class Principal:
    """A user (with role) or a client (with scopes), and the session of its request."""

    session_id: str
    user_id: int | None
    role: str | None
    scopes: frozenset[str]
    client_id: str | None = None

    @property
    def is_admin(self) -> bool:
        """Return whether the principal is an administrator."""
        return self.role == "admin"


@dataclass(frozen=True)
class Access:
    """Who may call an endpoint: everybody, or any of the others that are True."""

    meaning: str
    everybody: bool = False
    user: bool = False
    owner: bool = False
    admin: bool = False
    scope: str | None = None

    def allows(self, who: Principal, owner: int | None) -> bool:
        """Return whether a principal may call an endpoint.

        `owner` is the user that the address names.
        """
        return (
            (self.user and who.user_id is not None)
            or (self.owner and who.user_id is not None and who.user_id == owner)
            or (self.admin and who.is_admin)
            or (self.scope is not None and self.scope in who.scopes)
        )


EVERYBODY: Final = Access("Everybody.", everybody=True)
USER: Final = Access("Who is signed in.", user=True)
OWNER: Final = Access("The user that the address names.", owner=True)
OWNER_OR_ADMIN: Final = Access("The user that the address names, and administrators.", owner=True, admin=True)
ADMIN: Final = Access("Administrators.", admin=True)
ADMIN_OR_MOVIES: Final = Access("Administrators, and clients of scope movies:write.", admin=True, scope="movies:write")
ADMIN_OR_USERS: Final = Access("Administrators, and clients of scope users:read.", admin=True, scope="users:read")
ADMIN_OR_RATINGS: Final = Access("Administrators, and clients of scope ratings:read.", admin=True, scope="ratings:read")
