"""Downloads, against a small web server in this process."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ingest import datasets
from ingest.datasets import CSV, Dataset
from ingest.download import download_archive
from ingest.errors import IngestError

CONTENT = bytes(range(256)) * 5000


class Archives(BaseHTTPRequestHandler):
    """Serves CONTENT with ranges; breaks off the first answers after ``server.breaks`` says so."""

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        if self.path.endswith(".md5"):
            body = f"{hashlib.md5(CONTENT).hexdigest()}  a.zip\n".encode()
            start = 0
        elif self.path == "/a.zip":
            start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
            body = CONTENT[start:]
        else:
            self.send_error(404)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.breaks and not self.path.endswith(".md5"):
            self.server.breaks -= 1
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Keep quiet."""


@pytest.fixture
def server(monkeypatch):
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Archives)
    httpd.requests, httpd.breaks = [], 0
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    monkeypatch.setattr(datasets, "OFFICIAL_ADDRESS", f"http://127.0.0.1:{httpd.server_port}/")
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def pinned(sha256=None):
    return Dataset("ml-test", CSV, "a.zip", sha256=sha256)


def test_a_download_that_breaks_off_is_continued_where_it_stopped(server, tmp_path):
    server.breaks = 2
    path = download_archive(pinned(hashlib.sha256(CONTENT).hexdigest()), tmp_path)
    assert path.read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == [None, "bytes=640000-", "bytes=960000-"]


def test_a_checked_download_is_not_fetched_again(server, tmp_path):
    dataset = pinned(hashlib.sha256(CONTENT).hexdigest())
    download_archive(dataset, tmp_path)
    download_archive(dataset, tmp_path)
    assert len(server.requests) == 1


def test_without_a_pin_the_official_md5_is_asked_for(server, tmp_path):
    assert download_archive(pinned(), tmp_path).read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == ["/a.zip.md5", "/a.zip"]


def test_a_download_with_a_wrong_checksum_is_deleted(server, tmp_path):
    with pytest.raises(IngestError, match=f"expected {'0' * 64}"):
        download_archive(pinned("0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_not_there_is_named(server, tmp_path):
    with pytest.raises(IngestError, match=r"missing\.zip answers 404"):
        download_archive(Dataset("ml-test", CSV, "missing.zip", md5="0" * 32), tmp_path)
