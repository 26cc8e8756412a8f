"""Spark and HDFS: where the jobs run.

Session, files, tables of the warehouse, and training and list tables as Spark tasks.
"""
