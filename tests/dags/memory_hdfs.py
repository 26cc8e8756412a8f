"""A double of the hdfs client with HDFS's rules for parents and renames."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hdfs import HdfsError


class MemoryHdfs:
    """Folders and files by path; a folder's content is None.

    `before_change` is called before each call that changes something, with its name and its first path.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, bytes | None] = {"/": None}
        self.before_change: Callable[[str, str], None] = lambda name, path: None

    def files(self, below: str = "/") -> dict[str, str]:
        """Return the content of all files below a folder, by path."""
        prefix = below.rstrip("/") + "/"
        found = sorted((path, content) for path, content in self.nodes.items() if path.startswith(prefix))
        return {path: content.decode() for path, content in found if content is not None}

    def put(self, path: str, text: str) -> None:
        """Write a file as a program does: without a try's knowledge."""
        self._parents(path)
        self.nodes[path] = text.encode()

    def status(self, path: str, strict: bool = True) -> dict[str, Any] | None:
        if path in self.nodes:
            return {"type": "DIRECTORY" if self.nodes[path] is None else "FILE"}
        if strict:
            raise HdfsError(f"{path} does not exist.")
        return None

    def list(self, path: str, status: bool = False) -> Any:
        self.status(path)
        names = sorted(name[len(path) + 1 :] for name in self.nodes if name.rpartition("/")[0] == path)
        return [(name, {"modificationTime": 1}) for name in names] if status else names

    def content(self, path: str) -> dict[str, int]:
        found = self.files(path)
        return {"length": sum(map(len, found.values())), "fileCount": len(found)}

    def delete(self, path: str, recursive: bool = False) -> None:
        self.before_change("delete", path)
        self.nodes = {name: node for name, node in self.nodes.items() if not (name + "/").startswith(path + "/")}

    def makedirs(self, path: str) -> None:
        self.before_change("makedirs", path)
        self._parents(f"{path}/x")

    def _rename(self, source: str, destination: str, renameoptions: str) -> None:
        self.before_change("rename", source)
        assert renameoptions == "NONE", "without it HDFS moves the source into a folder that exists"
        parent = destination.rpartition("/")[0]
        if source not in self.nodes or parent not in self.nodes or destination in self.nodes:
            raise HdfsError(f"{source} cannot become {destination}.")
        moved = {name for name in self.nodes if (name + "/").startswith(source + "/")}
        self.nodes |= {destination + name[len(source) :]: self.nodes[name] for name in moved}
        self.nodes = {name: node for name, node in self.nodes.items() if name not in moved}

    def write(self, path: str, data: str, encoding: str = "utf-8", overwrite: bool = False) -> None:
        self.before_change("write", path)
        if path in self.nodes and not overwrite:
            raise HdfsError(f"{path} exists.")
        self.put(path, data)

    @contextmanager
    def read(self, path: str, encoding: str = "utf-8") -> Any:
        self.status(path)
        yield io.StringIO((self.nodes[path] or b"").decode(encoding))

    def upload(self, path: str, source: str) -> None:
        self.write(path, Path(source).read_text())

    def download(self, path: str, target: str) -> None:
        if not self.files(path):
            raise HdfsError(f"No files to download found inside {path!r}.")
        # The real client refuses a target whose folder is not there.
        Path(target).mkdir()
        for name, text in self.files(path).items():
            Path(target, name.rpartition("/")[2]).write_text(text)

    def _parents(self, path: str) -> None:
        parts = path.split("/")[1:-1]
        for end in range(1, len(parts) + 1):
            self.nodes.setdefault("/" + "/".join(parts[:end]), None)
