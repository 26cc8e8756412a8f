"""Test the data docs: read-only, from one folder, without power over Airflow."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).resolve().parents[2] / "dags" / "plugins" / "data_docs.py"


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the plugin's module, loaded by its path as Airflow loads it."""
    monkeypatch.setenv("MARQUEE_DATA_DOCS", str(tmp_path / "docs"))
    spec = importlib.util.spec_from_file_location("data_docs", PLUGIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def client(plugin: Any, tmp_path: Path) -> Any:
    from starlette.testclient import TestClient

    batch = tmp_path / "docs" / "20261123T190000"
    batch.mkdir(parents=True)
    (batch / "index.html").write_text("<h1>Data docs</h1>")
    (tmp_path / "secret.txt").write_text("password")
    return TestClient(plugin.DataDocsPlugin.fastapi_apps[0]["app"])


def test_a_batchs_page_is_served_with_the_policy_that_keeps_other_hosts_and_scripts_out(client: Any) -> None:
    answer = client.get("/20261123T190000/index.html")
    assert (answer.status_code, answer.text) == (200, "<h1>Data docs</h1>")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert policy.endswith("sandbox")
    assert client.get("/20261123T190000/").text == "<h1>Data docs</h1>"


@pytest.mark.parametrize("path", ["/%2e%2e/secret.txt", "/20261123T190000/%2e%2e/%2e%2e/secret.txt", "/nothing.html"])
def test_nothing_outside_the_folder_is_served(client: Any, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(client: Any, method: str) -> None:
    assert client.request(method, "/20261123T190000/index.html").status_code == 405


def test_airflows_menu_and_the_tasks_button_lead_there(plugin: Any) -> None:
    from marquee import settings

    app, view = plugin.DataDocsPlugin.fastapi_apps[0], plugin.DataDocsPlugin.external_views[0]
    assert app["url_prefix"] == "/data-docs"
    assert view["href"].startswith(app["url_prefix"])
    assert settings.DATA_DOCS_URL.endswith(app["url_prefix"])
    assert plugin.FOLDER.is_dir()
