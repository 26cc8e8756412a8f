"""Fetch rows that are no local files: of a database, of HDFS, of storage like S3."""
