"""Test the same rows out of every container and encoding that people send."""

import codecs
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import shape_samples as samples
from conftest import Read, rows_by
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.inspection.propose import propose
from marquee.ingest.reading.containers.opening import open_members
from marquee.ingest.reading.mapping.reading import parse_mapping

TEXT = "user_id,item_id,rating\nu1,café,4\nu2,i2,5\nu3,i3,1\n"
ROWS = [("u1", "café", "4", "", ""), ("u2", "i2", "5", "", ""), ("u3", "i3", "1", "", "")]
CONTENT = TEXT.encode()


def in_a_folder(folder: Path) -> Path:
    (folder / "data" / "inner").mkdir(parents=True)
    (folder / "data" / "inner" / "ratings.csv").write_bytes(CONTENT)
    (folder / "data" / ".DS_Store").write_bytes(b"\0\0")
    return folder / "data"


def zip_in_a_folder(folder: Path) -> Path:
    samples.zipped(folder / "data" / "set.zip", {"ratings.csv": CONTENT})
    return folder / "data"


def from_macos(folder: Path) -> Path:
    return samples.zipped(
        folder / "mac.zip", {"set/ratings.csv": CONTENT, "__MACOSX/set/._ratings.csv": b"\0\5", "set/.DS_Store": b"\0"}
    )


def from_windows(folder: Path) -> Path:
    path = folder / "windows.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = "자료\\ratings.csv".encode("cp949").decode("cp437")
        archive.writestr(info, CONTENT)
        archive.writestr("Thumbs.db", b"\0")
    return path


def gzip_in_zip(folder: Path) -> Path:
    import gzip

    return samples.zipped(folder / "x.zip", {"ratings.csv.gz": gzip.compress(CONTENT)})


def two_xz_streams(folder: Path) -> Path:
    half = len(CONTENT) // 2
    path = folder / "ratings.csv.xz"
    path.write_bytes(lzma.compress(CONTENT[:half]) + lzma.compress(CONTENT[half:]))
    return path


CONTAINERS: dict[str, Callable[[Path], Path]] = {
    "a folder in a folder": in_a_folder,
    "zip": lambda folder: samples.zipped(folder / "x.zip", {"set/ratings.csv": CONTENT}),
    "zip in a folder": zip_in_a_folder,
    "zip from macOS": from_macos,
    "zip from a Korean Windows": from_windows,
    "gzip in zip": gzip_in_zip,
    "gzip": lambda folder: samples.gzipped(folder / "ratings.csv.gz", CONTENT),
    "gzip by another name": lambda folder: samples.gzipped(folder / "ratings.csv", CONTENT),
    "xz": lambda folder: samples.xz_packed(folder / "ratings.csv.xz", CONTENT),
    "two streams of xz": two_xz_streams,
    "zstd": lambda folder: samples.zstd_packed(folder / "ratings.csv.zst", CONTENT),
    "tar": lambda folder: samples.tarred(folder / "x.tar", {"set/ratings.csv": CONTENT}, ""),
    "tar.gz": lambda folder: samples.tarred(folder / "x.tar.gz", {"./set/ratings.csv": CONTENT}, "gz"),
    "tar.xz": lambda folder: samples.tarred(folder / "x.tar.xz", {"set/ratings.csv": CONTENT}, "xz"),
    "tgz": lambda folder: samples.tarred(folder / "x.tgz", {"set/ratings.csv": CONTENT}, "gz"),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_rows(container: str, tmp_path: Path, proposed_rows: Read) -> None:
    mapping, rows, rejected = proposed_rows(CONTAINERS[container](tmp_path))
    assert (rows, rejected) == (ROWS, [])
    assert mapping.ratings.files == ("ratings.csv" if container != "x" else "")


def test_parts_of_a_folder_are_one_table_in_the_order_of_their_names(tmp_path: Path, proposed_rows: Read) -> None:
    for number in range(12):
        (tmp_path / f"part-{number:05}.csv").write_text(
            f"user_id,item_id,rating\nu{number},i{number},{number % 5 + 1}\n"
        )
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".part-00000.csv.crc").write_bytes(b"crc")
    mapping, rows, rejected = proposed_rows(tmp_path)
    assert mapping.ratings.files == "part-*.csv"
    assert [row[:3] for row in rows] == [(f"u{n}", f"i{n}", str(n % 5 + 1)) for n in range(12)]
    assert rejected == []


def test_parts_of_parquet_are_one_table(tmp_path: Path, proposed_rows: Read) -> None:
    for number in range(2):
        samples.parquet(tmp_path / f"part-{number}.snappy.parquet")
    _, rows, _ = proposed_rows(tmp_path)
    assert [row[0] for row in rows] == ["c-1", "c-2", "c-2"] * 2


@pytest.mark.parametrize(
    ("encoding", "title", "found", "sure"),
    [
        ("utf-8", "기생충", "utf-8", True),
        ("utf-8-sig", "기생충", "utf-8-sig", True),
        ("utf-16", "기생충", "utf-16", True),
        ("utf-32", "기생충", "utf-32", True),
        ("utf-16-le", "Amelie", "utf-16-le", False),
        ("utf-16-be", "Amelie", "utf-16-be", False),
        ("cp949", "기생충 그리고 살인의 추억", "cp949", False),
        ("latin-1", "Le Fabuleux destin d'Amélie Poulain", "latin_1", False),
        ("cp1252", "It\u2019s a Wonderful Life \u2013 café", "cp1252", False),
    ],
)
def test_encodings_are_found_and_said(
    encoding: str, title: str, found: str, sure: bool, tmp_path: Path, proposed_rows: Read
) -> None:
    lines = [f"u{number},{title} {number},{number % 5 + 1}" for number in range(40)]
    (tmp_path / "ratings.csv").write_bytes("\n".join(["user_id,item_id,rating", *lines, ""]).encode(encoding))
    mapping, rows, rejected = proposed_rows(tmp_path)
    assert codecs.lookup(mapping.ratings.encoding).name == codecs.lookup(found).name
    assert rows[39][:3] == ("u39", f"{title} 39", "5")
    assert rejected == []
    guessed = propose(open_members(tmp_path)).guessed
    assert (("ratings", "encoding") not in guessed) is sure


def test_a_guessed_encoding_can_be_overruled(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_bytes("user_id,item_id,rating\nu1,\u0416\u0443\u043a,4\n".encode("cp1251"))
    mapping = (
        '[ratings]\nfiles = "ratings.csv"\nencoding = "{}"\n[ratings.columns]\nuser = "user_id"\nitem = "item_id"\n'
    )
    for encoding, item in (("cp1251", "Жук"), ("latin-1", "Æóê")):
        rows, _ = rows_by(tmp_path, parse_mapping(mapping.format(encoding), "mapping.toml"))
        assert rows[0][1] == item


def test_a_row_that_the_encoding_cannot_read_is_rejected_alone(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_bytes(b"user_id,item_id,rating\nu1,i1,4\nu2,i\xff2,4\nu3,i3,4\n")
    mapping = parse_mapping(
        '[ratings]\nfiles = "ratings.csv"\n[ratings.columns]\nuser = "user_id"\nitem = "item_id"\n', "mapping.toml"
    )
    rows, rejected = rows_by(tmp_path, mapping)
    assert [row[0] for row in rows] == ["u1", "u3"]
    assert rejected == [(3, "not_in_encoding")]


def test_what_holds_no_ratings_is_refused_with_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("colour,size\nred,1\nblue,2\n")
    with pytest.raises(
        IngestError, match=r"No file has a user and an item in each row. Found: notes.csv \(colour, size\)"
    ):
        propose(open_members(tmp_path))
