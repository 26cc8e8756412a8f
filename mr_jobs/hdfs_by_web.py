"""Ask WebHDFS what HDFS holds and write its small files there, in place of the command `hadoop fs`.

mrjob decides by the first line of standard error whether a path exists. A shell or a JVM may write another line before,
for example about a locale, and the job then fails. Each command also starts a JVM, and mrjob gives eight for a job.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from mrjob.fs.hadoop import HadoopFilesystem

SECONDS = 60
NOT_FOUND = 404
# The proxy of a download does not know the platform's hosts.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class WebHdfs(HadoopFilesystem):  # type: ignore[misc]  # mrjob is untyped
    """Answer what mrjob asks of HDFS by WebHDFS.

    These are `exists`, `ls`, `du`, `mkdir`, `put` and `rm`.

    The last part of a path may be a pattern with `*` and `?`, as Hadoop reads it: a snapshot that ratings of the accounts
    service joined is `*ratings.csv`. Raise OSError if the NameNode does not answer.
    """

    def __init__(self, address: str, hadoop_bin: list[str] | None = None) -> None:
        super().__init__(hadoop_bin)
        self._address = address.rstrip("/")

    def exists(self, path_glob: str) -> bool:
        """Return whether there is such a file or directory."""
        return any(self._ask(path, "GETFILESTATUS") is not None for path in self._named(path_glob))

    def ls(self, path_glob: str) -> Iterator[str]:
        """Yield each file below a path; none if the path does not exist."""
        for named in self._named(path_glob):
            for status in self._list(named):
                # The status of a file that was asked for itself has no name.
                path = f"{named.rstrip('/')}/{status['pathSuffix']}" if status["pathSuffix"] else named
                if status["type"] == "DIRECTORY":
                    yield from self.ls(path)
                else:
                    yield path

    def du(self, path_glob: str) -> int:
        """Return the bytes of a file or directory; 0 if it does not exist."""
        answers = [self._ask(path, "GETCONTENTSUMMARY") for path in self._named(path_glob)]
        return sum(int(answer["ContentSummary"]["length"]) for answer in answers if answer)

    def mkdir(self, path: str) -> None:
        """Make a directory and its parents."""
        self._ask(path, "MKDIRS", method="PUT")

    def put(self, src: str, path: str) -> None:
        """Copy a local file to a path, where a DataNode takes it."""
        # Without a redirect the answer names the DataNode, which alone gets the content.
        answer = self._ask(path, "CREATE", method="PUT", noredirect="true", overwrite="true") or {}
        with Path(src).open("rb") as content:
            self._open(path, answer["Location"], "PUT", content)

    def rm(self, path_glob: str) -> None:
        """Delete files and directories with their content; do nothing if there is none."""
        for path in self._named(path_glob):
            self._ask(path, "DELETE", method="DELETE", recursive="true")

    def get_hadoop_version(self) -> str:
        """Return the version of the jars here, or else what the command says."""
        folder = Path(os.environ.get("HADOOP_HOME", "")) / "lib"
        found = [jar.stem.removeprefix("hadoop-common-") for jar in folder.glob("hadoop-common-*.jar")]
        (version,) = found if len(found) == 1 else (str(super().get_hadoop_version()),)
        return version

    def _named(self, path_glob: str) -> list[str]:
        """Return the paths that a pattern names, sorted, or the path itself."""
        folder, _, pattern = path_glob.rpartition("/")
        if "*" not in pattern and "?" not in pattern:
            return [path_glob]
        names = [status["pathSuffix"] for status in self._list(folder)]
        return [f"{folder}/{name}" for name in sorted(names) if name and _matches(name, pattern)]

    def _list(self, path: str) -> list[dict[str, Any]]:
        answer = self._ask(path, "LISTSTATUS")
        return answer["FileStatuses"]["FileStatus"] if answer else []

    def _ask(self, path: str, operation: str, method: str = "GET", **options: str) -> dict[str, Any] | None:
        """Return WebHDFS's answer, None if the path does not exist."""
        query = {"op": operation, **options}
        if user := os.environ.get("HADOOP_USER_NAME") or os.environ.get("MARQUEE_HDFS_USER"):
            query["user.name"] = user
        name = urllib.parse.quote(urllib.parse.urlparse(path).path)
        found = self._open(path, f"{self._address}/webhdfs/v1{name}?{urllib.parse.urlencode(query)}", method)
        try:
            answer: dict[str, Any] | None = None if found is None else json.loads(found)
        except ValueError as error:
            raise self._silent(path, error) from None
        return answer

    def _open(self, path: str, address: str, method: str, content: BinaryIO | None = None) -> bytes | None:
        request = urllib.request.Request(address, content, method=method)  # noqa: S310 - an address of HDFS
        if content is not None:
            request.add_header("Content-Type", "application/octet-stream")
            request.add_header("Content-Length", str(os.fstat(content.fileno()).st_size))
        try:
            with _DIRECTLY.open(request, timeout=SECONDS) as reply:
                answer: bytes = reply.read()
        except urllib.error.HTTPError as error:
            with error:
                if error.code == NOT_FOUND:
                    return None
                raise OSError(f"WebHDFS answers {error.code} for {path}: {error.read(500).decode()}") from None
        except OSError as error:
            raise self._silent(path, error) from None
        return answer

    def _silent(self, path: str, error: Exception) -> OSError:
        return OSError(f"WebHDFS at {self._address} can't be asked about {path} ({error}). See `make status`.")


def _matches(name: str, pattern: str) -> bool:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split("([*?])", pattern))
    return re.fullmatch("".join(parts), name, re.DOTALL) is not None
