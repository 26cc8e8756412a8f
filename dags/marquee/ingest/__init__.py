"""Bring a MovieLens data set into an immutable, checksummed snapshot in HDFS.

``marquee.ingest.pipeline.ingest`` does it; ``python -m marquee.ingest`` runs it by hand.
"""
