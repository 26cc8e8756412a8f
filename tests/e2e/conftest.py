"""A sentiment model for the tests that ask the reviews service."""

from pathlib import Path

import httpx
import pytest

from serving.publications.store import PublicationStore
from tests.sentiment_models import FIRST, publish, wait_until
from tests.stack import Stack


@pytest.fixture(scope="session")
def sentiment_model(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The live model that the service serves; a small one is published where a training has published none."""
    store = PublicationStore(Path(stack.variables["MARQUEE_SENTIMENT_STORE"]))
    if store.live() is None:
        publish(store.root, tmp_path_factory.mktemp("models"), FIRST, "1").activate(FIRST, "test", "none was live")
    live = store.live()
    assert live is not None
    ready = f"{stack.variables['MARQUEE_GATEWAY_URL']}/reviews/ready"
    wait_until("the model serves", lambda: (httpx.get(ready).json()["model"] or {}).get("publication") == live)
    return live
