import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

SPARK_JOBS = Path(__file__).resolve().parents[2] / "spark_jobs"

# BLAS threads only get in one another's way on matrices of this size.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# It says at the process's end that it closes its connection, to a stream that pytest has closed.
logging.getLogger("py4j").setLevel(logging.WARNING)


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="package")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    folder = tmp_path_factory.mktemp("spark")
    # The workers of a local session are forked without pytest's import roots.
    before = {name: os.environ.get(name) for name in ("PYTHONPATH", "PYSPARK_PYTHON", "SPARK_CONF_DIR")}
    os.environ |= {"PYTHONPATH": str(SPARK_JOBS), "PYSPARK_PYTHON": sys.executable, "SPARK_CONF_DIR": str(folder)}
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "512m")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "3")
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .getOrCreate()
    )
    yield session
    session.stop()
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
