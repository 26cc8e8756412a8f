"""Download an archive from its official address, resume it, check it before use."""

from __future__ import annotations

import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from marquee.ingest.datasets import Dataset
from marquee.ingest.errors import IngestError
from marquee.ingest.progress import with_progress
from marquee.ingest.reading.limits import CHUNK_BYTES
from marquee.ingest.sources.checksums import file_checksum

LOGGER = logging.getLogger(__name__)
TIMEOUT_SECONDS = 60
ATTEMPTS = 4
SECONDS_BEFORE_RETRY = 1.0


def download_archive(dataset: Dataset, cache_dir: Path) -> Path:
    """Return the path of the archive in ``cache_dir``; download it if it is missing.

    The function keeps a partial download as ``<archive>.part``, and the next call continues it. If the server's file
    has changed since, the next call starts from the beginning. The function deletes an archive with a wrong checksum,
    so that nothing uses or continues it. Raise IngestError with the address.
    """
    if dataset.archive is None or dataset.address is None:
        raise IngestError(f"The data set {dataset.name} has no official archive. Give one with --archive.")
    cache_dir.mkdir(parents=True, exist_ok=True)
    target = cache_dir / dataset.archive
    algorithm, expected = _expected_checksum(dataset)
    if target.exists():
        if file_checksum(target, algorithm) == expected:
            LOGGER.info("%s is already downloaded", target)
            return target
        LOGGER.info("%s is not the official release; downloading it again", target)
        target.unlink()
    partial = target.with_name(target.name + ".part")
    _fetch(dataset.address, partial)
    version_of(partial).unlink(missing_ok=True)
    found = file_checksum(partial, algorithm)
    if found != expected:
        partial.unlink()
        raise IngestError(
            f"{dataset.address} came with {algorithm} {found}, expected {expected}. Ingest deleted it. Run again.",
            may_pass=True,
        )
    partial.rename(target)
    return target


def check_local_archive(dataset: Dataset, path: Path) -> None:
    """Raise IngestError if ``path`` is not the archive that ``dataset`` pins.

    A data set without a pinned checksum accepts every archive.
    """
    for algorithm, expected in (("sha256", dataset.sha256), ("md5", dataset.md5)):
        if expected is not None:
            found = file_checksum(path, algorithm)
            if found != expected:
                raise IngestError(
                    f"{path} has {algorithm} {found}, but {dataset.name} is pinned to {expected}. Fetch it again, "
                    "or use --dataset ml-latest for another release in that layout."
                )


def _expected_checksum(dataset: Dataset) -> tuple[str, str]:
    if dataset.sha256 is not None:
        return "sha256", dataset.sha256
    if dataset.md5 is not None:
        return "md5", dataset.md5
    address = f"{dataset.address}.md5"
    try:
        with _open(address, 0) as response:
            text = response.read(4096).decode("ascii", "replace")
    except OSError as error:
        raise IngestError(f"The checksum {address} cannot be fetched ({error}). Run again.", may_pass=True) from error
    match = re.search(r"\b[0-9a-f]{32}\b", text)
    if match is None:
        raise IngestError(f"{address} holds no MD5 checksum. Give the archive with --archive.", may_pass=True)
    return "md5", match.group()


def _open(address: str, start: int, version: str | None = None) -> HTTPResponse:
    """Request ``address`` from byte ``start``, or from 0 if ``version`` has changed."""
    if not address.startswith(("https://", "http://")):
        raise IngestError(f"{address} is not an HTTP address. Ingest downloads only from those.")
    headers = {"Range": f"bytes={start}-"} if start else {}
    if start and version:
        headers["If-Range"] = version
    request = urllib.request.Request(address, headers=headers)  # noqa: S310
    response: HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310
    return response


def _fetch(address: str, partial: Path) -> None:
    """Download the rest of ``partial``; only attempts without progress count."""
    failures = 0
    while True:
        start = partial.stat().st_size if partial.exists() else 0
        try:
            if _fetch_from(address, partial, start):
                return
            reason = "the connection ended early"
        except urllib.error.HTTPError as error:
            if (
                error.code == 416
            ):  # no bytes left: the part is complete or of another release, as its checksum will show
                return
            if error.code < 500:
                raise IngestError(
                    f"{address} answers {error.code} {error.reason}. Give --archive.", may_pass=error.code in (408, 429)
                ) from error
            reason = str(error)
        except (OSError, HTTPException) as error:
            reason = str(error)
        gained = (partial.stat().st_size if partial.exists() else 0) > start
        failures = 1 if gained else failures + 1
        if failures >= ATTEMPTS:
            raise IngestError(
                f"{address} cannot be fetched ({reason}). Run again to continue the download, or give --archive.",
                may_pass=True,
            )
        LOGGER.warning("%s: %s; continuing", address, reason)
        time.sleep(SECONDS_BEFORE_RETRY * 2 ** (failures - 1))


def _fetch_from(address: str, partial: Path, start: int) -> bool:
    """Append the bytes from ``start`` on; return whether all announced bytes came.

    A server without ranges, or with a newer file, sends the file from the beginning.
    """
    version_file = version_of(partial)
    version = version_file.read_text(encoding="utf-8") if version_file.exists() else None
    with _open(address, start, version) as response:
        sent_from = _first_byte(response)
        if sent_from not in (0, start):
            raise IngestError(
                f"{address} sends from byte {sent_from}, but the request was for {start}. Give --archive.",
                may_pass=True,
            )
        length = response.headers.get("Content-Length")
        announced = int(length) if length is not None else None
        received = 0
        total = None if announced is None else sent_from + announced
        with partial.open("ab" if sent_from else "wb") as file:
            if sent_from == 0:  # the file holds nothing of an earlier version now
                version_file.write_text(_version(response), encoding="utf-8")
            for chunk in with_progress(_chunks(response), f"Downloading {address}", total, already=sent_from):
                file.write(chunk)
                received += len(chunk)
    return announced is None or received == announced


def version_of(partial: Path) -> Path:
    """Return the file that holds the server's name for the version of ``partial``."""
    return partial.with_name(partial.name + ".version")


def _version(response: HTTPResponse) -> str:
    """Return a value for If-Range: a strong entity tag, the file's date, or nothing."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _first_byte(response: HTTPResponse) -> int:
    """Return the position in the file of a response's first byte."""
    if response.status != 206:
        return 0
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else -1


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    while chunk := response.read(CHUNK_BYTES):
        yield chunk
