"""Ingest: bring a MovieLens data set from where it lies into an immutable, checksummed snapshot in HDFS.

Start reading at ``pipeline.ingest_dataset``; ``python -m ingest`` runs the same function by hand.
"""
