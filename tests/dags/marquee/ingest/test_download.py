"""Test downloads from a small web server with the faults of real ones."""

from __future__ import annotations

import hashlib
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from marquee.ingest import datasets, progress
from marquee.ingest.datasets import Dataset
from marquee.ingest.errors import IngestError
from marquee.ingest.sources import download
from marquee.ingest.sources.download import download_archive

CONTENT = bytes(range(256)) * 5000
NEWER = bytes(reversed(range(256))) * 5000


class Archives(BaseHTTPRequestHandler):
    """Serve ``server.content`` as /a.zip, as the server's attributes say."""

    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.requests.append((self.path, asked))
        content = self.server.content
        if self.path.endswith(".md5"):
            self.answer(200, f"{hashlib.md5(content).hexdigest()}  a.zip\n".encode())
            return
        if self.path != "/a.zip":
            self.send_error(404)
            return
        if self.server.failures:
            self.server.failures -= 1
            self.send_error(503)
            return
        start = int(asked[6:-1]) if asked and self.server.ranges else 0
        if self.headers.get("If-Range", self.tag()) != self.tag():
            start = 0
        if start >= len(content):
            self.send_error(416)
            return
        body = content[start:]
        shown = start + self.server.shift
        breaks = bool(self.server.breaks)
        self.server.breaks = self.server.breaks[1:]
        headers = {"ETag": self.tag()} | ({"Content-Range": f"bytes {shown}-/{len(content)}"} if start else {})
        self.answer(206 if start else 200, body, sent=body[: len(body) // 2] if breaks else body, **headers)

    def tag(self):
        return f'"{hashlib.md5(self.server.content).hexdigest()}"'

    def answer(self, status, body, sent=None, **headers):
        self.send_response(status)
        if self.server.announces:
            self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if sent is None else sent)
        self.close_connection = True

    def log_message(self, *arguments):
        """Keep quiet."""


@pytest.fixture
def server(monkeypatch):
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Archives)
    httpd.requests, httpd.content = [], CONTENT
    httpd.breaks, httpd.failures, httpd.ranges, httpd.announces, httpd.shift = [], 0, True, True, 0
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setattr(datasets, "OFFICIAL_ADDRESS", f"http://127.0.0.1:{httpd.server_port}/")
    monkeypatch.setattr(download, "SECONDS_BEFORE_RETRY", 0.001)
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def pinned(content=CONTENT):
    return Dataset("ml-test", "movielens-csv", "a.zip", sha256=hashlib.sha256(content).hexdigest())


def ranges_asked(server):
    return [asked for _, asked in server.requests]


def download_half(server, tmp_path):
    """A run that ends after the connection broke off in the middle."""
    server.breaks = [1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download, "ATTEMPTS", 1)
        with pytest.raises(IngestError, match=r"cannot be fetched \(the connection ended early\)\. Run again to cont"):
            download_archive(pinned(), tmp_path)


def test_a_download_that_breaks_off_is_continued_where_it_stopped(server, tmp_path):
    server.breaks = [1, 1]
    path = download_archive(pinned(), tmp_path)
    assert path.read_bytes() == CONTENT
    assert ranges_asked(server) == [None, "bytes=640000-", "bytes=960000-"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_later_run_continues_what_an_earlier_one_left(server, tmp_path):
    download_half(server, tmp_path)
    assert (tmp_path / "a.zip.part").stat().st_size == 640000
    assert download_archive(pinned(), tmp_path).read_bytes() == CONTENT
    assert ranges_asked(server) == [None, "bytes=640000-"]


def test_a_server_without_ranges_sends_all_of_it_again(server, tmp_path):
    server.ranges, server.breaks = False, [1, 1]
    assert download_archive(pinned(), tmp_path).read_bytes() == CONTENT
    assert ranges_asked(server) == [None, "bytes=640000-", "bytes=640000-"]


def test_a_server_without_ranges_that_always_breaks_off_is_given_up(server, tmp_path):
    server.ranges, server.breaks = False, [1] * 100
    with pytest.raises(IngestError, match=r"a\.zip cannot be fetched \(the connection ended early\)"):
        download_archive(pinned(), tmp_path)
    assert len(server.requests) == download.ATTEMPTS


def test_a_file_that_changes_between_two_attempts_is_fetched_from_the_beginning(server, tmp_path):
    download_half(server, tmp_path)
    server.content = NEWER
    assert download_archive(pinned(NEWER), tmp_path).read_bytes() == NEWER
    assert ranges_asked(server) == [None, "bytes=640000-"]


def test_a_server_that_sends_another_part_than_the_one_asked_for_is_not_believed(server, tmp_path):
    server.breaks, server.shift = [1], 7
    with pytest.raises(IngestError, match="sends from byte 640007, but the request was for 640000"):
        download_archive(pinned(), tmp_path)


def test_a_part_that_is_whole_already_is_used(server, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT)
    assert download_archive(pinned(), tmp_path).read_bytes() == CONTENT


def test_an_answer_without_a_length_that_breaks_off_is_found_by_its_checksum(server, tmp_path):
    server.announces, server.breaks = False, [1]
    with pytest.raises(IngestError, match=r"Ingest deleted it\. Run again"):
        download_archive(pinned(), tmp_path)
    assert download_archive(pinned(), tmp_path).read_bytes() == CONTENT


def test_a_server_that_is_down_for_a_moment_is_asked_again(server, tmp_path):
    server.failures = download.ATTEMPTS - 1
    assert download_archive(pinned(), tmp_path).read_bytes() == CONTENT
    server.failures = download.ATTEMPTS
    with pytest.raises(IngestError, match=r"cannot be fetched \(HTTP Error 503: Service Unavailable\)"):
        download_archive(pinned(), tmp_path / "other")


def test_progress_counts_what_came_before_the_break(server, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    monkeypatch.setattr(download, "CHUNK_BYTES", 320000)
    server.breaks = [1]
    with caplog.at_level(logging.INFO):
        download_archive(pinned(), tmp_path)
    shares = [record.message.rsplit(": ", 1)[1] for record in caplog.records if "MiB" in record.message]
    assert shares == [
        "0.3 MiB of 1.2 (25 %)",
        "0.6 MiB of 1.2 (50 %)",
        "0.9 MiB of 1.2 (75 %)",
        "1.2 MiB of 1.2 (100 %)",
    ]


def test_a_checked_download_is_not_fetched_again(server, tmp_path):
    download_archive(pinned(), tmp_path)
    download_archive(pinned(), tmp_path)
    assert len(server.requests) == 1


def test_a_kept_archive_that_the_official_checksum_no_longer_fits_is_fetched_again(server, tmp_path):
    latest = Dataset("ml-test", "movielens-csv", "a.zip")
    download_archive(latest, tmp_path)
    server.content = NEWER
    assert download_archive(latest, tmp_path).read_bytes() == NEWER


def test_without_a_pin_the_official_md5_is_asked_for(server, tmp_path):
    assert download_archive(Dataset("ml-test", "movielens-csv", "a.zip"), tmp_path).read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == ["/a.zip.md5", "/a.zip"]


def test_a_download_with_a_wrong_checksum_is_deleted(server, tmp_path):
    with pytest.raises(IngestError, match=f"expected {'0' * 64}"):
        download_archive(Dataset("ml-test", "movielens-csv", "a.zip", sha256="0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_not_there_is_named(server, tmp_path):
    with pytest.raises(IngestError, match=r"missing\.zip answers 404"):
        download_archive(Dataset("ml-test", "movielens-csv", "missing.zip", md5="0" * 32), tmp_path)
