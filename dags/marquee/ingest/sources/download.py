"""Fetching an archive from its official address: streamed, resumed where it broke off, checked before use."""

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
from marquee.ingest.sources.archive import CHUNK_BYTES, file_checksum

LOGGER = logging.getLogger(__name__)
TIMEOUT_SECONDS = 60
ATTEMPTS = 4
SECONDS_BEFORE_RETRY = 1.0


def download_archive(dataset: Dataset, cache_dir: Path) -> Path:
    """Return the path of the data set's archive in ``cache_dir``, fetching it where it is not there yet.

    A partial download is kept as ``<archive>.part`` and continued by the next call, unless the server's file has
    changed since: then it is fetched from the beginning. An archive that fails its
    checksum is deleted, so that it cannot be used or continued. Raises IngestError naming the address.
    """
    if dataset.archive is None or dataset.address is None:
        raise IngestError(f"The data set {dataset.name} has no official archive; give one with --archive.")
    cache_dir.mkdir(parents=True, exist_ok=True)
    target = cache_dir / dataset.archive
    algorithm, expected = _expected_checksum(dataset)
    if target.exists():
        if file_checksum(target, algorithm) == expected:
            LOGGER.info("%s is already downloaded", target)
            return target
        LOGGER.info("%s is another release than the official one; it is fetched again", target)
        target.unlink()
    partial = target.with_name(target.name + ".part")
    _fetch(dataset.address, partial)
    version_of(partial).unlink(missing_ok=True)
    found = file_checksum(partial, algorithm)
    if found != expected:
        partial.unlink()
        raise IngestError(
            f"{dataset.address} came with {algorithm} {found}, expected {expected}; it was deleted, try again."
        )
    partial.rename(target)
    return target


def check_local_archive(dataset: Dataset, path: Path) -> None:
    """Raise IngestError where ``path`` is not the archive that ``dataset`` pins; unpinned sets are not checked."""
    for algorithm, expected in (("sha256", dataset.sha256), ("md5", dataset.md5)):
        if expected is not None:
            found = file_checksum(path, algorithm)
            if found != expected:
                raise IngestError(
                    f"{path} has {algorithm} {found}, but {dataset.name} is pinned to {expected}; fetch it again, "
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
        raise IngestError(f"The checksum {address} cannot be fetched ({error}); try again.") from error
    match = re.search(r"\b[0-9a-f]{32}\b", text)
    if match is None:
        raise IngestError(f"{address} holds no MD5 checksum; give the archive with --archive.")
    return "md5", match.group()


def _open(address: str, start: int, version: str | None = None) -> HTTPResponse:
    """Ask for ``address`` from byte ``start`` on, provided that it is still ``version``, else from the beginning."""
    if not address.startswith(("https://", "http://")):
        raise IngestError(f"{address} is no http address; only those are fetched.")
    headers = {"Range": f"bytes={start}-"} if start else {}
    if start and version:
        headers["If-Range"] = version
    request = urllib.request.Request(address, headers=headers)  # noqa: S310
    response: HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310
    return response


def _fetch(address: str, partial: Path) -> None:
    """Bring ``partial`` to full length, continuing it; each attempt that gained nothing counts towards the limit."""
    failures = 0
    while True:
        start = partial.stat().st_size if partial.exists() else 0
        try:
            if _fetch_from(address, partial, start):
                return
            reason = "the connection ended early"
        except urllib.error.HTTPError as error:
            if error.code == 416:  # nothing left to send: the part is whole, or of another release; the checksum tells
                return
            if error.code < 500:
                raise IngestError(f"{address} answers {error.code} {error.reason}; give --archive.") from error
            reason = str(error)
        except (OSError, HTTPException) as error:
            reason = str(error)
        gained = (partial.stat().st_size if partial.exists() else 0) > start
        failures = 1 if gained else failures + 1
        if failures >= ATTEMPTS:
            raise IngestError(
                f"{address} cannot be fetched ({reason}); run again to continue where it stopped, or give --archive."
            )
        LOGGER.warning("%s: %s; continuing", address, reason)
        time.sleep(SECONDS_BEFORE_RETRY * 2 ** (failures - 1))


def _fetch_from(address: str, partial: Path, start: int) -> bool:
    """Append what the server sends from byte ``start`` on; return whether all that it announced has come.

    A server that knows no ranges, or whose file is another one by now, sends it from the beginning.
    """
    version_file = version_of(partial)
    version = version_file.read_text(encoding="utf-8") if version_file.exists() else None
    with _open(address, start, version) as response:
        sent_from = _first_byte(response)
        if sent_from not in (0, start):
            raise IngestError(f"{address} sends from byte {sent_from} where {start} was asked for; give --archive.")
        length = response.headers.get("Content-Length")
        announced = int(length) if length is not None else None
        received = 0
        total = None if announced is None else sent_from + announced
        with partial.open("ab" if sent_from else "wb") as file:
            if sent_from == 0:  # now that nothing is left of an earlier version
                version_file.write_text(_version(response), encoding="utf-8")
            for chunk in with_progress(_chunks(response), f"Downloading {address}", total, already=sent_from):
                file.write(chunk)
                received += len(chunk)
    return announced is None or received == announced


def version_of(partial: Path) -> Path:
    """Return where the server's name for the version that ``partial`` belongs to is kept."""
    return partial.with_name(partial.name + ".version")


def _version(response: HTTPResponse) -> str:
    """Return what If-Range accepts: a strong entity tag, else the date of the file, else nothing."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _first_byte(response: HTTPResponse) -> int:
    """Return the position in the file of the first byte of an answer."""
    if response.status != 206:
        return 0
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else -1


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    while chunk := response.read(CHUNK_BYTES):
        yield chunk
