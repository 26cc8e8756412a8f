"""Connect to HDFS and replace a run's directories there."""

from __future__ import annotations

from typing import Any

from airflow.providers.apache.hdfs.hooks.webhdfs import WebHDFSHook

from marquee import settings


def client() -> Any:
    """Return the hdfs client of connection `webhdfs_default`."""
    return WebHDFSHook(webhdfs_conn_id=settings.WEBHDFS_CONNECTION).get_conn()


def replace_directory(client: Any, attempt: str, final: str) -> None:
    """Rename the finished attempt to `final`, after deleting an earlier output."""
    client.delete(final, recursive=True)
    client.makedirs(final.rsplit("/", 1)[0])
    client.rename(attempt, final)
