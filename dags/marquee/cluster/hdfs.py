"""Connect to HDFS and rename there."""

from __future__ import annotations

from typing import Any

from airflow.providers.apache.hdfs.hooks.webhdfs import WebHDFSHook

from marquee import settings


def client() -> Any:
    """Return the hdfs client of connection `webhdfs_default`."""
    return WebHDFSHook(webhdfs_conn_id=settings.WEBHDFS_CONNECTION).get_conn()


def text_of(client: Any, path: str) -> str | None:
    """Return a small UTF-8 file's text, or None where there is no such file."""
    if client.status(path, strict=False) is None:
        return None
    with client.read(path, encoding="utf-8") as reader:
        text: str = reader.read()
    return text


def move(client: Any, source: str, target: str) -> None:
    """Rename a file or folder; raise HdfsError if the target or no source exists.

    The client's own `rename` moves a folder into a target that exists.
    """
    client._rename(source, destination=target, renameoptions="NONE")
