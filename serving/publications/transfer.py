"""Copy a publication from HDFS (WebHDFS over HTTP), an S3-like store or a folder into a store, verified on the way."""

from __future__ import annotations

import http.client
import json
import shutil
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from serving.publications.durable_files import fsync_folder, locked, write_new_file
from serving.publications.format import MANIFEST_NAME, PublicationError, check_publication_id
from serving.publications.manifest import Manifest
from serving.publications.object_store import SCHEME, ObjectFolder
from serving.publications.store import Change, PublicationStore

_WEBHDFS_PREFIX = "/webhdfs/v1"
_DEFAULT_HDFS_FOLDER = "/marquee/publications"
_CHUNK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 60.0
# A proxy of the machine does not know the platform's hosts.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# A manifest is some kilobytes of lineage. Larger content is not a manifest.
_MAX_MANIFEST_BYTES = 16 << 20
_MAX_LISTING_BYTES = 16 << 20


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class FolderSource:
    """A publication in a local folder.

    Its files are in `<folder>/<id>/`, or in the folder itself as build writes them.
    """

    def __init__(self, folder: Path, publication: str) -> None:
        nested = folder / publication
        self.folder = nested if nested.is_dir() else folder

    @contextmanager
    def open(self, name: str) -> Iterator[_Readable]:
        """Open one of the publication's files.

        Raises PublicationError if it cannot be read.
        """
        path = self.folder / name
        try:
            file = path.open("rb")
        except OSError as error:
            raise PublicationError(f"{path} cannot be read: {error.strerror}. Build the publication first.") from None
        with file:
            yield file


def web_hdfs_address(url: str, default_folder: str) -> str:
    """Return the WebHDFS address of a NameNode's folder.

    `url` is an http address with or without the folder.
    """
    parts = urllib.parse.urlsplit(url)
    folder = parts.path.rstrip("/").removeprefix(_WEBHDFS_PREFIX) or default_folder
    return f"{parts.scheme}://{parts.netloc}{_WEBHDFS_PREFIX}{folder}"


class WebHdfsSource:
    """The files of one folder in HDFS, read over WebHDFS.

    The NameNode answers OPEN with a redirect to a DataNode.
    """

    def __init__(self, address: str, user: str) -> None:
        """Take the folder's WebHDFS address and the HDFS user to read as."""
        self._base = address
        self._user = user

    @contextmanager
    def open(self, name: str) -> Iterator[_Readable]:
        """Open one of the folder's files.

        Raises PublicationError if HDFS does not send it.
        """
        with self._asked(f"{self._base}/{name}", "OPEN") as response:
            yield response

    def files(self) -> dict[str, int]:
        """Return the sizes of the folder's files in bytes, by name.

        Raises PublicationError if HDFS does not list the folder.
        """
        with self._asked(self._base, "LISTSTATUS") as response:
            content = read_piece(response, _MAX_LISTING_BYTES)
        try:
            found = json.loads(content)["FileStatuses"]["FileStatus"]
            sizes = {status["pathSuffix"]: status["length"] for status in found if status["type"] == "FILE"}
        except (ValueError, KeyError, TypeError):
            raise PublicationError(
                f"{self._base} did not answer with a whole listing. Check that it is a NameNode."
            ) from None
        return dict(sorted(sizes.items()))

    @contextmanager
    def _asked(self, address: str, operation: str) -> Iterator[http.client.HTTPResponse]:
        query = urllib.parse.urlencode({"op": operation, "user.name": self._user})
        try:
            # source_of has checked the scheme, or it comes from this installation's settings.
            response = _DIRECTLY.open(f"{address}?{query}", timeout=_TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            with error:
                detail = _remote_message(error.read(65536)) or error.reason
            raise PublicationError(
                f"{address} answered {error.code} ({detail}). Check that it was published."
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise PublicationError(f"{address} cannot be reached: {error}. Check that HDFS is up.") from None
        with response:
            yield response


Source = FolderSource | WebHdfsSource | ObjectFolder


def source_of(address: str, publication: str, user: str) -> Source:
    """Return the source of a publication.

    `address` is an http(s) address of WebHDFS, an s3:// address or a local folder.
    """
    if address.startswith(SCHEME):
        return ObjectFolder(f"{address.rstrip('/')}/{publication}")
    base = publications_address(address)
    return FolderSource(Path(address), publication) if base is None else WebHdfsSource(f"{base}/{publication}", user)


def publications_address(address: str) -> str | None:
    """Return the WebHDFS address of the publications, or None for a local folder.

    Raises PublicationError for an address of another kind.
    """
    if urllib.parse.urlsplit(address).scheme in ("http", "https"):
        return web_hdfs_address(address, _DEFAULT_HDFS_FOLDER)
    if "://" in address:
        raise PublicationError(
            f"{address!r} is not a source. Give the NameNode's http address, s3://bucket/folder or a local folder."
        )
    return None


def pull(store: PublicationStore, address: str, publication: str, user: str, actor: str) -> Change:
    """Copy a publication into the store and verify it on the way.

    PublicationStore.add describes what happens where the store has it already. Raises PublicationError, and leaves the
    store unchanged, if the source lacks the publication or its bytes do not have the manifest's SHA-256.
    """
    source = source_of(address, check_publication_id(publication), user)
    store.folder.mkdir(parents=True, exist_ok=True)
    # This lock is not the store's, since a long download must not delay a rollback.
    with locked(store.root / ".pull.lock"):
        for left_over in store.folder.glob(".pull-*"):
            shutil.rmtree(left_over)
        arriving = Path(tempfile.mkdtemp(prefix=f".pull-{publication}-", dir=store.folder))
        arriving.chmod(0o755)
        try:
            _fetch(source, arriving, publication)
            return store.add(arriving, publication, actor, address)
        finally:
            shutil.rmtree(arriving, ignore_errors=True)


def _fetch(source: Source, folder: Path, publication: str) -> None:
    with source.open(MANIFEST_NAME) as remote:
        content = read_piece(remote, _MAX_MANIFEST_BYTES)
    manifest = Manifest.from_json(content, f"The manifest of {publication}")
    if manifest.batch_id != publication:
        raise PublicationError(
            f"The manifest found for {publication} belongs to {manifest.batch_id}. Publish {publication} again."
        )
    with source.open(manifest.kind.data_file) as remote:
        received = _copy(remote, folder / manifest.kind.data_file, manifest)
    if received != manifest.sha256:
        raise PublicationError(
            f"The {manifest.kind.data_file} of {publication} arrived with SHA-256 {received[:12]} instead of {manifest.sha256[:12]}. "
            "Pull it again, and publish it again if that does not help."
        )
    write_new_file(folder / MANIFEST_NAME, [content])
    fsync_folder(folder)


def _copy(remote: _Readable, path: Path, manifest: Manifest) -> str:
    """Write the data file and return its SHA-256.

    It stops after more bytes than the manifest has.
    """

    def pieces() -> Iterator[bytes]:
        received = 0
        while received <= manifest.size_bytes and (chunk := read_piece(remote)):
            received += len(chunk)
            yield chunk
            if sys.stderr.isatty():
                print(f"\r{received >> 20} of {manifest.size_bytes >> 20} MiB", end="", file=sys.stderr)

    return write_new_file(path, pieces())


def read_piece(remote: _Readable, size: int = _CHUNK_BYTES) -> bytes:
    """Return up to `size` bytes, none at the end.

    Raises PublicationError where the connection breaks.
    """
    try:
        return remote.read(size)
    except (OSError, http.client.HTTPException) as error:
        raise PublicationError(f"The connection broke while reading: {error}. Run the command again.") from None


def _remote_message(body: bytes) -> str | None:
    """Return the message in a WebHDFS error answer."""
    try:
        message = json.loads(body)["RemoteException"]["message"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(message).splitlines()[0] if message else None
