"""How the tests are shared out between processes (pytest-xdist)."""

import sys

import pytest

# A process of pytest-xdist has a main module without a file, which pyspark.sql.connect takes for its doctests, and exits.
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = pytest.__file__


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests together, since they share fixtures, and all that use Spark: a session is slow to start.

    The largest group begins first, so that no process waits for it at the end.
    """

    def uses_spark(item: pytest.Item) -> bool:
        return "spark" in getattr(item, "fixturenames", ())

    items.sort(key=lambda item: not uses_spark(item))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("spark" if uses_spark(item) else str(item.path)))
