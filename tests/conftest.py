"""How the tests are shared out between processes (pytest-xdist)."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests together, since they share fixtures, and all that use Spark: a session is slow to start."""
    for item in items:
        spark = "spark" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("spark" if spark else str(item.path)))
