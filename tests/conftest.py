"""What several folders share: stack, browser and compiled templates; and which tests need Spark."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.stack import BATCH_DATE, Stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The machines are shared: an example that took 320 ms took 1 ms when it was tried again.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
]

# A process of pytest-xdist has a main module without a file, which pyspark.sql.connect takes for its doctests, and exits.
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = pytest.__file__

# What a shell starts in the background ignores Ctrl-C, and so does all that it starts: tests press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use Spark: a session is slow to start."""
    # The test of `make down` ends the stack, so it comes last.
    items.sort(key=lambda item: item.path.name == "test_shutdown.py")
    for item in items:
        if "spark" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium."""
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def templates_compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Flask applications share their compiled templates: compiling them again is a quarter of the time of a page's test."""
    from flask import Flask
    from jinja2 import FileSystemBytecodeCache

    cache = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": cache})
        yield


# Set by a developer who runs single tests again and again: each whole start and first run takes seven minutes.
KEEP_STACK = os.environ.get("MARQUEE_TEST_STACK") == "keep"


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Starts the test instance from nothing, and ends it; with MARQUEE_TEST_STACK=keep, goes on with one that runs."""
    if not KEEP_STACK:
        Stack().control("clean", "--yes")
    # Made after the cleaning, which deletes the secrets that its variables hold.
    running = Stack()
    running.control("up")
    yield running
    if not KEEP_STACK:
        running.control("down")


@pytest.fixture(scope="session")
def first_run(stack: Stack) -> str:
    """Runs the pipeline once and returns what the client printed; a stack that was kept has this on record."""
    record = stack.settings.instance / "first_run.log"
    if KEEP_STACK and record.exists():
        return record.read_text(encoding="utf-8")
    status, problem = stack.problem("/v1/users/1/recommendations")
    assert status == 503, problem
    printed = stack.pipeline("run", "--batch-date", BATCH_DATE)
    record.write_text(printed, encoding="utf-8")
    return printed
