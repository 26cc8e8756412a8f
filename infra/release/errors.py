"""What ends a release, a package or a deployment."""

from __future__ import annotations


class ReleaseError(Exception):
    """It can't go on; the message says what failed, why, and what to do next."""
