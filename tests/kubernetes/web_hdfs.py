"""HDFS as the tests' cluster sees it: WebHDFS's operations over a folder. It runs in a pod, and HDFS is outside the project.

python3 web_hdfs.py FOLDER PORT. A redirect leads to the address that the client used, as to a DataNode.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ROOT = Path()
PREFIX = "/webhdfs/v1"


class WebHdfs(BaseHTTPRequestHandler):
    """MKDIRS, CREATE, RENAME, DELETE, LISTSTATUS and OPEN."""

    def operation(self) -> tuple[str, Path, dict[str, str]]:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return query.get("op", ""), ROOT / parts.path.removeprefix(PREFIX).lstrip("/"), query

    def do_GET(self) -> None:
        operation, path, query = self.operation()
        if operation == "LISTSTATUS" and path.is_dir():
            found = [
                {"pathSuffix": p.name, "type": "DIRECTORY" if p.is_dir() else "FILE", "length": p.stat().st_size}
                for p in path.iterdir()
            ]
            self.answer(200, json.dumps({"FileStatuses": {"FileStatus": found}}).encode())
        elif operation == "OPEN" and path.is_file() and "data" in query:
            self.send_response(200)
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            with path.open("rb") as file:
                shutil.copyfileobj(file, self.wfile)
        elif operation == "OPEN" and path.is_file():
            self.redirect()
        else:
            self.answer(404, json.dumps({"RemoteException": {"message": f"{path} does not exist"}}).encode())

    def do_PUT(self) -> None:
        operation, path, query = self.operation()
        if operation == "MKDIRS":
            path.mkdir(parents=True, exist_ok=True)
            self.answer(200, b'{"boolean":true}')
        elif operation == "RENAME":
            target = ROOT / query["destination"].lstrip("/")
            try:
                os.link(path, target)
                path.unlink()
            except OSError:
                self.answer(200, b'{"boolean":false}')
            else:
                self.answer(200, b'{"boolean":true}')
        elif "data" not in query:
            self.redirect()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(201, b"")

    def do_DELETE(self) -> None:
        self.operation()[1].unlink()
        self.answer(200, b'{"boolean":true}')

    def redirect(self) -> None:
        self.send_response(307)
        self.send_header("Location", f"http://{self.headers['Host']}{self.path}&data=true")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    ROOT = Path(sys.argv[1])
    ThreadingHTTPServer(("0.0.0.0", int(sys.argv[2])), WebHdfs).serve_forever()
