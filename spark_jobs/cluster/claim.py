"""The claim of a task's try: while it exists, the try may leave something behind.

The task's process makes it, and a later try deletes it. dags/marquee/cluster/attempts.py describes the protocol.
"""

from __future__ import annotations

from pyspark.sql import SparkSession

from cluster.hadoop_files import HadoopFiles


def check_claim(spark: SparkSession, claim: str) -> None:
    """End the program if the claim is gone; an empty `claim` means that there is none.

    Files are fenced by the rename of the task's process. A model registry has no such step, so the program asks just
    before it registers a model.
    """
    if claim and not HadoopFiles(spark).exists(claim):
        raise SystemExit(
            f"{claim} is gone: this try was stopped, or a later one has begun. No model is registered. "
            "Look at the task's latest try."
        )
