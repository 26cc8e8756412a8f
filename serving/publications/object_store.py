"""A folder of an S3-like store: files are read, listed, and written where there is none yet.

The library finds keys, region and the store's address where its users expect them: AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL_S3, or the files below ~/.aws.
"""

from __future__ import annotations

import base64
import functools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from serving.publications.format import PublicationError

SCHEME: Final = "s3://"
_ADDRESS: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9._=-]+)*)/?")
_MISSING: Final = ("404", "NoSuchKey")
# 409 is the answer to the later of two writes at the same time.
_TAKEN: Final = ("412", "PreconditionFailed", "409", "ConditionalRequestConflict")
_CONNECT_SECONDS: Final = 10
_READ_SECONDS: Final = 60


@functools.cache
def _client(endpoint: str) -> Any:
    """Return the process's client, which threads may share.

    `endpoint` only tells one client from another. Raises PublicationError.
    """
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise PublicationError(
            "s3:// addresses need the library boto3, which this environment lacks. Run `make install`, or use the image of "
            "this version."
        ) from None
    # A store of one's own has no host name for each bucket, and may not know the checksums that this library adds.
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "max_attempts": 3},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"} if endpoint else None,
    )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    try:
        return boto3.session.Session().client("s3", region_name=region, config=config)
    except (BotoCoreError, ValueError) as error:
        raise PublicationError(
            f"The store's client cannot be made: {str(error).rstrip('.')}. Check AWS_ENDPOINT_URL_S3 and the files below ~/.aws."
        ) from None


class ObjectFolder:
    """The files below one prefix of a bucket."""

    def __init__(self, address: str) -> None:
        """Take s3://bucket/prefix. Raises PublicationError for another address."""
        match = _ADDRESS.fullmatch(address)
        if match is None:
            raise PublicationError(f"{address!r} is no address of a store. Give s3://bucket/folder.")
        self.address = address.rstrip("/")
        self._bucket = match[1]
        self._prefix = f"{match[2][1:]}/" if match[2] else ""
        self._client = _client(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "")

    @contextmanager
    def open(self, name: str) -> Iterator[_Body]:
        """Open a file. Raises PublicationError if the store does not send it."""
        with self._explained(name):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
        body = _Body(self, name, answer["Body"])
        try:
            yield body
        finally:
            answer["Body"].close()

    def read(self, name: str, most: int) -> bytes | None:
        """Return a small file's content, or None where there is no such file.

        Raises PublicationError.
        """
        from botocore.exceptions import ClientError

        with self._explained(name):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            except ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise
            with answer["Body"] as body:
                return bytes(body.read(most))

    def files(self) -> dict[str, int]:
        """Return the sizes of the folder's own files in bytes, by name.

        Raises PublicationError.
        """
        found = {}
        with self._explained(""):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
            )
            for page in pages:
                for row in page.get("Contents", ()):
                    found[row["Key"].removeprefix(self._prefix)] = row["Size"]
        return dict(sorted(found.items()))

    def write_new(self, name: str, content: bytes) -> bool:
        """Write a file, as a whole, where there is none.

        Return whether the file now has this content by this call: False where another content was there first.
        """
        from botocore.exceptions import ClientError

        with self._explained(name):
            try:
                self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content, IfNoneMatch="*")
            except ClientError as error:
                if _code(error) not in _TAKEN:
                    raise
                # An answer that got lost is asked for again, and then this call's own file is in the way.
                return self.read(name, len(content) + 1) == content
        return True

    def upload(self, path: Path, name: str, sha256: str) -> None:
        """Write a large file, which the store compares with its SHA-256.

        Raises PublicationError, and OSError for the local file.
        """
        digest = base64.b64encode(bytes.fromhex(sha256)).decode()
        with self._explained(name), path.open("rb") as file:
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=file, ChecksumSHA256=digest)

    @contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        """Turn the library's errors into sentences."""
        from botocore.exceptions import BotoCoreError, ClientError

        where = f"{self.address}/{name}".rstrip("/")
        try:
            yield
        except ClientError as error:
            raise PublicationError(f"{where} answered {_code(error)}. {_advice(_code(error))}") from None
        except BotoCoreError as error:
            raise PublicationError(
                f"{where} cannot be reached: {str(error).rstrip('.')}. Check the store's address and the access key."
            ) from None


class _Body:
    """A file that is being read."""

    def __init__(self, folder: ObjectFolder, name: str, stream: Any) -> None:
        self._folder, self._name, self._stream = folder, name, stream

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end. Raises PublicationError."""
        with self._folder._explained(self._name):
            return bytes(self._stream.read(size))


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code") or error.response["ResponseMetadata"]["HTTPStatusCode"])


def _advice(code: str) -> str:
    if code in _MISSING:
        return "Check that it was published."
    if code == "NoSuchBucket":
        return "Make the bucket, or correct the address."
    if code in ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"):
        return "Check the access key and its rights."
    return "Try again, and ask the store's operator if that does not help."
