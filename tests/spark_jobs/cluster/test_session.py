import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cluster.session import SPARK_JOBS, zip_packages


def test_the_packages_travel_in_one_archive_of_the_same_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    for name in ("program.py", "notes/readme.py", "b/__init__.py", "b/table.txt", "a/deep/part.py", "a/__init__.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\n")
    first = zip_packages(folder, tmp_path / "first.zip")
    assert zipfile.ZipFile(first).namelist() == ["a/__init__.py", "a/deep/part.py", "b/__init__.py"]
    assert zipfile.ZipFile(first).read("a/deep/part.py") == b"# a/deep/part.py\n"
    moved = shutil.copytree(folder, tmp_path / "elsewhere", copy_function=shutil.copy)
    (moved / "a" / "__init__.py").chmod(0o600)
    assert zip_packages(moved, tmp_path / "second.zip").read_bytes() == first.read_bytes()


def test_the_archive_of_the_jobs_holds_their_packages_and_no_program(tmp_path: Path) -> None:
    names = zipfile.ZipFile(zip_packages(SPARK_JOBS, tmp_path / "jobs.zip")).namelist()
    packages = {"recommender", "cluster", "evaluation", "promotion", "cleaning", "scoring"}
    assert {name.split("/")[0] for name in names} == packages
    assert "recommender/published/user_lists.py" in names


@pytest.mark.spark
def test_a_program_by_hand_gives_its_code_to_executors_in_processes_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,2,3.5,1000000000\n1,2,4.0,1000000001\n")
    shutil.copytree(SPARK_JOBS, tmp_path / "jobs", ignore=shutil.ignore_patterns("__pycache__"))
    # No import root of pytest's, no --py-files, and a working folder from which no package could be imported.
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SPARK_HOME")}
    environment |= {"PYSPARK_PYTHON": sys.executable, "SPARK_CONF_DIR": str(tmp_path), "SPARK_LOCAL_IP": "127.0.0.1"}
    environment |= {"SPARK_WORKER_DIR": str(tmp_path / "work"), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("spark-submit")), "--master", "local-cluster[1,1,512]"),
            *("--conf", "spark.executor.memory=512m", "--conf", "spark.ui.enabled=false"),
            *(str(tmp_path / "jobs" / "clean_ratings.py"), f"file://{tmp_path}/ratings.csv"),
            *("--output-dir", f"file://{tmp_path}/clean"),
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = "".join(part.read_text() for part in sorted((tmp_path / "clean").glob("part-*")))
    assert sorted(line.split("\t")[0] for line in rows.splitlines()) == ["clean", "superseded"]
    # The archive is gone with the program.
    assert list(tmp_path.glob("marquee-spark-jobs-*")) == []
