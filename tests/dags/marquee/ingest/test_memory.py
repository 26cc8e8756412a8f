"""Test that ingest reads a source that is larger than its memory."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np

MEBIBYTE = 1 << 20
SOURCE_MEBIBYTES = 224
SPARE_MEBIBYTES = 32

# Runs in a process of its own, which may take SPARE_MEBIBYTES more than it has when ingest starts.
INGEST = """
import resource, sys
from pathlib import Path
from marquee.ingest.pipeline import ingest

class Counted:
    '''Takes a snapshot and keeps nothing of it but the number of bytes by name.'''
    sizes = {}
    def status(self, path, strict=True):
        return {"length": self.sizes[path]} if path in self.sizes else None
    def delete(self, path, recursive): pass
    def makedirs(self, path): pass
    def list(self, path): return []
    def _rename(self, source, destination, renameoptions): pass
    def write(self, path, data, permission):
        self.sizes[path] = len(data) if isinstance(data, bytes) else sum(len(chunk) for chunk in data)

archive, spare = Path(sys.argv[1]), int(sys.argv[2])
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + spare,) * 2)
if archive.name == "whole":
    archive.with_name("ratings.csv").read_bytes()
ingest(Counted(), dataset="ml-latest", batch_id="20261123T190000", cache_dir=Path("."), archive=archive)
print(max(Counted.sizes.values()))
"""


def rows() -> bytes:
    """One MiB of ratings, cut at the end of a row."""
    generator = np.random.default_rng(7)
    users, movies, times = (generator.integers(1, top, 45_000).tolist() for top in (10**5, 10**5, 10**9))
    text = "".join(
        f"{user},{movie},3.5,{time + 10**9}\n" for user, movie, time in zip(users, movies, times, strict=True)
    )
    return text.encode()[:MEBIBYTE].rpartition(b"\n")[0] + b"\n"


def run(archive: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", INGEST, str(archive), str(SPARE_MEBIBYTES * MEBIBYTE)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[4] / "dags"), "OPENBLAS_NUM_THREADS": "1"},
    )


def write_in_chunks(file, chunk: bytes) -> int:
    header = b"userId,movieId,rating,timestamp\n"
    file.write(header)
    for _ in range(SOURCE_MEBIBYTES):
        file.write(chunk)
    return len(header) + SOURCE_MEBIBYTES * len(chunk)


def test_a_zip_of_seven_times_the_memory_is_stored(tmp_path):
    path = tmp_path / "ml-latest.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("ml-latest/movies.csv", "movieId,title,genres\n1,A,B\n")
        with archive.open("ml-latest/ratings.csv", "w") as file:
            size = write_in_chunks(file, rows())
    ended = run(path)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) == size


def test_a_folder_of_seven_times_the_memory_is_stored_and_the_limit_does_bite(tmp_path):
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n1,A,B\n")
    with (tmp_path / "ratings.csv").open("wb") as file:
        size = write_in_chunks(file, rows())
    ended = run(tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) == size
    assert "MemoryError" in run(tmp_path / "whole").stderr
