"""The Spark session of a job, with this folder's packages on its executors.

spark-submit and spark-defaults.conf decide where the job runs. The job ships its own code, so that it needs no --py-files: the session
packs all packages into one archive, because YARN takes about a second for each file.
"""

from __future__ import annotations

import atexit
import ctypes
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from pyspark.sql import SparkSession

SPARK_JOBS = Path(__file__).resolve().parents[1]
# Not spark_jobs.zip, which a --py-files by hand may be called: Spark refuses two files of one name.
ARCHIVE = "marquee_spark_jobs.zip"
# Python workers of Linux keep what they free, up to 512 MB, and take large arrays from it. Otherwise the kernel gives and clears new pages
# for each of them, which is a fifth of the processor time of making lists.
_MEMORY_IS_KEPT = {"MALLOC_MMAP_THRESHOLD_": str(1 << 29), "MALLOC_TRIM_THRESHOLD_": str(1 << 29)}
# The driver holds few and large arrays, for as long as its longest task: glibc's M_MMAP_THRESHOLD, which gives back freed arrays of this
# many bytes and more. Otherwise it learns to keep what a gram matrix of 288 MB was made of.
_MMAP_THRESHOLD, _GIVEN_BACK = -3, 4 << 20
# The earliest time that a zip archive can hold.
_TIME = (1980, 1, 1, 0, 0, 0)


def start_session(name: str, *, hive: bool = True) -> SparkSession:
    """Return the session, whose executors can import this folder's packages."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # glibc has it, and other C libraries give back by themselves
        libc.mallopt(_MMAP_THRESHOLD, _GIVEN_BACK)
    builder = SparkSession.builder.appName(name)
    for name_of, value in _MEMORY_IS_KEPT.items():
        builder = builder.config(f"spark.executorEnv.{name_of}", value)
    if hive:
        builder = builder.enableHiveSupport()
    spark = builder.getOrCreate()
    # Spark hands this archive on with each function, so it must be there before the first function is used.
    spark.sparkContext.addPyFile(str(_archive()))
    # Rows pass between the JVM and pandas as Arrow columns. Otherwise they are pickled one by one.
    spark.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    return spark


@cache
def _archive() -> Path:
    """Return the archive of the packages.

    Executors fetch it from here, so it exists until this process ends.
    """
    folder = Path(tempfile.mkdtemp(prefix="marquee-spark-jobs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return zip_packages(SPARK_JOBS, folder / ARCHIVE)


def zip_packages(folder: Path, archive: Path) -> Path:
    """Write the folder's packages into an archive, and return its path.

    Only their Python files are written. The same files give the same bytes: names are sorted, times and modes are
    fixed. Files outside packages are left out.
    """
    packages = [init.parent for init in folder.glob("*/__init__.py")]
    return write_archive(folder, (file for package in packages for file in package.rglob("*.py")), archive)


def write_archive(folder: Path, files: Iterable[Path], archive: Path) -> Path:
    """Write files below a folder into an archive, and return its path."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(file.relative_to(folder).as_posix() for file in files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, (folder / name).read_bytes(), zipfile.ZIP_DEFLATED)
    return archive
