"""The one error that ingest raises on purpose."""

from __future__ import annotations


class IngestError(Exception):
    """The source, or what is already stored, cannot be accepted; the message says what is wrong and what to do."""
