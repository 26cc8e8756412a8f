"""Provide a double of hdfs.InsecureClient, over a dictionary, and zip files."""

from __future__ import annotations

import io
import zipfile
from contextlib import contextmanager

import pytest
from hdfs import HdfsError


class MemoryHdfs:
    """Hold files by path; a folder exists if it was made or has content."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.folders: set[str] = set()

    def status(self, path, strict=True):
        if path in self.files:
            return {"type": "FILE", "length": len(self.files[path])}
        if path in self.folders or any(name.startswith(path + "/") for name in self.files):
            return {"type": "DIRECTORY", "length": 0}
        assert not strict, path
        return None

    def list(self, path):
        under = [name[len(path) + 1 :] for name in (*self.files, *self.folders) if name.startswith(path + "/")]
        return sorted({name.split("/")[0] for name in under})

    def makedirs(self, path):
        self.folders.add(path)

    def write(self, path, data, permission):
        assert path not in self.files, path
        assert permission == "444", "a snapshot's files are read-only"
        self.files[path] = data if isinstance(data, bytes) else b"".join(data)

    @contextmanager
    def read(self, path):
        yield io.BytesIO(self.files[path])

    def delete(self, path, recursive=False):
        self.files = {name: data for name, data in self.files.items() if not (name + "/").startswith(path + "/")}
        self.folders = {name for name in self.folders if not (name + "/").startswith(path + "/")}

    def _rename(self, source, destination, renameoptions):
        assert renameoptions == "NONE", "without it HDFS moves the folder into one that exists"
        if self.status(destination, strict=False) is not None:
            raise HdfsError(f"{destination} already exists.")
        target = destination
        self.files = {
            target + name[len(source) :] if name.startswith(source + "/") else name: data
            for name, data in self.files.items()
        }
        if source in self.files:
            self.files[target] = self.files.pop(source)
        self.folders.discard(source)


@pytest.fixture
def memory_hdfs():
    return MemoryHdfs()


@pytest.fixture
def make_zip(tmp_path):
    """Return a function that writes a zip of {entry name: content}."""

    def make(entries: dict[str, bytes], name: str = "archive.zip"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for entry, content in entries.items():
                archive.writestr(entry, content)
        return path

    return make
