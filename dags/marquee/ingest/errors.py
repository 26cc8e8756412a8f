"""Define the one error that ingest raises on purpose."""

from __future__ import annotations


class IngestError(Exception):
    """Refuse a source or a stored snapshot.

    The message says what is wrong, why, and what to do next.
    """
