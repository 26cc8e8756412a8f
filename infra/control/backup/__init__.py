"""Backs up what can't be computed again, and restores it: databases, NameNode metadata, publications, models, secrets.

HDFS's blocks are not in a backup, since they lie on several DataNodes already. A snapshot of HDFS keeps the blocks of the
backup's moment there, whatever is deleted or overwritten later. A restore loses what was written to HDFS after the backup,
and the next nightly run computes it again.
"""
