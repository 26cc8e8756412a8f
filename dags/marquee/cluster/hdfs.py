"""Connect to HDFS and rename there."""

from __future__ import annotations

from typing import Any

from airflow.providers.apache.hdfs.hooks.webhdfs import WebHDFSHook

from marquee import settings


def client() -> Any:
    """Return the hdfs client of connection `webhdfs_default`."""
    return WebHDFSHook(webhdfs_conn_id=settings.WEBHDFS_CONNECTION).get_conn()


def move(client: Any, source: str, target: str) -> None:
    """Rename a file or folder; raise HdfsError if the target or no source exists.

    The client's own `rename` moves a folder into a target that exists.
    """
    client._rename(source, destination=target, renameoptions="NONE")
