"""Ingest: bring a MovieLens data set from where it lies into an immutable, checksummed snapshot in HDFS.

``ingest`` does it; ``python -m ingest`` runs it by hand.
"""

from ingest.errors import IngestError
from ingest.pipeline import ingest

__all__ = ["IngestError", "ingest"]
