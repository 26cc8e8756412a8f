"""Test that ingest refuses bad archives and names the entry."""

from __future__ import annotations

import stat
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marquee.ingest.errors import IngestError
from marquee.ingest.sources import archive
from marquee.ingest.sources.archive import Folder, ZipArchive, open_source, refuse_unsafe_name


def test_an_archive_yields_its_files_by_base_name(make_zip):
    source = open_source(make_zip({"ml/ratings.csv": b"a\n", "ml/movies.csv": b"bb\n"}))
    assert source.names() == ["movies.csv", "ratings.csv"]
    assert source.size("movies.csv") == 3
    assert b"".join(source.read("ratings.csv")) == b"a\n"


@pytest.mark.parametrize("name", ["../evil.csv", "ml/../../evil.csv", "/etc/passwd", "..\\evil.csv", "C:\\evil.csv"])
def test_an_entry_that_points_outside_is_refused_by_name(make_zip, name):
    with pytest.raises(IngestError, match="points outside the archive"):
        ZipArchive(make_zip({name: b"x"}))


def test_a_zip_bomb_is_refused(make_zip):
    with pytest.raises(IngestError, match=r"'ml/ratings\.csv' unpacks to 20000000 bytes.*zip bomb"):
        ZipArchive(make_zip({"ml/ratings.csv": b"0" * 20_000_000}))


def test_a_truncated_archive_is_refused(make_zip):
    path = make_zip({"ml/ratings.csv": b"abc" * 1000})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(IngestError, match="truncated or not a zip file"):
        ZipArchive(path)


def test_an_entry_with_a_wrong_checksum_is_refused_by_name(make_zip):
    path = make_zip({"ml/ratings.csv": b"1,2,3\n"})
    content = bytearray(path.read_bytes())
    start = content.index(b"ratings.csv") + len(b"ratings.csv")
    content[start] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(IngestError, match=r"entry 'ml/ratings\.csv' is damaged"):
        list(ZipArchive(path).read("ratings.csv"))


def test_a_link_in_an_archive_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("ratings.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(IngestError, match="symbolic link"):
        ZipArchive(path)


def test_more_entries_or_bytes_than_any_movielens_archive_has_are_refused(make_zip, monkeypatch):
    path = make_zip({f"{number}.csv": b"12345" for number in range(4)})
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 19)
    with pytest.raises(IngestError, match=r"at entry '3\.csv' it unpacks to over 19 bytes"):
        ZipArchive(path)
    monkeypatch.setattr(archive, "MAX_ENTRIES", 3)
    with pytest.raises(IngestError, match="has 4 entries, over the limit of 3"):
        ZipArchive(path)


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_entry_whose_packing_is_broken_is_refused_by_name(tmp_path, packing):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", packing) as file:
        file.writestr("ml/ratings.csv", b"".join(b"%d,%d,3.5\n" % (n, n * n % 9973) for n in range(5000)))
    content = bytearray(path.read_bytes())
    start = content.index(b"ratings.csv") + len(b"ratings.csv")
    content[start + 500 : start + 540] = bytes(range(7, 47))
    path.write_bytes(content)
    with pytest.raises(IngestError, match=r"entry 'ml/ratings\.csv' is damaged"):
        list(ZipArchive(path).read("ratings.csv"))


def test_an_encrypted_entry_is_refused(make_zip):
    path = make_zip({"ml/ratings.csv": b"1,2,3\n"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(IngestError, match=r"entry 'ml/ratings\.csv' is encrypted"):
        ZipArchive(path)


def test_two_files_of_one_name_are_refused(make_zip):
    with pytest.raises(IngestError, match=r"two files named 'ratings\.csv'"):
        ZipArchive(make_zip({"a/ratings.csv": b"x", "b/ratings.csv": b"y"}))


def test_a_link_that_leads_out_of_a_folder_is_refused(tmp_path):
    folder = tmp_path / "ml"
    folder.mkdir()
    (tmp_path / "secret").write_text("s")
    (folder / "ratings.csv").symlink_to(tmp_path / "secret")
    with pytest.raises(IngestError, match="leads out of the folder"):
        Folder(folder)


def test_a_path_that_is_not_there_is_named(tmp_path):
    (tmp_path / "zero").symlink_to("/dev/zero")
    with pytest.raises(IngestError, match=r"zero is neither a file nor a folder"):
        open_source(tmp_path / "zero")
    with pytest.raises(IngestError, match=r"There is no archive at .*missing\.zip"):
        open_source(tmp_path / "missing.zip")


@given(st.lists(st.sampled_from(["a", "..", "b.csv", ".", ""]), min_size=1, max_size=6))
def test_no_accepted_name_climbs(tmp_path_factory, parts):
    name = "/".join(parts)
    try:
        refuse_unsafe_name(name, tmp_path_factory.getbasetemp())
    except IngestError:
        return
    assert ".." not in parts
    assert not name.startswith("/")
