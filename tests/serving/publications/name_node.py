"""A NameNode and its DataNode on a free port of the loopback address, with the operations that serving calls."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from unittest import mock
from urllib.parse import parse_qs, urlsplit

from tests.local_server import local_server


class NameNode(BaseHTTPRequestHandler):
    """Answers OPEN as HDFS does.

    The NameNode redirects, and the DataNode sends the file. A missing file is a RemoteException.
    """

    files: dict[str, bytes]
    users: list[str]
    # The bytes of a file after which the DataNode ends the connection.
    cut_at: int | None = None
    read_only = False

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        self.users.append(query["user.name"][0])
        if query["op"] == ["LISTSTATUS"]:
            folder = parts.path.removeprefix("/webhdfs/v1") + "/"
            names = [path.removeprefix(folder) for path in self.files if path.startswith(folder)]
            if names:
                found = [
                    {"pathSuffix": name, "type": "FILE", "length": len(self.files[folder + name])} for name in names
                ]
                self.answer(200, json.dumps({"FileStatuses": {"FileStatus": found}}).encode())
                return
        content = self.files.get(parts.path.removeprefix("/webhdfs/v1").removeprefix("/datanode"))
        if content is None:
            error = {"RemoteException": {"message": "File does not exist\nat org.apache.hadoop"}}
            self.answer(404, json.dumps(error).encode())
        elif parts.path.startswith("/datanode"):
            self.answer(200, content)
        else:
            self.send_response(307)
            port = self.server.server_address[1]
            path = parts.path.removeprefix("/webhdfs/v1")
            self.send_header("Location", f"http://127.0.0.1:{port}/datanode{path}?{parts.query}")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def do_PUT(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        self.users.append(query["user.name"][0])
        path = parts.path.removeprefix("/webhdfs/v1").removeprefix("/datanode")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.read_only:
            self.answer(403, json.dumps({"RemoteException": {"message": "Permission denied"}}).encode())
        elif query["op"] == ["RENAME"]:
            (target,) = query["destination"]
            free = target not in self.files
            if free:
                self.files[target] = self.files.pop(path)
            self.answer(200, json.dumps({"boolean": free}).encode())
        elif query["op"] == ["MKDIRS"]:
            self.answer(200, b'{"boolean":true}')
        elif parts.path.startswith("/datanode"):
            self.files[path] = body
            self.answer(201, b"")
        else:
            self.send_response(307)
            port = self.server.server_address[1]
            self.send_header("Location", f"http://127.0.0.1:{port}/datanode{path}?{parts.query}")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def do_DELETE(self) -> None:
        del self.files[urlsplit(self.path).path.removeprefix("/webhdfs/v1")]
        self.answer(200, b'{"boolean":true}')

    def answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.cut_at] if self.path.startswith("/datanode") else content)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def name_node() -> Iterator[str]:
    """Serve NameNode.files and yield the address."""
    NameNode.users, NameNode.cut_at, NameNode.read_only = [], None, False
    with local_server(NameNode) as address:
        yield address


@contextmanager
def breaking_at_read(number: int) -> Iterator[None]:
    """Break the connection at the client's read of this number, from 1, of a body."""
    read, reads = http.client.HTTPResponse.read, 0

    def broken(response: http.client.HTTPResponse, size: int | None = None) -> bytes:
        nonlocal reads
        reads += size is not None  # a redirect is read whole
        if reads == number:
            raise ConnectionResetError(104, "Connection reset by peer")
        return read(response, size)

    with mock.patch.object(http.client.HTTPResponse, "read", broken):
        yield
