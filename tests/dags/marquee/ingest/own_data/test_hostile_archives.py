"""Test archives that are made to hurt: each is refused in a sentence, within bounded memory and seconds."""

import bz2
import gzip
import io
import json
import lzma
import os
import resource
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shape_samples as samples
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.inspection.propose import propose
from marquee.ingest.reading.containers.opening import open_members

DAGS = Path(__file__).parents[5] / "dags"
MEMORY_BYTES = 900 << 20  # of addresses: numpy, pyarrow and their threads reserve most of it before a byte is read
SECONDS = 60
MEBIBYTE = b"0" * (1 << 20)


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))


def inspect(path: Path, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the program under limits of memory and of what it may write."""
    started = time.monotonic()
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "marquee.ingest.own_data",
            "--archive",
            str(path),
            *more,
            "--output",
            str(folder / "m.toml"),
        ],
        env={"PYTHONPATH": str(DAGS), "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert time.monotonic() - started < SECONDS
    return ended


def gzip_bomb(folder: Path) -> Path:
    path = folder / "ratings.csv.gz"
    with gzip.open(path, "wb", 9) as file:
        for _ in range(1024):
            file.write(MEBIBYTE)
    return path


def lines_bomb(folder: Path) -> Path:
    """Return a bomb whose lines are good rows, which no limit of a line stops."""
    path = folder / "ratings.csv.gz"
    with gzip.open(path, "wb", 9) as file:
        file.write(b"user_id,item_id,rating\n")
        for _ in range(200):
            file.write(b"1,1,5\n" * 180_000)
    return path


def xz_bomb(folder: Path) -> Path:
    packer = lzma.LZMACompressor()
    parts = [packer.compress(b"1,1,5\n" * 170_000) for _ in range(300)]
    path = folder / "ratings.csv.xz"
    path.write_bytes(b"".join(parts) + packer.flush())
    return path


def bzip2_bomb(folder: Path) -> Path:
    path = folder / "ratings.csv.bz2"
    packer = bz2.BZ2Compressor()
    path.write_bytes(b"".join(packer.compress(MEBIBYTE) for _ in range(100)) + packer.flush())
    return path


def zstd_bomb(folder: Path) -> Path:
    path = folder / "ratings.csv.zst"
    with pa.CompressedOutputStream(str(path), "zstd") as file:
        for _ in range(2000):
            file.write(MEBIBYTE)
    return path


def zip_bomb(folder: Path) -> Path:
    path = folder / "x.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("r.csv", "w") as file,
    ):
        for _ in range(512):
            file.write(MEBIBYTE)
    return path


def tar_bomb(folder: Path) -> Path:
    path = folder / "x.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("ratings.csv")
        info.size = 300 << 20
        archive.addfile(info, io.BytesIO(MEBIBYTE * 300))
    return path


def tar_with(folder: Path, name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Path:
    path = folder / "x.tar"
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        archive.addfile(info, io.BytesIO(b""))
    return path


def zip_with_link(folder: Path) -> Path:
    path = folder / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("ratings.csv")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return path


def folder_with_link(folder: Path) -> Path:
    (folder / "data").mkdir()
    (folder / "data" / "ratings.csv").symlink_to("/etc/passwd")
    return folder / "data"


def folder_with_linked_folder(folder: Path) -> Path:
    (folder / "data").mkdir()
    (folder / "data" / "etc").symlink_to("/etc")
    return folder / "data"


def encrypted_zip(folder: Path) -> Path:
    path = samples.zipped(folder / "x.zip", {"ratings.csv": b"a,b\n"})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    return path


def twice_in_zip(folder: Path) -> Path:
    path = folder / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ratings.csv", "user,item\n1,1\n")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("ratings.csv", "user,item\n2,2\n")
    return path


def twice_in_tar(folder: Path) -> Path:
    path = folder / "x.tar"
    with tarfile.open(path, "w") as archive:
        for content in (b"user,item\n1,1\n", b"user,item\n2,2\n"):
            info = tarfile.TarInfo("ratings.csv")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def million_columns(folder: Path) -> Path:
    path = folder / "wide.csv"
    path.write_bytes(b",".join(b"c%d" % n for n in range(1_000_000)) + b"\n" + b",".join([b"1"] * 1_000_000) + b"\n")
    return path


def million_keys(folder: Path) -> Path:
    path = folder / "wide.json"
    path.write_text("".join(json.dumps({f"k{n}_{i}": 1 for i in range(30)}) + "\n" for n in range(9000)))
    return path


def line_of_a_gigabyte(folder: Path) -> Path:
    path = folder / "ratings.csv"
    with path.open("wb") as file:
        file.write(b"user_id,item_id,rating\n")
        file.write(b"1,")
        file.truncate(1 << 30)
    return path


def text_line_of_a_gigabyte(folder: Path) -> Path:
    path = folder / "ratings.csv"
    with path.open("wb") as file:
        for _ in range(1024):
            file.write(MEBIBYTE)
    return path


def many_entries(folder: Path) -> Path:
    path = folder / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(10_001):
            archive.writestr(f"{number}.csv", "")
    return path


def truncated(folder: Path) -> Path:
    path = samples.gzipped(folder / "ratings.csv.gz", os.urandom(2 << 20))
    path.write_bytes(path.read_bytes()[: 1 << 20])
    return path


def damaged_zip(folder: Path) -> Path:
    path = samples.zipped(folder / "x.zip", {"ratings.csv": b"user,item,rating\n" + os.urandom(9999)})
    content = bytearray(path.read_bytes())
    content[500:520] = b"\0" * 20
    path.write_bytes(content)
    return path


def zip_in_zip(folder: Path) -> Path:
    inner = samples.zipped(folder / "inner.zip", {"ratings.csv": b"user,item\n1,1\n"}).read_bytes()
    return samples.zipped(folder / "outer.zip", {"inner.zip": inner})


def deep_json(folder: Path) -> Path:
    path = folder / "deep.json"
    path.write_text(('{"a":' * 50_000 + "1" + "}" * 50_000 + "\n") * 3)
    return path


HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "gzip bomb": (gzip_bomb, "times its packed size"),
    "gzip bomb of good rows": (lines_bomb, "times its packed size"),
    "xz bomb": (xz_bomb, "times its packed size"),
    "bzip2 bomb": (bzip2_bomb, "times its packed size"),
    "zstd bomb": (zstd_bomb, "times its packed size"),
    "zip bomb": (zip_bomb, "times its packed size"),
    "tar bomb": (tar_bomb, "times its packed size"),
    "path out of a zip": (lambda f: samples.zipped(f / "x.zip", {"../ratings.csv": b"a,b\n"}), "points outside"),
    "absolute path in a zip": (lambda f: samples.zipped(f / "x.zip", {"/etc/x.csv": b"a,b\n"}), "points outside"),
    "drive in a zip": (lambda f: samples.zipped(f / "x.zip", {"C:\\x.csv": b"a,b\n"}), "points outside"),
    "path out of a tar": (lambda f: tar_with(f, "../../ratings.csv"), "points outside"),
    "absolute path in a tar": (lambda f: tar_with(f, "/etc/x.csv"), "points outside"),
    "link in a zip": (zip_with_link, "is a symbolic link"),
    "link in a tar": (lambda f: tar_with(f, "x.csv", tarfile.SYMTYPE, "/etc/passwd"), "is a link or a device"),
    "hard link in a tar": (lambda f: tar_with(f, "x.csv", tarfile.LNKTYPE, "/etc/passwd"), "is a link or a device"),
    "device in a tar": (lambda f: tar_with(f, "x.csv", tarfile.CHRTYPE), "is a link or a device"),
    "link in a folder": (folder_with_link, "leads out of the folder"),
    "linked folder": (folder_with_linked_folder, "leads out of the folder"),
    "encrypted zip": (encrypted_zip, "is encrypted"),
    "one name twice in a zip": (twice_in_zip, "two files named"),
    "one name twice in a tar": (twice_in_tar, "two files named"),
    "a million columns": (million_columns, "over the limit of 10000"),
    "a million keys of JSON": (million_keys, "over the limit of 10000"),
    "a line of a gigabyte of zero bytes": (line_of_a_gigabyte, "No file has a user and an item"),
    "a line of a gigabyte": (text_line_of_a_gigabyte, "a line of over 8 MiB"),
    "ten thousand entries": (many_entries, "over the limit of 10000"),
    "a truncated file": (truncated, "is damaged"),
    "a damaged zip": (damaged_zip, "is damaged"),
    "a zip in a zip": (zip_in_zip, "holds the archive 'inner.zip'"),
    "JSON of fifty thousand levels": (deep_json, "No file has a user and an item"),
    "an empty file": (lambda f: samples.gzipped(f / "x.csv.gz", b""), "holds no file with content"),
    "random bytes": (lambda f: _bytes(f / "x.csv", os.urandom(1 << 20)), "No file has a user and an item"),
    "a named pipe": (lambda f: _pipe(f / "x.csv"), "neither a file nor a folder"),
    "nothing there": (lambda f: f / "none.csv", "There is no archive at"),
}


def _bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_in_a_sentence_within_bounded_memory(kind: str, tmp_path: Path) -> None:
    make, words = HOSTILE[kind]
    ended = inspect(make(tmp_path), tmp_path)
    assert words in ended.stderr
    assert ended.stderr.startswith("inspect: ")
    assert "Traceback" not in ended.stderr
    assert (ended.returncode, ended.stdout) == (1, "")


@pytest.mark.parametrize("at", range(4, 600, 40))
def test_damage_within_a_parquet_file_is_a_sentence(at: int, tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    rows = range(200)
    pq.write_table(pa.table({"user_id": [n % 9 for n in rows], "item_id": rows, "rating": [n % 5 for n in rows]}), path)
    content = path.read_bytes()
    path.write_bytes(content[:at] + b"\xff" * 30 + content[at + 30 :])
    with pytest.raises(IngestError, match=r"^r\.parquet cannot be read as Parquet \(.*\)\. Fetch it again\.$"):
        propose(open_members(path))


def test_a_column_of_nulls_has_no_role(tmp_path: Path) -> None:
    path = _bytes(tmp_path / "r.csv", b"user_id,time,item_id,rating\n" + b"1,,2,3\n2,,3,4\n" * 50)
    ended = inspect(path, tmp_path)
    assert ended.returncode == 0
    assert "time                     other   empty" in ended.stdout


def test_columns_of_one_name_are_read_by_number(tmp_path: Path) -> None:
    path = _bytes(tmp_path / "r.csv", b"user_id,item_id,rating,rating\n1,2,3,x\n2,3,4,x\n")
    ended = inspect(path, tmp_path)
    assert "the name 'rating' repeats, so the mapping has numbers" in ended.stdout
    assert "value = 3" in (tmp_path / "m.toml").read_text()
    again = inspect(path, tmp_path, "--mapping", str(tmp_path / "m.toml"))
    assert "Of 2 rows in the sample, 2 would be kept and 0 quarantined" in again.stdout
