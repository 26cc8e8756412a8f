"""Ask WebHDFS what HDFS holds, in place of the text that `hadoop fs` prints.

mrjob decides by the first line of standard error whether a path exists. A shell or a JVM may write another line before,
for example about a locale, and the job then fails.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

from mrjob.fs.hadoop import HadoopFilesystem

SECONDS = 60
NOT_FOUND = 404
# The proxy of a download does not know the platform's hosts.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class WebHdfs(HadoopFilesystem):  # type: ignore[misc]  # mrjob is untyped
    """Answer `exists`, `ls` and `du` by WebHDFS; the rest is as in mrjob.

    Paths are names, not patterns. Raise OSError if the NameNode does not answer.
    """

    def __init__(self, address: str, hadoop_bin: list[str] | None = None) -> None:
        super().__init__(hadoop_bin)
        self._address = address.rstrip("/")

    def exists(self, path_glob: str) -> bool:
        """Return whether there is such a file or directory."""
        return self._ask(path_glob, "GETFILESTATUS") is not None

    def ls(self, path_glob: str) -> Iterator[str]:
        """Yield each file below a path; none if the path does not exist."""
        answer = self._ask(path_glob, "LISTSTATUS")
        for status in answer["FileStatuses"]["FileStatus"] if answer else []:
            # The status of a file that was asked for itself has no name.
            path = f"{path_glob.rstrip('/')}/{status['pathSuffix']}" if status["pathSuffix"] else path_glob
            if status["type"] == "DIRECTORY":
                yield from self.ls(path)
            else:
                yield path

    def du(self, path_glob: str) -> int:
        """Return the bytes of a file or directory; 0 if it does not exist."""
        answer = self._ask(path_glob, "GETCONTENTSUMMARY")
        return int(answer["ContentSummary"]["length"]) if answer else 0

    def _ask(self, path: str, operation: str) -> dict[str, Any] | None:
        """Return WebHDFS's answer, None if the path does not exist."""
        query = {"op": operation}
        if user := os.environ.get("HADOOP_USER_NAME") or os.environ.get("MARQUEE_HDFS_USER"):
            query["user.name"] = user
        name = urllib.parse.quote(urllib.parse.urlparse(path).path)
        address = f"{self._address}/webhdfs/v1{name}?{urllib.parse.urlencode(query)}"
        try:
            with _DIRECTLY.open(address, timeout=SECONDS) as reply:
                found: dict[str, Any] = json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == NOT_FOUND:
                    return None
                raise OSError(f"WebHDFS answers {error.code} for {path}: {error.read(500).decode()}") from None
        except (OSError, ValueError) as error:
            raise OSError(
                f"WebHDFS at {self._address} can't be asked about {path} ({error}). See `make status`."
            ) from None
        return found
