"""Fetch the files of a folder in HDFS, or in storage like S3, as a folder that the reader of own data reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.fs as storage
from hdfs import InsecureClient
from hdfs.util import HdfsError

from marquee.ingest.connections import Connection
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.sources.address import Address
from marquee.ingest.own_data.sources.rows_file import digest_of
from marquee.ingest.progress import with_progress
from marquee.ingest.reading.containers.members import is_ballast, refuse_unsafe_name
from marquee.ingest.reading.limits import CHUNK_BYTES, MAX_ENTRIES, MAX_TOTAL_BYTES

# By path in the folder: path in the storage, length, time of the last change.
Listing = dict[str, tuple[str, int, object]]


class Storage:
    """List and read the files of a storage."""

    def listing(self, path: str) -> Listing:
        """Return the files below a path, or the one at it."""
        raise NotImplementedError

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield a file's bytes."""
        raise NotImplementedError


class S3Storage(Storage):
    """Read storage like S3 by a connection of Airflow, of the kind aws."""

    def __init__(self, connection: Connection | None) -> None:
        """Take the credentials and the endpoint from the connection."""
        given: dict[str, Any] = {"request_timeout": 60, "connect_timeout": 15}
        if connection is not None:
            extra = connection.extra
            chosen = {
                "access_key": connection.login,
                "secret_key": connection.password,
                "session_token": extra.get("aws_session_token"),
                "region": extra.get("region_name"),
                "role_arn": extra.get("role_arn"),
                "endpoint_override": extra.get("endpoint_url"),
            }
            given |= {name: str(value) for name, value in chosen.items() if value}
        self._files = storage.S3FileSystem(**given)

    def listing(self, path: str) -> Listing:
        """Return the objects below a prefix, or the one of that name."""
        one = self._files.get_file_info(path)
        found = [one]
        if one.type == storage.FileType.Directory:
            found = self._files.get_file_info(storage.FileSelector(path, recursive=True))
        return {
            info.path.removeprefix(path).strip("/") or info.base_name: (info.path, info.size, info.mtime_ns)
            for info in found
            if info.type == storage.FileType.File
        }

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield an object's bytes."""
        with self._files.open_input_stream(path) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk


class HdfsStorage(Storage):
    """Read HDFS by WebHDFS."""

    def __init__(self, client: InsecureClient) -> None:
        """Take a client."""
        self._client = client

    def listing(self, path: str) -> Listing:
        """Return the files below a folder, or the one at the path."""
        status = self._client.status(path, strict=False)
        if status is None:
            return {}
        if status["type"] == "FILE":
            return {PurePosixPath(path).name: (path, status["length"], status.get("modificationTime"))}
        found: Listing = {}
        for name in self._client.list(path):
            below = f"{path.rstrip('/')}/{name}"
            is_folder = self._client.status(below)["type"] == "DIRECTORY"
            for inner, facts in self.listing(below).items():
                found[f"{name}/{inner}" if is_folder else name] = facts
        return found

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield a file's bytes."""
        with self._client.read(path) as reader:
            while chunk := reader.read(CHUNK_BYTES):
                yield chunk


def fetch_objects(
    files: Storage, address: Address, folder: Path, choose: Callable[[Listing], Listing] = lambda listing: listing
) -> str:
    """Copy the files of an address into ``folder``; return one digest of them.

    ``choose`` says which of them. Raise IngestError if there are none, too many, or if one changed meanwhile.
    """
    with _errors(address):
        listing = _listed(files, address)
        chosen = choose(listing)
        for name, (path, size, _) in sorted(chosen.items()):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                for chunk in with_progress(files.chunks(path), f"Fetching {name} of {address}", size):
                    file.write(chunk)
            if target.stat().st_size != size:
                raise _changed(address, name)
        after = _listed(files, address)
    if after != listing:
        raise _changed(address, min(name for name in {*after, *listing} if after.get(name) != listing.get(name)))
    return digest_of((name, folder / name) for name in chosen)


def _listed(files: Storage, address: Address) -> Listing:
    listing = {name: facts for name, facts in files.listing(address.path).items() if not is_ballast(name)}
    if not listing:
        raise IngestError(f"{address} holds no file. Check the bucket or folder that SOURCE names.")
    total = sum(size for _, size, _ in listing.values())
    if len(listing) > MAX_ENTRIES or total > MAX_TOTAL_BYTES:
        raise IngestError(
            f"{address} holds {len(listing)} files of {total >> 20} MiB. The limits are {MAX_ENTRIES} files and "
            f"{MAX_TOTAL_BYTES >> 30} GiB. Name a smaller folder."
        )
    for name in listing:
        refuse_unsafe_name(name, str(address))
    return listing


def _changed(address: Address, name: str) -> IngestError:
    return IngestError(
        f"{name[:200]} in {address} changed while it was read. Nothing was stored. Run again when nothing writes there.",
        may_pass=True,
    )


@contextmanager
def _errors(address: Address) -> Iterator[None]:
    try:
        yield
    except HdfsError as error:
        raise IngestError(
            f"{address} cannot be read: {str(error).splitlines()[0]}. Check SOURCE.", may_pass=True
        ) from error
    except (pa.ArrowException, OSError) as error:
        said = " ".join(str(error).split())[:300]
        for_good = "ACCESS_DENIED" in said or "INVALID_ACCESS_KEY" in said or "SIGNATURE" in said or "NO_SUCH" in said
        raise IngestError(
            f"{address} cannot be read: {said}. Check SOURCE, and the connection's login and endpoint_url.",
            may_pass=not for_good,
        ) from error
