"""New accounts of the running stack."""

import secrets

import httpx


def signed_in(gateway: str) -> dict[str, str]:
    """Return the header of a new account."""
    login = {"name": f"Reviewer {secrets.token_hex(4)}", "password": secrets.token_urlsafe(12)}
    assert httpx.post(f"{gateway}/accounts/v1/users", json=login).status_code == 201
    token = httpx.post(f"{gateway}/accounts/v1/login", json=login).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}
