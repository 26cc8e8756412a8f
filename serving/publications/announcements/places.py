"""Where announcements are kept: in a folder, in HDFS, or in an S3-like store."""

from __future__ import annotations

import http.client
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Final, Protocol

from serving.publications.announcements.announcement import Announcement
from serving.publications.format import MANIFEST_NAME, RECOMMENDATIONS, Kind, PublicationError
from serving.publications.manifest import Manifest
from serving.publications.object_store import SCHEME, ObjectFolder
from serving.publications.transfer import WebHdfsSource, publications_address, read_piece

# The publications of all kinds lie side by side, and each kind has a store and a series of its own.
_FOLDERS: Final = {"recommendations": "live", "sentiment": "live-sentiment"}
_NAME: Final = re.compile(r"([0-9]{12})\.json")
_MAX_BYTES: Final = 64 << 10
_TIMEOUT_SECONDS: Final = 30.0


class Place(Protocol):
    """A series of announcements.

    Each method raises PublicationError where the place does not answer.
    """

    def latest(self) -> Announcement | None:
        """Return the last announcement, or None before the first."""

    def add(self, announcement: Announcement) -> bool:
        """Add an announcement as a whole.

        Return False, and change nothing, if its number is taken.
        """

    def bring(self, folder: Path, manifest: Manifest) -> None:
        """See that followers find the publication of a folder, which is announced next."""


def place_of(address: str, user: str, kind: Kind | None = RECOMMENDATIONS) -> Place:
    """Return the place of a kind's series, next to the publications of `address`.

    That is an http(s) address of WebHDFS, an s3:// address or a local folder. Without a kind it is that of
    recommendations.
    """
    folder = _FOLDERS[(kind or RECOMMENDATIONS).name]
    if address.startswith(SCHEME):
        return ObjectPlace(address.rstrip("/"), folder)
    base = publications_address(address)
    if base is None:
        return FolderPlace(Path(address) / folder)
    return WebHdfsPlace(f"{base}/{folder}", user)


def _file(number: int) -> str:
    return f"{number:012d}.json"


def _last_number(names: list[str]) -> int | None:
    return max((int(match[1]) for name in names if (match := _NAME.fullmatch(name))), default=None)


class FolderPlace:
    """Announcements in a folder that all readers mount."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def latest(self) -> Announcement | None:
        """Return the last announcement, or None before the first."""
        try:
            number = _last_number([path.name for path in self._folder.iterdir()])
            return (
                None if number is None else Announcement.from_json((self._folder / _file(number)).read_bytes(), number)
            )
        except FileNotFoundError:
            if self._folder.parent.is_dir():
                return None
            raise PublicationError(f"{self._folder.parent} does not exist. Give the publications' folder.") from None
        except OSError as error:
            raise PublicationError(
                f"{self._folder} cannot be read: {error.strerror}. Check that it is mounted."
            ) from None

    def add(self, announcement: Announcement) -> bool:
        """Add an announcement: a link to a whole file fails where the name is taken."""
        try:
            self._folder.mkdir(exist_ok=True)
            fresh = self._folder / f".{uuid.uuid4().hex}"
            fresh.write_bytes(announcement.to_json())
            try:
                os.link(fresh, self._folder / _file(announcement.number))
            except FileExistsError:
                return False
            finally:
                fresh.unlink()
        except OSError as error:
            raise PublicationError(f"{self._folder} cannot be written: {error.strerror}. Check its rights.") from None
        return True

    def bring(self, folder: Path, manifest: Manifest) -> None:
        """Do nothing: publications lie here before a store pulls them."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow no redirect: WebHDFS wants the data at the second address alone."""


_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


class WebHdfsPlace:
    """Announcements in a folder of HDFS."""

    def __init__(self, address: str, user: str) -> None:
        self._address, self._user = address, user
        self._source = WebHdfsSource(address, user)

    def latest(self) -> Announcement | None:
        """Return the last announcement, or None before the first."""
        try:
            number = _last_number(list(self._source.files()))
        except PublicationError:
            # The folder is made with the first announcement. Without the publications' folder there is no such HDFS.
            WebHdfsSource(self._address.rpartition("/")[0], self._user).files()
            return None
        if number is None:
            return None
        with self._source.open(_file(number)) as remote:
            return Announcement.from_json(read_piece(remote, _MAX_BYTES), number)

    def add(self, announcement: Announcement) -> bool:
        """Add an announcement: HDFS renames a whole file only where the name is free."""
        parts = urllib.parse.urlsplit(self._address)
        folder = parts.path.removeprefix("/webhdfs/v1")
        fresh = f".{uuid.uuid4().hex}"
        self._ask(self._address, "MKDIRS")
        location = self._ask(f"{self._address}/{fresh}", "CREATE", overwrite="false")
        self._put(location, announcement.to_json())
        target = f"{folder}/{_file(announcement.number)}"
        renamed = json.loads(self._ask(f"{self._address}/{fresh}", "RENAME", destination=target))
        if renamed.get("boolean") is not True:
            self._ask(f"{self._address}/{fresh}", "DELETE", method="DELETE")
            return False
        return True

    def bring(self, folder: Path, manifest: Manifest) -> None:
        """Do nothing: the batch side builds publications in HDFS."""

    def _ask(self, address: str, operation: str, method: str = "PUT", **more: str) -> str:
        query = urllib.parse.urlencode({"op": operation, "user.name": self._user, **more})
        return self._put(f"{address}?{query}", None, method)

    def _put(self, address: str, content: bytes | None, method: str = "PUT") -> str:
        """Return the answer's text, or the address to which a redirect leads."""
        # The address is this installation's, or one that its NameNode names.
        request = urllib.request.Request(address, data=content, method=method)  # noqa: S310
        if content is not None:
            request.add_header("Content-Type", "application/octet-stream")
        shown = address.partition("?")[0]
        try:
            with _DIRECTLY.open(request, timeout=_TIMEOUT_SECONDS) as response:
                return str(response.read(_MAX_BYTES).decode(errors="replace"))
        except urllib.error.HTTPError as error:
            with error:
                if error.code == http.client.TEMPORARY_REDIRECT:
                    return str(error.headers["Location"])
            raise PublicationError(f"{shown} answered {error.code}. Check that this user may write there.") from None
        except (OSError, http.client.HTTPException) as error:
            raise PublicationError(f"{shown} cannot be reached: {error}. Check that HDFS is up.") from None


# Written twice: the second time must be refused.
_PROBE: Final = ("conditions-hold.txt", b"The store keeps what is written first under a name.\n")


class ObjectPlace:
    """Announcements in an S3-like store, to which the publications are uploaded."""

    def __init__(self, address: str, folder: str) -> None:
        self._publications = address
        self._folder = ObjectFolder(f"{address}/{folder}")

    def latest(self) -> Announcement | None:
        """Return the last announcement, or None before the first."""
        number = _last_number(list(self._folder.files()))
        if number is None:
            return None
        content = self._folder.read(_file(number), _MAX_BYTES)
        return Announcement.from_json(content or b"", number)

    def add(self, announcement: Announcement) -> bool:
        """Add an announcement: If-None-Match: * writes where the name is free."""
        name, content = _PROBE
        # A store that does not know the condition would let two writers take one number.
        if self._folder.write_new(name, content) and self._folder.write_new(name, content + b"\n"):
            raise PublicationError(
                f"{self._folder.address} overwrites files though If-None-Match: * forbids it, so two writers could not be kept "
                "apart. Use a store that knows conditional writes."
            )
        return self._folder.write_new(_file(announcement.number), announcement.to_json())

    def bring(self, folder: Path, manifest: Manifest) -> None:
        """Upload a publication, unless it is there.

        The data file comes first, since a manifest says that all is there.
        """
        target = ObjectFolder(f"{self._publications}/{manifest.batch_id}")
        content = (folder / MANIFEST_NAME).read_bytes()
        there = target.read(MANIFEST_NAME, len(content) + 1)
        if there is None:
            target.upload(folder / manifest.kind.data_file, manifest.kind.data_file, manifest.sha256)
            if target.write_new(MANIFEST_NAME, content):
                return
            there = target.read(MANIFEST_NAME, len(content) + 1)
        if there != content:
            raise PublicationError(
                f"{target.address} holds another publication under this id. Publish under a new batch id, and announce that."
            )
