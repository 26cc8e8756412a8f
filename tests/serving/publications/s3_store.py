"""An S3-like store on a free port of the loopback address: moto's server, which keeps its objects in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest

BUCKET = "films"
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Store:
    """What the tests do with the store and its objects, past the code that they test.

    `refuses` has methods and the status and code that answers them. `forgets_conditions` makes a store of the years before
    conditional writes. `loses` is how many writes are done and answered with 500, and `cuts` ends bodies early.
    """

    def __init__(self) -> None:
        self.client: Any = None
        self.refuses: dict[str, tuple[str, str]] = {}
        self.forgets_conditions = False
        self.loses = 0
        self.cuts = False

    def write(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def read(self, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def names(self, prefix: str) -> list[str]:
        return [row["Key"] for row in self.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())]


def _as_the_test_says(app: Wsgi, store: Store) -> Wsgi:
    """Return moto as a real store is, where nothing is written between a condition and its write, with the test's faults."""
    lock = threading.Lock()

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        if method in store.refuses:
            status, code = store.refuses[method]
            return _error(start, status, code)
        if store.forgets_conditions:
            environ.pop("HTTP_IF_NONE_MATCH", None)
        with lock:
            content = list(app(environ, start if not store.loses or method != "PUT" else _unheard))
        if method == "PUT" and store.loses:
            store.loses -= 1
            return _error(start, "500 Internal Server Error", "InternalError")
        return [b"".join(content)[:-1]] if store.cuts else content

    return answer


def _unheard(*_: object) -> None:
    """Take the answer's head, which nobody reads."""


def _error(start: Any, status: str, code: str) -> list[bytes]:
    body = f"<Error><Code>{code}</Code><Message>as the test says</Message></Error>".encode()
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def s3_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Serve an empty bucket, and lead the programs to it by the variables that the library reads."""
    pytest.importorskip("moto", reason="moto is missing: make install")
    import boto3
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    for name, value in {
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": "not-secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].reset()
    store = Store()
    app = _as_the_test_says(DomainDispatcherApplication(create_backend_app), store)
    with mock.patch("werkzeug.serving.WSGIRequestHandler.log_request"):
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        store.client = boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint)
        store.client.create_bucket(Bucket=BUCKET)
        try:
            yield store
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
